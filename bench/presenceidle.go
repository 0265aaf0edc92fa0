package main

import (
	"context"
	"fmt"
	"time"

	"atrium/bench/presence"
	"atrium/bench/report"
	"atrium/bench/server"
	"atrium/configs"
)

// What a connection may cost that does nothing, of the server process's memory.
const wantPerIdle = 12 << 10

const (
	grace  = time.Second
	settle = 2 * grace // who left is gone
)

// idleOptions are the numbers of the scenario idle.
type idleOptions struct {
	presenceOptions
	Connections, Zones int
}

// hold is the scenario idle: many people in many zones, who stand still or, with Hz, tell now and then where they are.
func (o idleOptions) hold(ctx context.Context) (res *report.Result, err error) {
	if err := presence.AllowFiles(o.Connections + 1000); err != nil {
		return nil, err
	}
	each := (o.Connections + o.Zones - 1) / o.Zones
	w := presence.NewWorld(o.Zones, each)
	n, stop, err := presenceNode(ctx, w, func(c *configs.Config) { c.Session.Grace = grace })
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := stop(); err == nil {
			err = e
		}
	}()
	opt := presence.Options{
		Office: officeOf(n), World: w, People: min(o.Zones, o.Connections), Batch: true, ReadBuffer: 4 << 10,
	}
	// What the first people bring along is the process's and not theirs: code that is paged in, pools, threads.
	first, err := presence.Enter(ctx, opt)
	if err != nil {
		return nil, err
	}
	first.Leave()
	if err := pause(ctx, settle); err != nil {
		return nil, err
	}
	before, err := n.Usage()
	if err != nil {
		return nil, err
	}
	opt.People, opt.Hz = o.Connections, o.Hz
	fmt.Fprintf(o.Progress, "%d people come into %d zones\n", o.Connections, o.Zones)
	start := time.Now()
	c, err := presence.Enter(ctx, opt)
	if err != nil {
		return nil, err
	}
	defer c.Leave()
	came := time.Since(start)
	if err := pause(ctx, settle); err != nil {
		return nil, err
	}
	entered, err := n.Usage()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(o.Progress, "all are there after %v; %d KiB of memory each; they stay for %v\n", came.Round(time.Millisecond), o.perConnection(before, entered)>>10, o.For)
	run, err := o.measure(ctx, c, n.Usage)
	if err != nil {
		return nil, err
	}
	// The resident set is read before anything asks for more, as a profile of the heap does.
	m, err := n.Metrics(ctx)
	if err != nil {
		return nil, err
	}
	if o.Profile != "" {
		if err := fetchProfile(ctx, n.Addrs.Admin, "heap", o.Profile+"heap.pprof"); err != nil {
			return nil, err
		}
	}
	return o.result(c, run, came, before, entered, m), nil
}

func (o idleOptions) perConnection(before, after server.Usage) int64 {
	return (after.RSS - before.RSS) / int64(o.Connections)
}

func (o idleOptions) result(c *presence.Crowd, run presenceRun, came time.Duration, before, entered server.Usage, m server.Metrics) *report.Result {
	res := report.New("presence --idle", "Many people in many zones")
	res.Param("connections", o.Connections)
	res.Param("zones", o.Zones)
	res.Param("updates a second of each", o.Hz)
	res.Param("held", o.For)
	kib := func(n int64) string { return fmt.Sprintf("%.1f KiB", float64(n)/1024) }
	rows := [][]string{
		{"memory of the server before", kib(before.RSS)},
		{"a while after they came", kib(entered.RSS)},
		{"per connection", kib(o.perConnection(before, entered))},
		{"memory at the end", kib(run.use.RSS)},
		{"per connection", kib(o.perConnection(before, run.use))},
		{"of it stacks, all in all", kib(int64(m.Sum("go_memstats_stack_inuse_bytes")))},
		{"of it heap in use, all in all", kib(int64(m.Sum("go_memstats_heap_inuse_bytes")))},
		{"heap free and not given back", kib(int64(m.Sum("go_memstats_heap_idle_bytes") - m.Sum("go_memstats_heap_released_bytes")))},
		{"all of them came in", came.Round(time.Millisecond).String()},
		{"server CPU while they stayed", fmt.Sprintf("%.1f %%", 100*run.use.CPU().Seconds()/run.over.Seconds())},
		{"connections lost", fmt.Sprint(c.Lost())},
	}
	if o.Hz > 0 {
		rows = append(rows, []string{"updates delivered a second", fmt.Sprintf("%.0f", run.rate)},
			[]string{"server CPU per update", fmt.Sprintf("%.2f µs", float64(run.perUpdate().Nanoseconds())/1000)},
			[]string{"delivery p50, p95, p99", fmt.Sprintf("%s, %s, %s ms", inMS(run.at[0]), inMS(run.at[1]), inMS(run.at[2]))})
	}
	res.Tables = append(res.Tables, report.Table{Title: "held", Columns: []string{"", ""}, Rows: rows})
	res.Targets = append(res.Targets, report.Target{Name: "connections lost", Want: "0", Got: fmt.Sprint(c.Lost()), Pass: c.Lost() == 0})
	if o.Hz > 0 {
		res.Targets = append(res.Targets, presenceRight("every last position", run))
	} else {
		per := o.perConnection(before, run.use)
		res.Targets = append(res.Targets, report.Target{
			Name: "memory of an idle connection", Want: "at most " + kib(wantPerIdle), Got: kib(per), Pass: per <= wantPerIdle,
		})
	}
	res.Note("Memory is the resident set of the server process (/proc/PID/stat), the garbage of their coming included; the kernel's socket buffers are not in it. The end is %v after the last one came; the runtime gives memory back bit by bit.", (o.For + settle).Round(time.Second))
	return res
}
