// Package redisserver runs a real redis-server on loopback, in a process and a directory of its own, which can be stopped,
// hung and started again with what it kept.
package redisserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// Server is a redis-server.
type Server struct {
	URL string // redis://127.0.0.1:port/0

	dir  string
	args []string
	cmd  *exec.Cmd // nil: stopped
}

const answersWithin = 10 * time.Second

// Start starts one on a free port. It persists what it is given; more are arguments of redis-server beyond that.
func Start(ctx context.Context, more ...string) (*Server, error) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		return nil, fmt.Errorf("redisserver: %w: .ci/install installs it", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "atrium-redis-")
	if err != nil {
		return nil, fmt.Errorf("redisserver: %w", err)
	}
	s := &Server{URL: "redis://127.0.0.1:" + port + "/0", dir: dir, args: append([]string{
		"--bind", "127.0.0.1", "--port", port, "--dir", dir, "--appendonly", "yes", "--save", "", "--logfile", "redis.log",
	}, more...)}
	if err := s.Start(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("redisserver: %w", err)
	}
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), l.Close()
}

// Start starts it again after Kill, and waits until it answers.
func (s *Server) Start(ctx context.Context) error {
	s.cmd = exec.Command("redis-server", s.args...)
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return fmt.Errorf("redisserver: %w", err)
	}
	opt, err := redis.ParseURL(s.URL)
	if err != nil {
		return fmt.Errorf("redisserver: %w", err)
	}
	c := redis.NewClient(opt)
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, answersWithin)
	defer cancel()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		err := c.Ping(ctx).Err()
		var refusal redis.Error // it answers, and wants a password
		if err == nil || errors.As(err, &refusal) && !errors.Is(err, redis.Nil) && !loading(err) {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("redisserver: it does not answer: %w", err)
		}
	}
}

func loading(err error) bool { return len(err.Error()) > 7 && err.Error()[:7] == "LOADING" }

// Kill ends it at once, as a crash does. What it kept is there when it is started again.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait() // it was killed
	s.cmd = nil
}

// Hang stops it in its tracks, or lets it go on.
func (s *Server) Hang(yes bool) error {
	sig := syscall.SIGCONT
	if yes {
		sig = syscall.SIGSTOP
	}
	return s.cmd.Process.Signal(sig)
}

// Close ends it and forgets what it kept.
func (s *Server) Close() {
	s.Kill()
	os.RemoveAll(s.dir)
}
