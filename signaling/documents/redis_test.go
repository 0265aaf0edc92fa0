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
	return started(t)(redisserver.Start(t.Context(), more...))
}

// newRedisTLS is one that is reached by TLS alone.
func newRedisTLS(t testing.TB, cert, key string, more ...string) *redisServer {
	t.Helper()
	return started(t)(redisserver.StartTLS(t.Context(), cert, key, more...))
}

func started(t testing.TB) func(*redisserver.Server, error) *redisServer {
	return func(s *redisserver.Server, err error) *redisServer {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		return &redisServer{t, s}
	}
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
