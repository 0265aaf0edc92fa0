package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"

	"atrium/cmd/atrium/node"
	"atrium/configs"
)

// Node is an Atrium node in a process of its own, on loopback.
type Node struct {
	Addrs node.Addrs
	PID   int

	// Static after construction.
	cmd   *exec.Cmd
	stdin io.WriteCloser
	dir   string
	log   *tail
	ended chan struct{} // closed when the process has ended; err is set
	err   error

	stop sync.Once
}

// Start runs a node on free ports of loopback, with guest login and the default limits.
// adjust, which may be nil, changes its configuration before that is handed over. ctx bounds the start alone; its end kills a
// node that has not come up.
func Start(ctx context.Context, adjust func(*configs.Config)) (_ *Node, err error) {
	dir, err := os.MkdirTemp("", "atrium-bench-")
	if err != nil {
		return nil, fmt.Errorf("server: data directory of the node: %w", err)
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	cfg := configs.Default()
	cfg.DataDir = configs.Path(dir)
	cfg.Log.Level = "warn"
	cfg.Server.Listen, cfg.Admin.Listen = "127.0.0.1:0", "127.0.0.1:0"
	cfg.TURN.UDP, cfg.TURN.TCP = "127.0.0.1:0", "127.0.0.1:0"
	cfg.SFU.UDP, cfg.SFU.TCP = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Auth.GuestLogin = true
	if adjust != nil {
		adjust(cfg)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("server: own program: %w", err)
	}
	n := &Node{cmd: exec.Command(self), dir: dir, log: &tail{limit: 64 << 10}, ended: make(chan struct{})}
	n.cmd.Env = append(os.Environ(), childEnv+"=1")
	n.cmd.Stderr = n.log
	if n.stdin, err = n.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	stdout, err := n.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	if err := n.cmd.Start(); err != nil {
		return nil, fmt.Errorf("server: start of the node: %w", err)
	}
	n.PID = n.cmd.Process.Pid
	up := make(chan error, 1)
	go func() {
		defer close(n.ended)
		up <- errors.Join(json.NewEncoder(n.stdin).Encode(cfg), json.NewDecoder(stdout).Decode(&n.Addrs))
		n.err = n.cmd.Wait()
	}()
	select {
	case err = <-up:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		_ = n.cmd.Process.Kill()
		<-n.ended
		return nil, fmt.Errorf("server: the node did not come up: %w\n%s", err, n.log)
	}
	return n, nil
}

// Usage is what the node's process has used so far.
func (n *Node) Usage() (Usage, error) { return UsageOf(n.PID) }

// Kill ends the process at once, as a crash would.
func (n *Node) Kill() {
	_ = n.cmd.Process.Kill()
	n.stop.Do(func() { _ = n.stdin.Close() })
	<-n.ended
	os.RemoveAll(n.dir)
}

// Stop shuts the node down and waits for its end; how it ended is an error if it was not in order.
func (n *Node) Stop() error {
	n.stop.Do(func() { _ = n.stdin.Close() }) // its shutdown is bounded in time
	<-n.ended
	err := os.RemoveAll(n.dir)
	if n.err != nil {
		return fmt.Errorf("server: the node ended: %w\n%s", n.err, n.log)
	}
	return err
}

// tail keeps the end of what is written to it.
type tail struct {
	limit int

	// Guarded by mu.
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if over := len(t.buf) - t.limit; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
