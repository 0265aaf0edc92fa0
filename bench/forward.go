package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"atrium/bench/forward"
	"atrium/bench/measure"
	"atrium/bench/report"
	"atrium/bench/server"
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
	Progress    io.Writer

	// Targets; 0: none.
	Ratio   float64 // over the GSO floor of bursts
	Micros  float64
	Latency time.Duration // p99
	Loss    bool
	Memory  float64 // KB per receiver
	Idle    float64 // ms of processor time per second and peer
}

// forwardRun is what became of one shape.
type forwardRun struct {
	shape    forward.Shape
	figures  forward.Figures
	use      server.Usage
	counters map[string]float64
	floors   []forward.Floor
}

// perPacket is the server's processor time per packet that it forwarded.
func (r *forwardRun) perPacket() float64 {
	return float64(r.use.CPU().Nanoseconds()) / 1000 / float64(max(r.figures.Got, 1))
}

func (r *forwardRun) floor(way forward.Way) float64 {
	for _, f := range r.floors {
		if f.Way == way {
			return float64(f.PerPacket().Nanoseconds()) / 1000
		}
	}
	return 0
}

// startForward runs a node whose zones use the SFU from two members on.
func startForward(ctx context.Context) (*server.Node, *forward.Office, error) {
	n, err := server.Start(ctx, func(c *configs.Config) {
		c.Auth.Secret = benchSecret
		c.Topology.PromoteAt, c.Topology.DemoteAt = 2, 1
		c.TURN.Enabled = false
	})
	if err != nil {
		return nil, nil, err
	}
	o, err := forward.Look(ctx, n.Addrs.HTTP, []byte(benchSecret))
	if err != nil {
		return nil, nil, errors.Join(err, n.Stop())
	}
	return n, o, nil
}

