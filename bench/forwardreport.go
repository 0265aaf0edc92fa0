package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"atrium/bench/forward"
	"atrium/bench/measure"
	"atrium/bench/report"
)

func runForward(ctx context.Context, o forwardOptions) (*report.Result, error) {
	all, floor, err := measureForward(ctx, o)
	if err != nil {
		return nil, err
	}
	return forwardReport(o, all, floor), nil
}

// digits writes a figure.
func digits(v float64, n int) string { return strconv.FormatFloat(v, 'f', n, 64) }

// percentile writes one of the latencies, in milliseconds.
func percentile(f *forward.Figures, p float64) string {
	return digits(ms(measure.Percentile(f.Latency, p)), 2)
}

// delivered is what came of what was owed.
func (r *forwardRun) delivered() string { return of(r.figures.Got, r.figures.Owed) }

// of writes a part and its whole.
func of(part, whole int) string {
	return report.Grouped(float64(part)) + " of " + report.Grouped(float64(whole))
}

// segments are how many packets a system call took, and a message of one; empty: the server does not say.
func (r *forwardRun) segments() (call, message string) {
	calls, messages := r.counters["write_calls_total"], r.counters["write_messages_total"]
	if calls == 0 || messages == 0 {
		return "", ""
	}
	written := r.counters["written_packets_total"]
	return digits(written/calls, 1), digits(written/messages, 1)
}

func forwardReport(o forwardOptions, all []*forwardFigures, floor []floors) *report.Result {
	r := report.New(o.Name, o.Title)
	r.Param("members", len(o.Members))
	r.Param("each measurement", o.For)
	own := all[0]
	cost := report.Table{Title: "What a forwarded packet costs the server's process, in µs of processor time", Columns: []string{
		"packets", "server", "per second", "µs per packet", "user", "system", "over the GSO floor", "of Janus",
	}}
	came := report.Table{Title: "What came, and how late", Columns: []string{
		"packets", "server", "delivered", "p50 ms", "p99 ms", "packets per system call", "per message",
	}}
	below := report.Table{Title: "The floor: one Go thread, AES-128-GCM, µs of its time per packet", Columns: []string{
		"packets", "sendto", "GSO per receiver", "GSO and sendmmsg",
	}}
	if len(all) == 1 {
		cost.Columns = cost.Columns[:len(cost.Columns)-1]
	}
	for i, s := range o.Shapes {
		for _, f := range all {
			x := f.runs[i]
			per := func(d time.Duration) string {
				return digits(float64(d.Nanoseconds())/1000/float64(max(x.figures.Got, 1)), 1)
			}
			row := []string{string(s), f.server, report.Grouped(x.rate()), digits(x.perPacket(), 2), per(x.use.User), per(x.use.System), digits(x.perPacket()/floor[i].per(forward.GSO), 2)}
			if len(all) > 1 {
				ratio := ""
				if f == own {
					ratio = digits(x.perPacket()/all[1].runs[i].perPacket(), 2)
				}
				row = append(row, ratio)
			}
			cost.Rows = append(cost.Rows, row)
			call, message := x.segments()
			came.Rows = append(came.Rows, []string{
				string(s), f.server, x.delivered(), percentile(&x.figures, 50), percentile(&x.figures, 99), call, message,
			})
		}
		below.Rows = append(below.Rows, []string{string(s), digits(floor[i].per(forward.SendTo), 2), digits(floor[i].per(forward.GSO), 2), digits(floor[i].per(forward.Both), 2)})
		o.judge(r, own.runs[i], s, floor[i])
	}
	r.Tables = append(r.Tables, cost, came, below)
	first := own.runs[0]
	r.Headline = fmt.Sprintf("%s µs of processor time per packet at %s a second, %s x the GSO floor", digits(first.perPacket(), 1), report.Grouped(first.rate()), digits(first.perPacket()/floor[0].per(forward.GSO), 1))
	for _, f := range all[1:] {
		r.Headline += fmt.Sprintf("; %s %s µs", f.server, digits(f.runs[0].perPacket(), 1))
	}
	r.Headline += fmt.Sprintf("; p99 latency added %s ms", percentile(&first.figures, 99))
	for _, f := range all[1:] {
		r.Headline += fmt.Sprintf(" (%s %s)", f.server, percentile(&f.runs[0].figures, 99))
	}
	for _, x := range own.runs {
		notForwarded(r, x, string(x.load.Shape))
	}
	o.beside(r, all)
	r.Note("CPU is user and system time of the server's process, everything it did meanwhile included, per packet that its receiver's kernel had: lower is better.")
	r.Note("Bursts are frames of equal packets of 1,200 bytes, sent at once; browser has VP8's frame sizes and libwebrtc's pacing. The targets hold for bursts, the other stands beside them.")
	r.Note("The floor sends the same packets to as many sockets at the same times, and is measured by its thread's clock: a system call for each packet, one for each receiver with UDP_SEGMENT, and one for all receivers.")
	r.Note("Latency is from the sender's stamp to the receiver's kernel, one packet in 16; the cost of the sender's own system call is in it.")
	if len(all) > 1 {
		r.Note("Janus is Debian's, with its VideoRoom and no other plugin, and otherwise as its package configures it. The same clients send it the same packets after Atrium has had them, and the one server is gone before the other comes.")
	}
	return r
}

