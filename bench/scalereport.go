package main

import (
	"fmt"

	"atrium/bench/report"
)

// rise is by how much the last of some figures, at its worst, lies over the least before it: 0.2 is a fifth. A curve that is
// flat or falls has none, but for what the measurement itself wavers.
func rise(v []float64) (most float64, at int) {
	least := 0.0
	for i, x := range v {
		if i == 0 || x < least {
			least = x
			continue
		}
		if r := x/least - 1; r > most {
			most, at = r, i
		}
	}
	return most, at
}

// flat is the target that a curve is flat or falls.
func (o *scaleOptions) flat(r *report.Result, name string, v []float64, where func(int) string) {
	most, at := rise(v)
	got := "falls"
	if most > 0 {
		got = fmt.Sprintf("%.0f %% more at %s", 100*most, where(at))
	}
	r.Targets = append(r.Targets, report.Target{
		Name: name, Want: fmt.Sprintf("nowhere %.0f %% over the least before", 100*o.Tolerance), Got: got, Pass: most <= o.Tolerance,
	})
}

func scaleReport(o scaleOptions, f *scaleFigures) *report.Result {
	r := report.New("scale", "Cost over rate, and over the members of a zone")
	r.Param("each measurement", o.For)
	r.Param("slots of a member of the growing zone", fmt.Sprintf("%d for microphones, %d for cameras", o.Mics, o.Cameras))
	o.rates(r, f)
	o.zones(r, f)
	if f.idle != nil {
		o.strangers(r, f.idle)
	}
	first, last := f.rates[0].runs[0], f.rates[len(f.rates)-1].runs[0]
	few, many := f.members[min(1, len(f.members)-1)], f.members[len(f.members)-1]
	most := "the most that was delivered whole"
	if f.lost == nil {
		most = "the most that was tried"
	}
	r.Headline = fmt.Sprintf("%s µs per packet at %s a second, %s µs at %s, %s; a member of a zone costs %s ms per second where there are %d, %s ms where there are %d",
		digits(first.perPacket(), 1), report.Grouped(first.rate()), digits(last.perPacket(), 1), report.Grouped(last.rate()), most,
		digits(ms(few.perMember()), 2), few.members, digits(ms(many.perMember()), 2), many.members)
	r.Note("CPU is user and system time of the server's process, everything it did meanwhile included: lower is better. The floor is one Go thread that encrypts (AES-128-GCM) and sends the same packets to as many sockets, a system call (UDP_SEGMENT) for each receiver, in the same run.")
	r.Note("Members are sessions with a WebSocket, ICE, DTLS and SRTP of their own. One thread is all of them; what share of a core it took stands beside, so that it can be seen that it was not what was measured.")
	r.Note("The highest rate is found by letting %d more send at a time until something is missing twice. A server that is given more than the machine carries does not lose packets at random: it pauses pictures of receivers whose ways it finds full.", o.Step)
	return r
}

// rates tell what the growing rate cost.
func (o *scaleOptions) rates(r *report.Result, f *scaleFigures) {
	t := report.Table{Title: "Cost over rate", Columns: []string{
		"load", "packets", "per second", "µs per packet", "floor, GSO", "over the floor", "delivered", "p50 ms", "p99 ms", "packets per system call", "per message", "load's share of a core",
	}}
	lines := make(map[string]*report.Series)
	plot := report.Plot{Log: true, Title: "What a forwarded packet costs, over the rate", X: "packets forwarded per second", Y: "CPU µs per packet"}
	line := func(name string) *report.Series {
		if lines[name] == nil {
			lines[name] = &report.Series{Name: name}
		}
		return lines[name]
	}
	add := func(p *ratePoint, k int, floor string) {
		x := p.runs[k]
		call, message := x.segments()
		over := ""
		if floor != "" {
			over = digits(x.perPacket()/p.floor[k], 2)
		}
		t.Rows = append(t.Rows, []string{
			fmt.Sprintf("%d to %d", p.senders, p.receivers), string(x.load.Shape), report.Grouped(x.rate()), digits(x.perPacket(), 2), floor, over,
			x.delivered(), percentile(&x.figures, 50), percentile(&x.figures, 99), call, message, x.share(),
		})
	}
	var judged []float64
	for _, p := range f.rates {
		for k, x := range p.runs {
			add(p, k, digits(p.floor[k], 2))
			for name, v := range map[string]float64{"Atrium": x.perPacket(), "floor": p.floor[k]} {
				l := line(name + ", " + string(x.load.Shape))
				l.X, l.Y = append(l.X, x.rate()), append(l.Y, v)
			}
		}
		judged = append(judged, p.runs[0].perPacket())
	}
	if f.lost != nil {
		add(f.lost, 0, "")
	}
	for _, s := range o.Shapes {
		for _, name := range []string{"Atrium", "floor"} {
			if l := lines[name+", "+string(s)]; l != nil {
				plot.Series = append(plot.Series, *l)
			}
		}
	}
	r.Tables, r.Plots = append(r.Tables, t), append(r.Plots, plot)
	o.flat(r, string(o.Shapes[0])+": cost per packet over the rate", judged, func(i int) string { return report.Grouped(f.rates[i].runs[0].rate()) + " a second" })
	for _, p := range f.rates[:min(3, len(f.rates))] { // 2,000, 10,000 and 30,000 a second
		x := p.runs[0]
		r.Targets = append(r.Targets, report.Target{
			Name: fmt.Sprintf("%d to %d: packets lost", p.senders, p.receivers), Want: "0", Got: fmt.Sprint(x.figures.Owed - x.figures.Got), Pass: p.all(),
		})
		notForwarded(r, x, fmt.Sprintf("%d to %d", p.senders, p.receivers))
	}
}

