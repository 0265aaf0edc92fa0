package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"atrium/bench/presence"
	"atrium/bench/report"
	"atrium/bench/server"
	"atrium/bench/visitor"
	"atrium/configs"
)

// presenceOptions are the numbers of the presence scenarios.
type presenceOptions struct {
	People      int
	Hz          float64
	For, Warmup time.Duration
	Profile     string // prefix of files
	Progress    io.Writer
}

// What a delivered update may cost the server, for clients that read PRESENCE_BATCH.
const wantPerUpdate = 1500 * time.Nanosecond

const benchSecret = "a secret of the bench, which nobody else's node has"

// presenceNode starts a node whose only world is w. Nobody of the load has media, so no zone ever needs the SFU.
func presenceNode(ctx context.Context, w *presence.World, adjust func(*configs.Config)) (n *server.Node, stop func() error, err error) {
	dir, err := os.MkdirTemp("", "atrium-bench-world-")
	if err != nil {
		return nil, nil, fmt.Errorf("bench: folder of the world: %w", err)
	}
	if err = w.Write(dir); err == nil {
		n, err = server.Start(ctx, func(c *configs.Config) {
			c.Auth.Secret = benchSecret
			c.Worlds.Dir = configs.Path(dir)
			c.Topology.PromoteAt = 1 << 20
			c.TURN.Enabled = false
			c.Movement.Slack = 1000 // everybody reaches its path from the door in one step
			if adjust != nil {
				adjust(c)
			}
		})
	}
	if err != nil {
		os.RemoveAll(dir)
		return nil, nil, err
	}
	return n, func() error {
		defer os.RemoveAll(dir)
		return n.Stop()
	}, nil
}

// officeOf is a node whose secret is the bench's.
func officeOf(n *server.Node) visitor.Office {
	return visitor.Office{URL: n.Addrs.HTTP, Secret: []byte(benchSecret), Workspace: configs.DemoWorkspace}
}

// presenceRun is what one kind of client saw.
type presenceRun struct {
	name     string
	rate     float64 // delivered updates a second
	use      server.Usage
	over     time.Duration
	updates  int64
	at       []time.Duration // presencePercentiles
	wrong    int
	problems error
}

var presencePercentiles = []float64{0.5, 0.95, 0.99}

var presenceColumns = []string{"clients", "updates/s", "server CPU", "µs of it per update", "p50 ms", "p95 ms", "p99 ms", "last position wrong"}

func (r presenceRun) perUpdate() time.Duration {
	if r.updates == 0 {
		return 0
	}
	return r.use.CPU() / time.Duration(r.updates)
}

func (r presenceRun) row() []string {
	return []string{
		r.name, fmt.Sprintf("%.0f", r.rate), fmt.Sprintf("%.0f %%", 100*r.use.CPU().Seconds()/r.over.Seconds()),
		fmt.Sprintf("%.2f", float64(r.perUpdate().Nanoseconds())/1000),
		inMS(r.at[0]), inMS(r.at[1]), inMS(r.at[2]), fmt.Sprint(r.wrong),
	}
}

func inMS(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000) }

// walk is the scenario: people in one zone, who read batches, broadcasts, and those of the plain hub.
func (o presenceOptions) walk(ctx context.Context) (*report.Result, error) {
	res := report.New("presence", "People walk in one zone, and everybody is told where everybody is")
	res.Param("people", o.People)
	res.Param("updates a second of each", o.Hz)
	res.Param("measured", o.For)
	var batch, broadcast, hub presenceRun
	for _, k := range []struct {
		name  string
		into  *presenceRun
		batch bool
		plain bool
	}{{"PRESENCE_BATCH", &batch, true, false}, {"PRESENCE_BROADCAST", &broadcast, false, false}, {"plain hub", &hub, false, true}} {
		fmt.Fprintf(o.Progress, "%s: %d people for %v\n", k.name, o.People, o.For)
		w := presence.NewWorld(1, o.People)
		opt := presence.Options{World: w, People: o.People, Hz: o.Hz, Batch: k.batch, Plain: k.plain, ReadBuffer: 32 << 10}
		var run presenceRun
		var err error
		if k.plain {
			run, err = o.onHub(ctx, opt)
		} else {
			run, err = o.onNode(ctx, k.name, opt)
		}
		if err != nil {
			return nil, fmt.Errorf("bench: %s: %w", k.name, err)
		}
		run.name = k.name
		*k.into = run
	}
	t := report.Table{Title: "Delivered to the others", Columns: presenceColumns}
	for _, r := range []presenceRun{batch, broadcast, hub} {
		t.Rows = append(t.Rows, r.row())
	}
	res.Tables = append(res.Tables, t)
	us := func(d time.Duration) string { return fmt.Sprintf("%.2f µs", float64(d.Nanoseconds())/1000) }
	res.Targets = append(res.Targets,
		report.Target{Name: "server CPU per delivered update, in batches", Want: "at most " + us(wantPerUpdate), Got: us(batch.perUpdate()), Pass: batch.perUpdate() <= wantPerUpdate},
		presenceRight("every last position, in batches", batch), presenceRight("every last position, one by one", broadcast),
	)
	res.Headline = fmt.Sprintf("%s of server CPU per delivered update (a plain hub: %s), every last position right", us(batch.perUpdate()), us(hub.perUpdate()))
	if batch.problems != nil {
		res.Headline = fmt.Sprintf("%s of server CPU per delivered update (a plain hub: %s)", us(batch.perUpdate()), us(hub.perUpdate()))
	}
	res.Note("An update is one person's state at one receiver. Server CPU is the server process's, kernel time for its sockets included; the load has a process of its own.")
	res.Note("Latency is from the sender's write to the receiver's read; a batch waits for the tick of presence.tick (66 ms), the plain hub passes on what it gets when it gets it.")
	return res, nil
}