// notForwarded tells what a node counts that it did not pass on.
func notForwarded(r *report.Result, x *forwardRun, when string) {
	for _, name := range slices.Sorted(maps.Keys(x.counters)) {
		if reason, ok := strings.CutPrefix(name, "dropped_packets_total"); ok && x.counters[name] > 0 {
			r.Note("%s: the node counts %.0f packets that it did not forward, %s", when, x.counters[name], reason)
		}
	}
}

// judge compares a run with the targets. They are for bursts of equal packets.
func (o *forwardOptions) judge(r *report.Result, x *forwardRun, s forward.Shape, floor floors) {
	target := func(name, want, got string, pass bool) {
		r.Targets = append(r.Targets, report.Target{Name: string(s) + ": " + name, Want: want, Got: got, Pass: pass, Shown: s != forward.Bursts})
	}
	f := &x.figures
	if o.Ratio > 0 {
		ratio := x.perPacket() / floor.per(forward.GSO)
		target("CPU over the GSO floor", "at most "+digits(o.Ratio, 1), digits(ratio, 2), ratio <= o.Ratio)
	}
	if o.Micros > 0 {
		target("CPU per packet, µs", "at most "+digits(o.Micros, 0), digits(x.perPacket(), 2), x.perPacket() <= o.Micros)
	}
	if o.Latency > 0 {
		p99 := measure.Percentile(f.Latency, 99)
		target("p99 latency added, ms", "under "+digits(ms(o.Latency), 0), digits(ms(p99), 2), p99 < o.Latency)
	}
	if o.Loss {
		target("packets lost", "0", strconv.Itoa(f.Owed-f.Got), f.Owed == f.Got)
	}
	target("samples that were not what was sent", "0", strconv.Itoa(f.Bad), f.Bad == 0)
}

// beside tells memory and what a peer costs that does nothing.
func (o *forwardOptions) beside(r *report.Result, all []*forwardFigures) {
	t := report.Table{Title: "What a peer takes", Columns: []string{""}}
	memory, idle := []string{"memory per receiving peer, KB"}, []string{"idle CPU per second and peer, ms"}
	for _, f := range all {
		t.Columns = append(t.Columns, f.server)
		memory = append(memory, digits(f.memory, 0))
		idle = append(idle, digits(ms(f.idle), 2))
	}
	own := all[0]
	if own.memory > 0 {
		t.Rows = append(t.Rows, memory)
		if o.Memory > 0 {
			r.Targets = append(r.Targets, report.Target{Name: memory[0], Want: "at most " + digits(o.Memory, 0), Got: memory[1], Pass: own.memory <= o.Memory})
		}
		r.Note("Memory is what the server's process holds more after everybody came and all was measured than with one receiver, per further receiver.")
	}
	if o.Rest > 0 {
		t.Rows = append(t.Rows, idle)
		if o.Idle > 0 {
			r.Targets = append(r.Targets, report.Target{Name: idle[0], Want: "at most " + digits(o.Idle, 1), Got: idle[1], Pass: ms(own.idle) <= o.Idle})
		}
	}
	if len(t.Rows) > 0 {
		r.Tables = append(r.Tables, t)
	}
}
