package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// programs are what runs in the namespaces.
type programs struct{ atrium, bench string }

// build makes the programs from the sources of this module.
func build(ctx context.Context, dir string) (programs, error) {
	p := programs{atrium: filepath.Join(dir, "atrium"), bench: filepath.Join(dir, "bench")}
	for out, pkg := range map[string]string{p.atrium: "atrium/cmd/atrium", p.bench: "atrium/bench"} {
		if err := do(ctx, "", "go", "build", "-o", out, pkg); err != nil {
			return p, err
		}
	}
	return p, nil
}

// process runs a program inside a namespace.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended and its output is read

	mu     sync.Mutex
	stderr bytes.Buffer
}

// run starts a program and gives its output line by line. The context's end kills it.
func run(ctx context.Context, ns string, line func([]byte), args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", ns}, args...)...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "GOMAXPROCS=2")
	p.cmd.Stderr = p
	p.cmd.WaitDelay = 2 * time.Second
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.done)
		s := bufio.NewScanner(out)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			line(s.Bytes())
		}
		_, _ = io.Copy(io.Discard, out)
		_ = p.cmd.Wait()
	}()
	return p, nil
}

// Write keeps the first 64 KiB of what the program complains about.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stderr.Len() < 64<<10 {
		p.stderr.Write(b)
	}
	return len(b), nil
}

func (p *process) complaints() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// stop asks the program to end, and makes it.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	t := time.NewTimer(12 * time.Second)
	defer t.Stop()
	select {
	case <-p.done:
	case <-t.C:
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// serve starts `atrium serve` on the server's host and waits until it says where it listens.
func serve(ctx context.Context, g *ground, p programs, dir string, promoteAt int) (*process, error) {
	file := filepath.Join(dir, "atrium.yaml")
	config := fmt.Sprintf(`
server: {listen: "%[1]s:%[2]d"}
admin: {listen: "127.0.0.1:9090"}
data_dir: %[7]q
auth: {guest_login: true}
media: {public_ip: %[1]q}
topology: {promote_at: %[6]d, demote_at: %[8]d}
turn: {udp: "%[1]s:%[3]d", tcp: "%[1]s:%[3]d"}
sfu: {udp: "%[1]s:%[4]d", tcp: "%[1]s:%[5]d"}
`, serverIP, portWeb, portTURN, portSFUUDP, portSFUTCP, promoteAt, filepath.Join(dir, "data"), max(promoteAt-1, 1))
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	var once sync.Once
	want := fmt.Appendf(nil, "%s:%d", serverIP, portWeb)
	proc, err := run(ctx, g.server(), func(line []byte) {
		if bytes.Contains(line, want) {
			once.Do(func() { close(ready) })
		}
	}, p.atrium, "serve", "--config", file)
	if err != nil {
		return nil, err
	}
	limit := time.NewTimer(15 * time.Second)
	defer limit.Stop()
	select {
	case <-ready:
		return proc, nil
	case <-proc.done:
	case <-limit.C:
	}
	proc.stop()
	return nil, fmt.Errorf("atrium serve did not start: %s", proc.complaints())
}

// entry is a line of `bench join`.
type entry struct {
	At       time.Time `json:"at"`
	Type     string    `json:"type"`
	User     string    `json:"user"`
	Topology string    `json:"topology"`
	Reason   string    `json:"reason"`
	Members  int       `json:"members"`
	Kind     string    `json:"kind"`
	Way      string    `json:"way"`
	Local    string    `json:"local"`
	Remote   string    `json:"remote"`
	Heard    map[string]struct {
		Audio int `json:"audio"`
	} `json:"heard"`
}

// person is a `bench join` on a host, and what it has told so far.
type person struct {
	*process
	changed chan struct{} // has a place for one: something was told

	mu  sync.Mutex
	log []entry
}

// join brings a person in from a host.
func join(ctx context.Context, g *ground, p programs, host int) (*person, error) {
	q := &person{changed: make(chan struct{}, 1)}
	var err error
	q.process, err = run(ctx, g.hosts[host], q.told, p.bench, "join",
		"--url", fmt.Sprintf("http://%s:%d", serverIP, portWeb),
		"--name", fmt.Sprintf("host%d", host+1))
	return q, err
}

func (q *person) told(line []byte) {
	var e entry
	if json.Unmarshal(line, &e) != nil {
		return
	}
	q.mu.Lock()
	q.log = append(q.log, e)
	q.mu.Unlock()
	select {
	case q.changed <- struct{}{}:
	default:
	}
}

func (q *person) entries() []entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	return append([]entry(nil), q.log...)
}

// until waits until what was told meets a condition.
func (q *person) until(ctx context.Context, what string, cond func([]entry) bool) error {
	for {
		if cond(q.entries()) {
			return nil
		}
		select {
		case <-q.changed:
		case <-q.done:
			if cond(q.entries()) {
				return nil
			}
			return fmt.Errorf("ended before %s: %s", what, q.complaints())
		case <-ctx.Done():
			return fmt.Errorf("not in time: %s; told so far:\n%s", what, q.story())
		}
	}
}

// story is what happened, for an error's reader.
func (q *person) story() string {
	var b bytes.Buffer
	all := q.entries()
	for _, e := range all {
		if e.Type == "packets" {
			continue
		}
		fmt.Fprintf(&b, "  %6d ms  %s %s %s %s %s %s %s\n", e.At.Sub(all[0].At).Milliseconds(), e.Type, e.Topology, e.Reason, e.Kind, e.Way, e.Local, e.Remote)
	}
	return b.String() + q.complaints()
}