// measureForward gives the runs, the memory per receiver and the processor time per second and peer of nothing happening.
func measureForward(ctx context.Context, o forwardOptions) (runs []*forwardRun, memory float64, idle time.Duration, err error) {
	n, office, err := startForward(ctx)
	if err != nil {
		return nil, 0, 0, err
	}
	defer func() { err = errors.Join(err, n.Stop()) }()
	fmt.Fprintf(o.Progress, "%s: %d members come\n", o.Name, len(o.Members))
	first := len(o.Members)
	if o.Receivers > 0 { // the first of them comes earlier: what is made once is not a receiver's
		first -= o.Receivers - 1
	}
	first = max(first, 2)
	crowd, err := office.Enter(ctx, o.Members[:first])
	if err != nil {
		return nil, 0, 0, err
	}
	defer func() { err = errors.Join(err, crowd.Leave()) }()
	if first < len(o.Members) {
		if _, err := crowd.Run(ctx, o.Shapes[0], time.Second, time.Second, func() error { return nil }); err != nil {
			return nil, 0, 0, err
		}
	}
	before, err := n.Usage()
	if err != nil {
		return nil, 0, 0, err
	}
	if err := crowd.More(ctx, office, o.Members[first:]); err != nil {
		return nil, 0, 0, err
	}
	for _, s := range o.Shapes {
		fmt.Fprintf(o.Progress, "%s: %s\n", o.Name, s)
		r := &forwardRun{shape: s}
		var at [2]server.Usage
		var counted [2]map[string]float64
		step := 0
		var profiled <-chan error
		r.figures, err = crowd.Run(ctx, s, o.Warm, o.For, func() (err error) {
			if step == 1 {
				if at[1], err = n.Usage(); err != nil {
					return err
				}
			}
			if counted[step], err = scrape(ctx, n.Addrs.Admin); err != nil {
				return err
			}
			if step == 0 {
				if o.Profile != "" {
					profiled = profile(ctx, n.Addrs.Admin, o.Profile+string(s)+".pprof", o.For)
				}
				at[0], err = n.Usage()
			}
			step++
			return err
		})
		if err == nil && profiled != nil {
			err = <-profiled
		}
		if err != nil {
			return nil, 0, 0, err
		}
		r.use, r.counters = at[1].Since(at[0]), make(map[string]float64)
		for k, v := range counted[1] {
			r.counters[k] = v - counted[0][k]
		}
		runs = append(runs, r)
	}
	after, err := n.Usage()
	if err != nil {
		return nil, 0, 0, err
	}
	if k := len(o.Members) - first; k > 0 {
		memory = float64(after.RSS-before.RSS) / 1024 / float64(k)
	}
	if o.Rest > 0 {
		fmt.Fprintf(o.Progress, "%s: nobody sends\n", o.Name)
		if before, err = n.Usage(); err != nil {
			return nil, 0, 0, err
		}
		if err := crowd.Rest(ctx, o.Rest); err != nil {
			return nil, 0, 0, err
		}
		if after, err = n.Usage(); err != nil {
			return nil, 0, 0, err
		}
		idle = after.Since(before).CPU() / time.Duration(len(o.Members)) * time.Second / o.Rest
	}
	for _, r := range runs {
		for _, way := range []forward.Way{forward.SendTo, forward.GSO, forward.Both} {
			fmt.Fprintf(o.Progress, "%s: %s, the floor by %s\n", o.Name, r.shape, way)
			f, err := forward.MeasureFloor(ctx, r.shape, o.Members, way, true, o.Floor)
			if err != nil {
				return nil, 0, 0, err
			}
			r.floors = append(r.floors, f)
		}
	}
	return runs, memory, idle, nil
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

func runForward(ctx context.Context, o forwardOptions) (*report.Result, error) {
	runs, memory, idle, err := measureForward(ctx, o)
	if err != nil {
		return nil, err
	}
	return forwardReport(o, runs, memory, idle), nil
}

func forwardReport(o forwardOptions, runs []*forwardRun, memory float64, idle time.Duration) *report.Result {
	r := report.New(o.Name, o.Title)
	r.Param("members", len(o.Members))
	r.Param("each measurement", o.For)
	num := func(v float64, digits int) string { return strconv.FormatFloat(v, 'f', digits, 64) }
	t := report.Table{Title: "What a forwarded packet costs", Columns: []string{
		"packets", "per second", "server CPU us", "user", "system", "floor sendto", "GSO", "GSO, sendmmsg", "over GSO", "delivered", "p50 ms", "p99 ms", "packets per system call", "per message",
	}}
	for _, x := range runs {
		f := x.figures
		per := func(d time.Duration) string { return num(float64(d.Nanoseconds())/1000/float64(max(f.Got, 1)), 1) }
		ratio := x.perPacket() / x.floor(forward.GSO)
		written := x.counters["written_packets_total"]
		t.Rows = append(t.Rows, []string{
			string(x.shape), num(float64(f.Got)/o.For.Seconds(), 0), num(x.perPacket(), 2), per(x.use.User), per(x.use.System),
			num(x.floor(forward.SendTo), 2), num(x.floor(forward.GSO), 2), num(x.floor(forward.Both), 2), num(ratio, 2), fmt.Sprintf("%d of %d", f.Got, f.Owed),
			num(ms(measure.Percentile(f.Latency, 50)), 3), num(ms(measure.Percentile(f.Latency, 99)), 3),
			num(written/x.counters["write_calls_total"], 1), num(written/x.counters["write_messages_total"], 1),
		})
		shown := x.shape != forward.Bursts // the targets hold for bursts of equal packets, the others stand beside them
		target := func(name, want, got string, pass bool) {
			r.Targets = append(r.Targets, report.Target{Name: string(x.shape) + ": " + name, Want: want, Got: got, Pass: pass, Shown: shown})
		}
		if o.Ratio > 0 {
			target("CPU over the GSO floor", "at most "+num(o.Ratio, 1), num(ratio, 2), ratio <= o.Ratio)
		}
		if o.Micros > 0 {
			target("CPU us per packet", "at most "+num(o.Micros, 0), num(x.perPacket(), 2), x.perPacket() <= o.Micros)
		}
		if o.Latency > 0 {
			p99 := measure.Percentile(f.Latency, 99)
			target("p99 added ms", "under "+num(ms(o.Latency), 0), num(ms(p99), 2), p99 < o.Latency)
		}
		if o.Loss {
			target("lost", "0", strconv.Itoa(f.Owed-f.Got), f.Owed == f.Got)
		}
		target("samples that were not what was sent", "0", strconv.Itoa(f.Bad), f.Bad == 0)
	}
	r.Tables = append(r.Tables, t)
	for _, x := range runs {
		for _, name := range slices.Sorted(maps.Keys(x.counters)) {
			if reason, ok := strings.CutPrefix(name, "dropped_packets_total"); ok && x.counters[name] > 0 {
				r.Note("%s: the node counts %.0f packets that it did not forward, %s", x.shape, x.counters[name], reason)
			}
		}
	}
	side := report.Table{Title: "Beside it", Columns: []string{"", "Atrium"}}
	if memory > 0 {
		side.Rows = append(side.Rows, []string{"memory KB per receiving peer", num(memory, 0)})
		if o.Memory > 0 {
			r.Targets = append(r.Targets, report.Target{Name: "memory KB per receiving peer", Want: "at most " + num(o.Memory, 0), Got: num(memory, 0), Pass: memory <= o.Memory})
		}
	}
	if o.Rest > 0 {
		v := float64(idle.Microseconds()) / 1000
		side.Rows = append(side.Rows, []string{"idle CPU ms per second and peer", num(v, 3)})
		if o.Idle > 0 {
			r.Targets = append(r.Targets, report.Target{Name: "idle CPU ms per second and peer", Want: "at most " + num(o.Idle, 1), Got: num(v, 3), Pass: v <= o.Idle})
		}
	}
	if len(side.Rows) > 0 {
		r.Tables = append(r.Tables, side)
	}
	if memory > 0 {
		r.Note("Memory is what the server's process holds more after everybody came and all was measured than with one receiver, per further receiver.")
	}
	r.Note("CPU is user and system time of the server's process, everything it did meanwhile included, per packet that its receiver's kernel had.")
	r.Note("The floor is one Go thread that copies, encrypts (AES-128-GCM) and sends the same packets to as many sockets at the same times, and is measured by its thread's clock: a system call for each packet, one for each receiver with UDP_SEGMENT, and one for all receivers.")
	r.Note("Latency is from the sender's stamp to the receiver's kernel, one packet in 16; the cost of the sender's own system call is in it.")
	return r
}
