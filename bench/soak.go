package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"atrium/bench/peer"
	"atrium/bench/report"
	"atrium/bench/server"
	"atrium/bench/talker"
	"atrium/configs"
)

// soakOptions are those of the scenario `soak`.
type soakOptions struct {
	People   int
	For      time.Duration
	Every    time.Duration
	Seed     uint64
	Progress io.Writer
}

// soaking is a run: people who talk and show themselves come and go at a node, and the node is looked at meanwhile.
type soaking struct {
	o     soakOptions
	node  *server.Node
	rnd   *rand.Rand
	crowd crowd
	begun time.Time

	came, left int
	refused    atomic.Int64 // ERROR of the server, and what failed at a peer
	first      atomic.Pointer[string]

	samples []soakSample
}

// soakSample is how the node stands at a moment.
type soakSample struct {
	at                                         time.Duration
	rss                                        int64
	goroutines, members, sessions, allocations float64
	cpu                                        time.Duration
}

// What is left of a node when everybody is gone. The server's own goroutines vary by a few: timers that fire, an HTTP
// connection that idles.
const soakSpareGoroutines = 8

func soak(ctx context.Context, o soakOptions) (r *report.Result, err error) {
	n, err := server.Start(ctx, func(c *configs.Config) {
		c.Session.Grace = time.Second
		c.Topology.DemoteAfter, c.Topology.Dwell = 2*time.Second, time.Second
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := n.Stop(); err == nil {
			err = e
		}
	}()
	s := &soaking{o: o, node: n, rnd: rand.New(rand.NewPCG(o.Seed, 1)), begun: time.Now()}
	empty, err := s.look(ctx)
	if err != nil {
		return nil, err
	}
	err = s.churn(ctx)
	if e := s.crowd.disperse(); err == nil {
		err = e
	}
	if err != nil {
		return nil, err
	}
	after, err := s.emptied(ctx, empty)
	if err != nil {
		return nil, err
	}
	counts, err := n.Metrics(ctx)
	if err != nil {
		return nil, err
	}
	return s.report(empty, after, counts), nil
}

// churn has people come and go, and looks at the node once a second.
func (s *soaking) churn(ctx context.Context) error {
	next, look := time.NewTimer(0), time.NewTicker(time.Second)
	defer next.Stop()
	defer look.Stop()
	end := time.NewTimer(s.o.For)
	defer end.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end.C:
			return nil
		case <-look.C:
			sample, err := s.look(ctx)
			if err != nil {
				return err
			}
			s.samples = append(s.samples, sample)
			if len(s.samples)%15 == 0 {
				fmt.Fprintf(s.o.Progress, "%4.0fs: %d came, %d left, %d there; %.1f MB, %.0f goroutines, %.0f sessions, %.0f allocations\n",
					sample.at.Seconds(), s.came, s.left, len(s.crowd.live), float64(sample.rss)/1e6, sample.goroutines, sample.sessions, sample.allocations)
			}
		case <-next.C:
			if err := s.step(ctx); err != nil {
				return err
			}
			next.Reset(time.Duration(s.rnd.ExpFloat64() * float64(s.o.Every)))
		}
	}
}

// step lets somebody come or go. The number of people wanders between none and all, so that zones change both ways.
func (s *soaking) step(ctx context.Context) error {
	wave := (len(s.samples)/20)%2 == 0 // 20 s of more coming than going, then the other way round
	come := s.rnd.IntN(10) < 3
	if wave {
		come = s.rnd.IntN(10) < 7
	}
	there := len(s.crowd.live)
	switch {
	case come && there < s.o.People:
		return s.come(ctx)
	case !come && there > 0:
		i := s.rnd.IntN(there)
		s.left++
		return s.crowd.leave(ctx, s.crowd.live[i])
	}
	return nil
}

func (s *soaking) come(ctx context.Context) error {
	s.came++
	o := talker.Options{
		FPS: 5,
		Peer: peer.Options{
			URL: s.node.Addrs.HTTP, Name: fmt.Sprintf("p%d", s.came), Loopback: true,
			AudioSlots: s.o.People, VideoSlots: s.o.People, ICEPatience: time.Second,
			Muted: s.rnd.IntN(4) == 0, NoCamera: s.rnd.IntN(3) == 0,
		},
		Event: func(t *talker.Talker, e peer.Event) {
			if e.Type == peer.EventError || e.Type == peer.EventLost {
				s.refused.Add(1)
				text := fmt.Sprintf("%s: %s: %s", t.Name, e.Type, e.Reason)
				s.first.CompareAndSwap(nil, &text)
			}
		},
	}
	switch s.rnd.IntN(5) {
	case 0:
		o.Peer.ForceRelay, o.Peer.RelayProtocol = true, "udp"
	case 1:
		o.Peer.ForceRelay, o.Peer.RelayProtocol = true, "tcp"
	case 2:
		o.Peer.Features = []string{} // one that knows the protocol's first text only
	}
	dial, cancel := context.WithTimeout(ctx, stepLimit)
	defer cancel()
	t, err := talker.Start(dial, o)
	if err != nil {
		return fmt.Errorf("bench: %s could not come: %w", o.Peer.Name, err)
	}
	s.crowd.live = append(s.crowd.live, t)
	return nil
}

func (s *soaking) look(ctx context.Context) (soakSample, error) {
	m, err := s.node.Metrics(ctx)
	if err != nil {
		return soakSample{}, err
	}
	u, err := s.node.Usage()
	if err != nil {
		return soakSample{}, err
	}
	return soakSample{
		at: time.Since(s.begun), rss: u.RSS, cpu: u.CPU(), goroutines: m["go_goroutines"],
		members: m["atrium_topology_members"], sessions: m["atrium_sfu_sessions"], allocations: m["atrium_turn_allocations"],
	}, nil
}

// emptied waits until nothing of the people is left, or it does not get less any more.
func (s *soaking) emptied(ctx context.Context, empty soakSample) (now soakSample, err error) {
	deadline := time.Now().Add(stepLimit)
	for {
		if now, err = s.look(ctx); err != nil || now.clean(empty) || time.Now().After(deadline) {
			return now, err
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return now, err
		}
	}
}

func (a soakSample) clean(empty soakSample) bool {
	return a.members+a.sessions+a.allocations == 0 && a.goroutines <= empty.goroutines+soakSpareGoroutines
}
