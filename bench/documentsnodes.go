package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"atrium/bench/documents"
	"atrium/bench/redisserver"
	"atrium/bench/report"
	"atrium/bench/server"
	"atrium/configs"
	"atrium/signaling/documents/wire"
)

// twoNodes is two nodes and a real Redis: how soon who joins on one is seen on the other, what is left when Redis was away,
// and when who was on a node that died is gone.
func (o documentsOptions) twoNodes(ctx context.Context, res *report.Result) (err error) {
	fmt.Fprintln(o.Progress, "two nodes and Redis")
	r, err := redisserver.Start(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	var nodes [2]*server.Node
	for i := range nodes {
		nodes[i], err = server.Start(ctx, func(c *configs.Config) {
			c.Auth.Secret, c.TURN.Enabled = benchSecret, false
			c.Documents.RedisURL = configs.RedisURL(r.URL)
		})
		if err != nil {
			return err
		}
		defer nodes[i].Kill() // the first one is dead by then
	}
	if err := o.seen(ctx, res, nodes); err != nil {
		return err
	}
	if err := o.away(ctx, res, nodes, r); err != nil {
		return err
	}
	return o.killed(ctx, res, nodes)
}

// seen measures from a JoinDocument on one node to its arrival on the other.
func (o documentsOptions) seen(ctx context.Context, res *report.Result, nodes [2]*server.Node) error {
	doc := uuid.New()
	watcher, leave, err := o.enter(ctx, nodes[1], doc, 1)
	defer leave()
	if err != nil {
		return err
	}
	w := watcher[0]
	first, leaveFirst, err := o.enter(ctx, nodes[0], doc, 1) // the document is live on both
	defer leaveFirst()
	if err != nil {
		return err
	}
	_ = first
	in, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var took []time.Duration
	for range o.Joins {
		user := uuid.New()
		p, err := documents.Enter(in, officeOf(nodes[0]), user, uuid.New())
		if err != nil {
			return err
		}
		began := time.Now()
		if err := p.Send(wire.TagJoinDocument, wire.JoinDocument{DocumentID: doc, UserID: user}); err != nil {
			return err
		}
		at, err := w.Until(in, "who joined is seen", func() bool { _, there := w.Others()[user]; return there })
		p.Close()
		if err != nil {
			return err
		}
		took = append(took, at.Sub(began))
	}
	at := percentiles(took, 0.5, 0.99)
	res.Targets = append(res.Targets, report.Target{
		Name: "joined on one node, seen on the other, p99", Want: "at most " + inMS(wantSeen) + " ms",
		Got: fmt.Sprintf("%s ms (p50 %s, %d joins)", inMS(at[1]), inMS(at[0]), len(took)), Pass: at[1] <= wantSeen,
	})
	return nil
}

// away stops Redis while people on both nodes write, and starts it again.
func (o documentsOptions) away(ctx context.Context, res *report.Result, nodes [2]*server.Node, r *redisserver.Server) error {
	doc := uuid.New()
	var people []*documents.Person
	for i := range 4 {
		p, leave, err := o.enter(ctx, nodes[i%2], doc, 1)
		defer leave()
		if err != nil {
			return err
		}
		people = append(people, p...)
	}
	writing, halt := context.WithCancel(ctx)
	defer halt()
	var g errgroup.Group
	written := make([]int, len(people))
	for i, p := range people {
		g.Go(func() error {
			tick := time.NewTicker(125 * time.Millisecond) // 8 a second: under the limit of 10
			defer tick.Stop()
			for {
				select {
				case <-writing.Done():
					return nil
				case <-tick.C:
				}
				if err := p.Annotate(fmt.Sprintf("%d of %d", written[i], i)); err != nil {
					return err
				}
				written[i]++
			}
		})
	}
	if err := pause(ctx, time.Second); err != nil {
		return err
	}
	r.Kill()
	if err := pause(ctx, o.Away/2); err != nil {
		return err
	}
	gone, leaveGone, err := o.enter(ctx, nodes[1], doc, 1) // who came and went while Redis was away
	if err != nil {
		return err
	}
	stay, leaveStay, err := o.enter(ctx, nodes[1], doc, 1) // and who came
	defer leaveStay()
	if err != nil {
		return err
	}
	leaveGone()
	if err := pause(ctx, o.Away/2); err != nil {
		return err
	}
	began := time.Now()
	if err := r.Start(ctx); err != nil {
		return err
	}
	in, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	at, err := people[0].Until(in, "presence is right", func() bool {
		others := people[0].Others()
		_, came := others[stay[0].User]
		_, still := others[gone[0].User]
		return came && !still && len(others) == len(people)
	})
	if err != nil {
		return err
	}
	if err := pause(ctx, time.Second); err != nil {
		return err
	}
	halt()
	if err := g.Wait(); err != nil {
		return err
	}
	sum := 0
	for _, w := range written {
		sum += w
	}
	took := at.Sub(began)
	told := 0
	for _, p := range people {
		told = max(told, p.Errors(wire.ConnectionError))
	}
	res.Targets = append(res.Targets,
		oneOrder(in, fmt.Sprintf("annotations on two nodes, Redis killed for %v", o.Away), people, sum),
		report.Target{Name: "presence right after Redis is back", Want: "at most " + inMS(wantRight) + " ms", Got: inMS(took) + " ms", Pass: took <= wantRight},
		report.Target{Name: "CONNECTION_ERROR of that, at most", Want: "1", Got: fmt.Sprint(told), Pass: told == 1},
	)
	return nil
}

// killed ends a node as a crash does.
func (o documentsOptions) killed(ctx context.Context, res *report.Result, nodes [2]*server.Node) error {
	doc := uuid.New()
	there, leave, err := o.enter(ctx, nodes[0], doc, 10)
	defer leave()
	if err != nil {
		return err
	}
	here, leaveHere, err := o.enter(ctx, nodes[1], doc, 1)
	defer leaveHere()
	if err != nil {
		return err
	}
	in, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	w := here[0]
	if _, err := w.Until(in, "the other node's people are seen", func() bool { return len(w.Others()) == len(there) }); err != nil {
		return err
	}
	began := time.Now()
	nodes[0].Kill()
	at, err := w.Until(in, "they are gone", func() bool { return len(w.Others()) == 0 })
	if err != nil {
		return err
	}
	took := at.Sub(began)
	res.Targets = append(res.Targets, report.Target{
		Name: "a node killed, its people gone from the other", Want: "at most " + wantGone.String(), Got: fmt.Sprintf("%.1f s", took.Seconds()), Pass: took <= wantGone,
	})
	return nil
}
