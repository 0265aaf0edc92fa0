package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"atrium/bench/documents"
	"atrium/bench/presence"
	"atrium/bench/report"
	"atrium/bench/server"
	"atrium/configs"
)

// documentsOptions are the numbers of the documents scenario.
type documentsOptions struct {
	People      int
	Hz          float64
	For, Warmup time.Duration
	Joins       int
	Away        time.Duration // how long Redis is stopped
	Progress    io.Writer
}

const (
	wantOverZones = 1.5
	wantSeen      = 50 * time.Millisecond
	wantGone      = 10 * time.Second
	wantRight     = 5 * time.Second
)

// run is the scenario: one document on one node, the same people in a zone, and then two nodes and Redis.
func (o documentsOptions) run(ctx context.Context) (*report.Result, error) {
	res := report.New("documents", "People move their cursors in one document; two nodes share documents by Redis")
	res.Param("people", o.People)
	res.Param("updates a second of each", o.Hz)
	res.Param("measured", o.For)
	if err := o.oneNode(ctx, res); err != nil {
		return nil, err
	}
	if err := o.twoNodes(ctx, res); err != nil {
		return nil, err
	}
	return res, nil
}

func (o documentsOptions) oneNode(ctx context.Context, res *report.Result) error {
	fmt.Fprintf(o.Progress, "one document: %d people for %v\n", o.People, o.For)
	doc, order, err := o.cursors(ctx)
	if err != nil {
		return err
	}
	t := report.Table{Title: "Delivered to the others", Columns: presenceColumns, Rows: [][]string{doc.row()}}
	p := presenceOptions{People: o.People, Hz: o.Hz, For: o.For, Warmup: o.Warmup, Progress: o.Progress}
	var zone [2]presenceRun
	for i, batch := range []bool{false, true} {
		name := []string{"zone, PRESENCE_BROADCAST", "zone, PRESENCE_BATCH"}[i]
		fmt.Fprintf(o.Progress, "%s: %d people for %v\n", name, o.People, o.For)
		zone[i], err = p.onNode(ctx, name, presence.Options{World: presence.NewWorld(1, o.People), People: o.People, Hz: o.Hz, Batch: batch, ReadBuffer: 32 << 10})
		if err != nil {
			return err
		}
		zone[i].name = name
		t.Rows = append(t.Rows, zone[i].row())
	}
	res.Tables = append(res.Tables, t)
	res.Headline = fmt.Sprintf("%.1f µs of server CPU per delivered cursor", float64(doc.perUpdate().Nanoseconds())/1000)
	ratio := func(z presenceRun) float64 { return float64(doc.perUpdate()) / float64(z.perUpdate()) }
	res.Targets = append(res.Targets,
		report.Target{Name: "server CPU per update, over that of presence in zones (a frame each)", Want: fmt.Sprintf("at most %.1f", wantOverZones), Got: fmt.Sprintf("%.2f", ratio(zone[0])), Pass: ratio(zone[0]) <= wantOverZones},
		report.Target{Name: "the same over presence in batches", Want: fmt.Sprintf("at most %.1f", wantOverZones), Got: fmt.Sprintf("%.2f", ratio(zone[1])), Pass: ratio(zone[1]) <= wantOverZones, Shown: true},
		presenceRight("every last cursor", doc), order)
	res.Note("An update is one person's cursor at one receiver. Server CPU is the server process's; the load has a process of its own. Meanwhile everybody writes one annotation a second, each on the disk before it is sent.")
	res.Note("The document sends the latest of each cursor once per documents.tick (50 ms), a zone once per presence.tick (66 ms).")
	return nil
}

