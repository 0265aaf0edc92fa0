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
	URL string // redis://127.0.0.1:port/0, or rediss:// with skip_verify

	dir  string
	args []string
	cmd  *exec.Cmd     // nil: stopped
	gone chan struct{} // closed when the process has ended
}

const (
	answersWithin = 10 * time.Second
	attempts      = 5 // a port that was free may be taken when the server comes to bind it
)

// Start starts one on a free port. It persists what it is given; more are arguments of redis-server beyond that.
func Start(ctx context.Context, more ...string) (*Server, error) {
	return start(ctx, func(port string) (string, []string) {
		return "redis://127.0.0.1:" + port + "/0", append([]string{"--port", port}, more...)
	})
}

// StartTLS starts one that is reached by TLS alone, with the certificate and key of these PEM files.
func StartTLS(ctx context.Context, cert, key string, more ...string) (*Server, error) {
	return start(ctx, func(port string) (string, []string) {
		return "rediss://127.0.0.1:" + port + "/0?skip_verify=true", append([]string{"--port", "0", "--tls-port", port,
			"--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert, "--tls-auth-clients", "no"}, more...)
	})
}

func start(ctx context.Context, on func(port string) (url string, args []string)) (*Server, error) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		return nil, fmt.Errorf("redisserver: %w: .ci/install installs it", err)
	}
	var err error
	for range attempts {
		var port string
		if port, err = freePort(); err != nil {
			return nil, err
		}
		s := &Server{}
		if s.dir, err = os.MkdirTemp("", "atrium-redis-"); err != nil {
			return nil, fmt.Errorf("redisserver: %w", err)
		}
		var args []string
		s.URL, args = on(port)
		s.args = append([]string{
			"--bind", "127.0.0.1", "--dir", s.dir, "--appendonly", "yes", "--save", "", "--logfile", "redis.log"}, args...)
		if err = s.Start(ctx); err == nil {
			return s, nil
		}
		s.Close()
		if !errors.Is(err, errEnded) {
			return nil, err
		}
	}
	return nil, err
}

var errEnded = errors.New("redisserver: the process ended before it answered")

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("redisserver: %w", err)
	}
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), l.Close()
}

// Start starts it again after Kill, and waits until it answers.
func (s *Server) Start(ctx context.Context) error {
	opt, err := redis.ParseURL(s.URL)
	if err != nil {
		return fmt.Errorf("redisserver: %w", err)
	}
	cmd, gone := exec.Command("redis-server", s.args...), make(chan struct{})
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("redisserver: %w", err)
	}
	go func() {
		_ = cmd.Wait() // how it ended is in its log
		close(gone)
	}()
	s.cmd, s.gone = cmd, gone
	c := redis.NewClient(opt)
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, answersWithin)
	defer cancel()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		err := c.Ping(ctx).Err()
		var refusal redis.Error // it answers, and wants a password
		answers := err == nil || errors.As(err, &refusal) && !errors.Is(err, redis.Nil) && !loading(err)
		select {
		case <-gone: // what answers is another's
			return errEnded
		default:
		}
		if answers {
			return nil
		}
		select {
		case <-again.C:
		case <-gone:
			return errEnded
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
	<-s.gone
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