func presenceRight(name string, r presenceRun) report.Target {
	got := "right"
	if r.problems != nil {
		got = r.problems.Error()
	}
	return report.Target{Name: name, Want: "right at every receiver", Got: got, Pass: r.problems == nil}
}

func (o presenceOptions) onNode(ctx context.Context, name string, opt presence.Options) (run presenceRun, err error) {
	n, stop, err := presenceNode(ctx, opt.World, nil)
	if err != nil {
		return run, err
	}
	defer func() {
		if e := stop(); err == nil {
			err = e
		}
	}()
	opt.Office = officeOf(n)
	c, err := presence.Enter(ctx, opt)
	if err != nil {
		return run, err
	}
	defer c.Leave()
	if o.Profile != "" {
		end := profile(ctx, n.Addrs.Admin, o.Profile+strings.ToLower(name)+".pprof", o.For)
		defer func() {
			if e := <-end; err == nil {
				err = e
			}
		}()
	}
	return o.measure(ctx, c, n.Usage)
}

func (o presenceOptions) onHub(ctx context.Context, opt presence.Options) (run presenceRun, err error) {
	h, err := presence.StartHub(ctx)
	if err != nil {
		return run, err
	}
	defer func() {
		if e := h.Stop(); err == nil {
			err = e
		}
	}()
	opt.Office.URL = h.URL
	c, err := presence.Enter(ctx, opt)
	if err != nil {
		return run, err
	}
	defer c.Leave()
	return o.measure(ctx, c, h.Usage)
}

// measure lets the crowd walk, and looks at what it gets and what that costs.
func (o presenceOptions) measure(ctx context.Context, c *presence.Crowd, usage func() (server.Usage, error)) (run presenceRun, err error) {
	walking, halt := context.WithCancel(ctx)
	defer halt()
	walked := make(chan error, 1)
	go func() { walked <- c.Walk(walking) }()
	if err := pause(ctx, o.Warmup); err != nil {
		return run, err
	}
	c.Latency.Reset()
	before, err := usage()
	if err != nil {
		return run, err
	}
	delivered, start := c.Delivered(), time.Now()
	if err := pause(ctx, o.For); err != nil {
		return run, err
	}
	after, err := usage()
	if err != nil {
		return run, err
	}
	run.over, run.updates = time.Since(start), c.Delivered()-delivered
	run.use, run.at = after.Since(before), c.Latency.At(presencePercentiles...)
	run.rate = float64(run.updates) / run.over.Seconds()
	halt()
	if err := <-walked; err != nil {
		return run, err
	}
	checking, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	run.wrong, run.problems = c.Check(checking)
	return run, nil
}

// profile takes a node's CPU profile while ctx and the time last.
func profile(ctx context.Context, admin, file string, d time.Duration) <-chan error {
	done := make(chan error, 1)
	what := fmt.Sprintf("profile?seconds=%.0f", max(1, d.Seconds()))
	go func() { done <- fetchProfile(ctx, admin, what, file) }()
	return done
}

func fetchProfile(ctx context.Context, admin, what, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, admin+"/debug/pprof/"+what, nil)
	if err != nil {
		return fmt.Errorf("bench: profile: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("bench: profile: %w", err)
	}
	defer resp.Body.Close()
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("bench: profile: %w", err)
	}
	defer f.Close()
	if _, err := io.Copy(f, resp.Body); err != nil {
		return fmt.Errorf("bench: profile: %w", err)
	}
	return f.Close()
}