// cursors lets people move and write, and looks at what they get and what that costs.
func (o documentsOptions) cursors(ctx context.Context) (run presenceRun, order report.Target, err error) {
	run.name = "document, CursorUpdate"
	n, err := server.Start(ctx, func(c *configs.Config) { c.Auth.Secret, c.TURN.Enabled = benchSecret, false })
	if err != nil {
		return run, order, err
	}
	defer func() {
		if e := n.Stop(); err == nil {
			err = e
		}
	}()
	people, leave, err := o.enter(ctx, n, uuid.New(), o.People)
	defer leave()
	if err != nil {
		return run, order, err
	}
	moving, halt := context.WithCancel(ctx)
	defer halt()
	var g errgroup.Group
	written := make([]int, len(people))
	for i, p := range people {
		g.Go(func() error {
			tick := time.NewTicker(time.Duration(float64(time.Second) / o.Hz))
			defer tick.Stop()
			for step := i; ; step++ {
				select {
				case <-moving.Done():
					return nil
				case <-tick.C:
				}
				if err := p.Move(); err != nil {
					return err
				}
				if step%max(1, int(o.Hz)) == 0 {
					if err := p.Annotate(fmt.Sprintf("%d of %d", written[i], i)); err != nil {
						return err
					}
					written[i]++
				}
			}
		})
	}
	delivered := func() (sum int64) {
		for _, p := range people {
			sum += p.Cursors()
		}
		return sum
	}
	if err := pause(ctx, o.Warmup); err != nil {
		return run, order, err
	}
	for _, p := range people {
		p.Late()
	}
	before, err := n.Usage()
	if err != nil {
		return run, order, err
	}
	count, start := delivered(), time.Now()
	if err := pause(ctx, o.For); err != nil {
		return run, order, err
	}
	after, err := n.Usage()
	if err != nil {
		return run, order, err
	}
	run.over, run.updates, run.use = time.Since(start), delivered()-count, after.Since(before)
	run.rate = float64(run.updates) / run.over.Seconds()
	var late []time.Duration
	for _, p := range people {
		late = append(late, p.Late()...)
	}
	run.at = percentiles(late, presencePercentiles...)
	halt()
	if err := g.Wait(); err != nil {
		return run, order, err
	}
	sum := 0
	for _, w := range written {
		sum += w
	}
	settle, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	run.problems = lastCursors(settle, people)
	order = oneOrder(settle, "annotations meanwhile", people, sum)
	return run, order, nil
}

// enter lets people in; they see each other then.
func (o documentsOptions) enter(ctx context.Context, n *server.Node, doc uuid.UUID, count int) ([]*documents.Person, func(), error) {
	var people []*documents.Person
	leave := func() {
		for _, p := range people {
			p.Close()
		}
	}
	for range count {
		p, err := documents.Enter(ctx, officeOf(n), uuid.New(), doc)
		if err != nil {
			return people, leave, err
		}
		people = append(people, p)
	}
	in, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for _, p := range people {
		if _, err := p.Until(in, "everybody is there", func() bool { return len(p.Others()) >= count-1 }); err != nil {
			return people, leave, err
		}
	}
	return people, leave, nil
}

// lastCursors waits until everybody has everybody's last cursor.
func lastCursors(ctx context.Context, people []*documents.Person) error {
	for {
		wrong := 0
		for _, p := range people {
			at := p.Others()
			for _, o := range people {
				if o != p && at[o.User] != o.Sent() {
					wrong++
				}
			}
		}
		if wrong == 0 {
			return nil
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("%d last cursors are wrong", wrong)
		}
	}
}

// oneOrder waits until everybody has all annotations, and compares their orders.
func oneOrder(ctx context.Context, name string, people []*documents.Person, want int) report.Target {
	t := report.Target{Name: name, Want: "all, once, in one order for all"}
	for _, p := range people {
		_, err := p.Until(ctx, fmt.Sprintf("%d annotations", want), func() bool { return len(p.Notes()) >= want })
		if err != nil {
			t.Got = fmt.Sprintf("%d of %d: %v", len(p.Notes()), want, err)
			return t
		}
	}
	first := people[0].Notes()
	seen := make(map[string]bool)
	for _, n := range first {
		seen[n] = true
	}
	same := true
	for _, p := range people {
		same = same && slices.Equal(p.Notes(), first)
	}
	t.Got = fmt.Sprintf("%d of %d, %d doubled, one order: %v", len(seen), want, len(first)-len(seen), same)
	t.Pass = same && len(first) == want && len(seen) == want
	return t
}

func percentiles(all []time.Duration, parts ...float64) []time.Duration {
	at := make([]time.Duration, len(parts))
	slices.Sort(all)
	for i, part := range parts {
		if len(all) > 0 {
			at[i] = all[min(len(all)-1, int(part*float64(len(all))))]
		}
	}
	return at
}
