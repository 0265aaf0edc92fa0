package documents_test

import (
	"testing"

	"atrium/bench/redisserver"
)

// redisServer is a real one, on a port and in a directory of its own.
type redisServer struct {
	t testing.TB
	*redisserver.Server
}

func newRedis(t testing.TB, more ...string) *redisServer {
	t.Helper()
	s, err := redisserver.Start(t.Context(), more...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return &redisServer{t, s}
}

func (r *redisServer) stop() { r.Kill() }

func (r *redisServer) start() {
	r.t.Helper()
	if err := r.Start(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *redisServer) hang(yes bool) {
	r.t.Helper()
	if err := r.Hang(yes); err != nil {
		r.t.Fatal(err)
	}
}