// share is what the load took of a core.
func (r *forwardRun) share() string {
	return digits(100*r.figures.Load.Seconds()/r.load.For.Seconds(), 0) + " %"
}

// zones tell what the growing zone cost.
func (o *scaleOptions) zones(r *report.Result, f *scaleFigures) {
	t := report.Table{Title: "Cost over members: everybody's microphone is on", Columns: []string{
		"members", "packets per second", "µs per packet", "floor, GSO", "CPU ms per second and member", "while nobody sends", "delivered", "p50 ms", "p99 ms", "packets per system call", "load's share of a core",
	}}
	packet, floor, member, idle := report.Series{Name: "Atrium"}, report.Series{Name: "floor"}, report.Series{Name: "everybody speaks"}, report.Series{Name: "nobody sends"}
	var judgedPackets, judgedMembers []float64
	var whom []int
	for _, p := range f.members {
		x, n := p.run, float64(p.members)
		call, _ := x.segments()
		t.Rows = append(t.Rows, []string{
			fmt.Sprint(p.members), report.Grouped(x.rate()), digits(x.perPacket(), 2), digits(p.floor, 2), digits(ms(p.perMember()), 2), digits(ms(p.idle), 2),
			x.delivered(), percentile(&x.figures, 50), percentile(&x.figures, 99), call, x.share(),
		})
		packet.X, packet.Y = append(packet.X, n), append(packet.Y, x.perPacket())
		floor.X, floor.Y = append(floor.X, n), append(floor.Y, p.floor)
		member.X, member.Y = append(member.X, n), append(member.Y, ms(p.perMember()))
		idle.X, idle.Y = append(idle.X, n), append(idle.Y, ms(p.idle))
		judgedPackets = append(judgedPackets, x.perPacket())
		if p.members > max(o.Mics, o.Cameras) { // from here on everybody's slots are full
			judgedMembers, whom = append(judgedMembers, ms(p.perMember())), append(whom, p.members)
		}
	}
	r.Tables = append(r.Tables, t)
	r.Plots = append(r.Plots,
		report.Plot{Log: true, Title: "What a forwarded packet costs, over the members of a zone", X: "members of the zone", Y: "CPU µs per packet", Series: []report.Series{packet, floor}},
		report.Plot{Log: true, Title: "What a member costs, over the members of a zone", X: "members of the zone", Y: "CPU ms per second and member", Series: []report.Series{member, idle}})
	o.flat(r, "cost per packet over members", judgedPackets, func(i int) string { return fmt.Sprint(f.members[i].members, " members") })
	o.flat(r, "cost of a member over members, all slots full", judgedMembers, func(i int) string { return fmt.Sprint(whom[i], " members") })
}

// strangers tell what members cost who have no slots and send nothing.
func (o *scaleOptions) strangers(r *report.Result, p *idlePoint) {
	t := report.Table{Title: "Members who do nothing come to a zone in which all speak", Columns: []string{"members", "of these idle", "CPU ms per second", "p99 ms"}}
	for _, x := range []struct {
		idle int
		run  *forwardRun
	}{{0, p.before}, {p.idle, p.after}} {
		t.Rows = append(t.Rows, []string{
			fmt.Sprint(p.members + x.idle), fmt.Sprint(x.idle), digits(ms(x.run.use.CPU())/x.run.load.For.Seconds(), 0), percentile(&x.run.figures, 99),
		})
	}
	r.Tables = append(r.Tables, t)
	each := ms(p.each())
	r.Targets = append(r.Targets, report.Target{
		Name: "an idle member costs a busy zone, CPU ms per second", Want: fmt.Sprintf("at most %.1f", idleTarget), Got: digits(each, 3), Pass: each <= idleTarget,
	})
}

// idleTarget is the most that a member may take of the processor in a second in which it does nothing, in milliseconds.
const idleTarget = 0.5
