package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"atrium/bench/forward"
	"atrium/bench/server"
	"atrium/bench/visitor"
	"atrium/configs"
)

// forwardOptions are the numbers of the scenarios in which the SFU forwards.
type forwardOptions struct {
	Name, Title string
	Members     []forward.Kind // the first two make the zone use the SFU, the last Receivers are those whose memory is told
	Receivers   int
	Shapes      []forward.Shape
	For, Warm   time.Duration
	Rest        time.Duration // idle, to see what that costs
	Floor       time.Duration
	Profile     string // prefix of files
	Peer        string // "janus": measured in the same run, in turn
	Progress    io.Writer

	// Targets; 0: none.
	Ratio   float64 // over the GSO floor of bursts
	Micros  float64
	Latency time.Duration // p99
	Loss    bool
	Memory  float64 // KB per receiver
	Idle    float64 // ms of processor time per second and peer
}

// forwardServer is an SFU in a process of its own, with the place where members meet.
type forwardServer struct {
	name  string
	place forward.Place
	pid   int
	admin string // operators' page; empty: it has none that is read
	stop  func() error
}

// forwardRun is what became of one shape.
type forwardRun struct {
	load     forward.Load
	figures  forward.Figures
	use      server.Usage
	counters map[string]float64
}

// perPacket is the server's processor time per packet that it forwarded, in microseconds.
func (r *forwardRun) perPacket() float64 {
	return float64(r.use.CPU().Nanoseconds()) / 1000 / float64(max(r.figures.Got, 1))
}

// rate is how many packets a second were delivered.
func (r *forwardRun) rate() float64 { return float64(r.figures.Got) / r.load.For.Seconds() }

// forwardFigures are what became of one server: a run for each shape, and what is beside them.
type forwardFigures struct {
	server string
	runs   []*forwardRun
	memory float64       // KB per receiver
	idle   time.Duration // processor time per second and peer of nothing happening
}

// floors are what the floor took, by the way in which it sent.
type floors map[forward.Way]forward.Floor

// per is its thread's time per packet, in microseconds.
func (f floors) per(way forward.Way) float64 {
	x := f[way]
	return float64(x.PerPacket().Nanoseconds()) / 1000
}

// startForward runs a node whose zones use the SFU from two members on.
func startForward(ctx context.Context) (*forwardServer, error) {
	n, err := server.Start(ctx, func(c *configs.Config) {
		c.Auth.Secret = benchSecret
		c.Topology.PromoteAt, c.Topology.DemoteAt = 2, 1
		c.TURN.Enabled = false
	})
	if err != nil {
		return nil, err
	}
	o, err := visitor.Look(ctx, n.Addrs.HTTP, []byte(benchSecret))
	if err != nil {
		return nil, errors.Join(err, n.Stop())
	}
	return &forwardServer{name: "Atrium", place: forward.Office{Office: o}, pid: n.PID, admin: n.Addrs.Admin, stop: n.Stop}, nil
}

func startJanus(ctx context.Context) (*forwardServer, error) {
	j, err := forward.StartJanus(ctx)
	if err != nil {
		return nil, err
	}
	return &forwardServer{name: "Janus", place: j.Room, pid: j.PID, stop: j.Stop}, nil
}

// measureForward gives what became of each server, and of the floor for each shape.
func measureForward(ctx context.Context, o forwardOptions) (all []*forwardFigures, floor []floors, err error) {
	starts := []func(context.Context) (*forwardServer, error){startForward}
	if o.Peer == "janus" {
		starts = append(starts, startJanus)
	}
	for _, start := range starts {
		f, err := measureServer(ctx, o, start)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, f)
	}
	for _, s := range o.Shapes {
		of, err := measureFloors(ctx, o.Name, s, o.Members, o.Floor, o.Progress)
		if err != nil {
			return nil, nil, err
		}
		floor = append(floor, of)
	}
	return all, floor, nil
}

