package main

import (
	"context"
	"fmt"

	"atrium/bench/presence"
	"atrium/bench/report"
)

// ways are those of the scenario misbehave, one person each.
var ways = []presence.Rudeness{presence.Deaf, presence.Flooding, presence.Nesting}

// beside is the scenario misbehave: people walk in a zone, first among themselves, then beside some who misbehave.
func (o presenceOptions) beside(ctx context.Context) (res *report.Result, err error) {
	w := presence.NewWorld(1, o.People+len(ways))
	n, stop, err := presenceNode(ctx, w, nil)
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := stop(); err == nil {
			err = e
		}
	}()
	c, err := presence.Enter(ctx, presence.Options{
		Office: officeOf(n), World: w, People: o.People, Hz: o.Hz, Batch: true, ReadBuffer: 32 << 10,
	})
	if err != nil {
		return nil, err
	}
	defer c.Leave()
	fmt.Fprintf(o.Progress, "%d people among themselves for %v\n", o.People, o.For)
	alone, err := o.measure(ctx, c, n.Usage)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(o.Progress, "and beside %d who misbehave\n", len(ways))
	rude := c.Misbehave(ctx, ways...)
	defer rude.Stop()
	if o.Profile != "" {
		end := profile(ctx, n.Addrs.Admin, o.Profile+"misbehave.pprof", o.For)
		defer func() {
			if e := <-end; err == nil {
				err = e
			}
		}()
	}
	beside, err := o.measure(ctx, c, n.Usage)
	if err != nil {
		return nil, err
	}
	rude.Stop()

	alone.name, beside.name = "among themselves", "beside those"
	res = report.New("presence --misbehave", "Three misbehave in a zone: one stops reading, one floods, one sends 64 KiB of nested JSON at full rate")
	res.Param("people", o.People)
	res.Param("updates a second of each", o.Hz)
	res.Param("measured", o.For)
	t := report.Table{Title: "delivered to the others, in batches", Columns: presenceColumns}
	t.Rows = append(t.Rows, alone.row(), beside.row())
	res.Tables = append(res.Tables, t)
	was, is := alone.at[2], beside.at[2]
	res.Targets = append(res.Targets,
		report.Target{Name: "p99 of the delivery to the others", Want: fmt.Sprintf("at most twice %s ms", inMS(was)), Got: inMS(is) + " ms", Pass: is <= 2*was},
		presenceRight("every last position, among themselves", alone), presenceRight("every last position, beside those", beside),
	)
	res.Note("Those who misbehave come back as soon as they are closed. %s.", rude)
	return res, nil
}