func measureServer(ctx context.Context, o forwardOptions, start func(context.Context) (*forwardServer, error)) (f *forwardFigures, err error) {
	n, err := start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, n.stop()) }()
	f = &forwardFigures{server: n.name}
	fmt.Fprintf(o.Progress, "%s: %s: %d members come\n", o.Name, n.name, len(o.Members))
	first := len(o.Members)
	if o.Receivers > 0 { // the first of them comes earlier: what is made once is not a receiver's
		first -= o.Receivers - 1
	}
	first = max(first, 2)
	crowd, err := forward.Enter(ctx, n.place, o.Members[:first])
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, crowd.Leave()) }()
	if first < len(o.Members) {
		if _, err := crowd.Run(ctx, forward.Load{Shape: o.Shapes[0], Warm: time.Second, For: time.Second}, func() error { return nil }); err != nil {
			return nil, err
		}
	}
	before, err := server.UsageOf(n.pid)
	if err != nil {
		return nil, err
	}
	if err := crowd.More(ctx, o.Members[first:]); err != nil {
		return nil, err
	}
	for _, s := range o.Shapes {
		fmt.Fprintf(o.Progress, "%s: %s: %s\n", o.Name, n.name, s)
		profile := ""
		if o.Profile != "" {
			profile = o.Profile + string(s) + ".pprof"
		}
		r, err := n.run(ctx, crowd, forward.Load{Shape: s, Warm: o.Warm, For: o.For}, profile)
		if err != nil {
			return nil, err
		}
		f.runs = append(f.runs, r)
	}
	after, err := server.UsageOf(n.pid)
	if err != nil {
		return nil, err
	}
	if k := len(o.Members) - first; k > 0 {
		f.memory = float64(after.RSS-before.RSS) / 1024 / float64(k)
	}
	if o.Rest > 0 {
		fmt.Fprintf(o.Progress, "%s: %s: nobody sends\n", o.Name, n.name)
		if f.idle, err = n.rest(ctx, crowd, o.Rest); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// run sends a load and says what it took. profileTo is a file for a CPU profile; empty: none.
func (n *forwardServer) run(ctx context.Context, crowd *forward.Crowd, l forward.Load, profileTo string) (*forwardRun, error) {
	r := &forwardRun{load: l, counters: make(map[string]float64)}
	var at [2]server.Usage
	var counted [2]map[string]float64
	step := 0
	var profiled <-chan error
	figures, err := crowd.Run(ctx, l, func() (err error) {
		if step == 1 {
			if at[1], err = server.UsageOf(n.pid); err != nil {
				return err
			}
		}
		if n.admin != "" {
			if counted[step], err = scrape(ctx, n.admin); err != nil {
				return err
			}
		}
		if step == 0 {
			if profileTo != "" && n.admin != "" {
				profiled = profile(ctx, n.admin, profileTo, l.For)
			}
			at[0], err = server.UsageOf(n.pid)
		}
		step++
		return err
	})
	if err == nil && profiled != nil {
		err = <-profiled
	}
	if err != nil {
		return nil, err
	}
	r.figures, r.use = figures, at[1].Since(at[0])
	for k, v := range counted[1] {
		r.counters[k] = v - counted[0][k]
	}
	return r, nil
}

// rest is what a peer takes of the processor in a second in which nobody sends.
func (n *forwardServer) rest(ctx context.Context, crowd *forward.Crowd, lasts time.Duration) (time.Duration, error) {
	before, err := server.UsageOf(n.pid)
	if err != nil {
		return 0, err
	}
	if err := crowd.Rest(ctx, lasts); err != nil {
		return 0, err
	}
	after, err := server.UsageOf(n.pid)
	if err != nil {
		return 0, err
	}
	return time.Duration(float64(after.Since(before).CPU()) / lasts.Seconds() / float64(crowd.Members())), nil
}

func measureFloors(ctx context.Context, name string, s forward.Shape, members []forward.Kind, lasts time.Duration, progress io.Writer) (floors, error) {
	all := make(floors)
	for _, way := range []forward.Way{forward.SendTo, forward.GSO, forward.Both} {
		fmt.Fprintf(progress, "%s: %s, the floor by %s\n", name, s, way)
		f, err := forward.MeasureFloor(ctx, s, members, way, true, lasts)
		if err != nil {
			return nil, err
		}
		all[way] = f
	}
	return all, nil
}

// scrape reads the SFU's counters from the operators' page.
func scrape(ctx context.Context, admin string) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, admin+"/metrics", nil)
	if err != nil {
		return nil, fmt.Errorf("bench: metrics: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("bench: metrics: %w", err)
	}
	defer res.Body.Close()
	all := make(map[string]float64)
	for s := bufio.NewScanner(res.Body); s.Scan(); {
		name, value, ok := strings.Cut(s.Text(), " ")
		if rest, is := strings.CutPrefix(name, "atrium_sfu_"); ok && is {
			if v, err := strconv.ParseFloat(value, 64); err == nil {
				all[rest] = v
			}
		}
	}
	return all, nil
}
