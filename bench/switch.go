package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/google/uuid"

	"atrium/bench/impair"
	"atrium/bench/peer"
	"atrium/bench/talker"
)

// switchOptions are those of the scenario `switch`.
type switchOptions struct {
	URL       string
	Peers     int
	PromoteAt int
	DemoteAt  int
	Rounds    int
	// Delay and Loss are those of the whole way from one peer to another; each peer's network has half of both in each direction.
	Delay    time.Duration
	Loss     float64
	Seed     uint64
	Hold     time.Duration // measured on after the old way closed
	FPS      int
	Loopback bool
	Grace    time.Duration // the node's session.grace
	Patience time.Duration // before ICE_FAILED; zero: the peer's own
	Progress io.Writer
}

// transition is one thing that happened to the crowd, and the time that is looked at because of it.
type transition struct {
	Name    string
	Members int
	From    peer.Topology
	To      peer.Topology
	Begin   time.Time // what caused it
	Commit  time.Time // everybody has been told, or everybody hears everybody, or all SFU sessions are over
	Closed  time.Time // the old way is closed everywhere
	End     time.Time // of the measurement
	Failed  string    // why it did not come to an end

	leaver uuid.UUID // who left, if this is a leave
	live   []*talker.Talker
	logs   []*talker.Log // of live, in their order; taken after End
}

// changes says that media has to change its way in a transition.
func (t *transition) changes() bool { return (t.From == peer.SFU) != (t.To == peer.SFU) }

// theSwitch is a run of the scenario on one network.
type theSwitch struct {
	o     switchOptions
	crowd crowd
	begun time.Time
	out   []*transition
	name  string // of the network
	seq   int    // of the peers of this run

	saying sync.Mutex // Progress is written by the peers' goroutines too
}

const (
	// stepLimit is how long a transition may take: failing to connect, falling back and a change's deadline all fit in.
	stepLimit = 30 * time.Second
	// inFlight is how long after a window the last packets of it may still come.
	inFlight = 500 * time.Millisecond
)

// run lets the peers come one by one and leave one by one.
func (s *theSwitch) run(ctx context.Context) (err error) {
	s.begun = time.Now()
	defer func() {
		if e := s.crowd.disperse(); err == nil {
			err = e
		}
	}()
	for round := range s.o.Rounds {
		if round > 0 { // the last one's place is kept for so long
			if err := pause(ctx, s.o.Grace+inFlight); err != nil {
				return err
			}
		}
		for i := range s.o.Peers {
			if err := s.join(ctx, i); err != nil {
				return err
			}
		}
		// The last one stays for the next round only if there is one; the first ones are those of special kinds.
		for len(s.crowd.live) > 1 {
			if err := s.depart(ctx); err != nil {
				return err
			}
		}
		if err := s.crowd.disperse(); err != nil {
			return err
		}
	}
	return nil
}

// person gives the options of the i-th to come: the second gets out by TURN over TCP only, the third is muted, the fourth
// has no camera.
func (s *theSwitch) person(i int) talker.Options {
	s.seq++
	o := talker.Options{
		FPS: s.o.FPS,
		Peer: peer.Options{
			URL: s.o.URL, Name: fmt.Sprintf("p%d", i+1), Loopback: s.o.Loopback,
			AudioSlots: max(s.o.Peers, 2), VideoSlots: max(s.o.Peers, 2), ICEPatience: s.o.Patience,
		},
		Event: func(t *talker.Talker, e peer.Event) {
			switch e.Type {
			case peer.EventError, peer.EventLost:
				s.say("%s: %s: %s", t.Name, e.Type, e.Reason)
			case peer.EventSFUDisconnected:
				if e.Reason != "manual" {
					s.say("%s: SFU_DISCONNECTED %s", t.Name, e.Reason)
				}
			}
		},
	}
	switch i {
	case 1:
		o.Peer.Name += " (TURN/TCP)"
		o.Peer.ForceRelay, o.Peer.RelayProtocol = true, "tcp"
	case 2:
		o.Peer.Name += " (muted)"
		o.Peer.Muted = true
	case 3:
		o.Peer.Name += " (no camera)"
		o.Peer.NoCamera = true
	}
	if s.o.Delay > 0 || s.o.Loss > 0 {
		half := impair.Link{Delay: s.o.Delay / 2, Loss: s.o.Loss / 2}
		o.Impair = &impair.Options{Out: half, In: half, Seed: s.o.Seed + uint64(s.seq)}
	}
	return o
}

func (s *theSwitch) join(ctx context.Context, i int) error {
	t := &transition{Members: len(s.crowd.live) + 1, From: s.crowd.topology()}
	o := s.person(i)
	t.Name = "join " + o.Peer.Name
	s.say("%s …", t.Name)
	dial, cancel := context.WithTimeout(ctx, stepLimit)
	defer cancel()
	joiner, err := talker.Start(dial, o)
	if err != nil {
		return fmt.Errorf("bench: %s: %w", t.Name, err)
	}
	s.crowd.live = append(s.crowd.live, joiner)
	if e, ok := joiner.Happened(peer.EventJoining, time.Time{}, nil); ok {
		t.Begin = e.At
	}
	e, _ := joiner.Happened(peer.EventJoined, t.Begin, nil)
	t.To = e.Topology
	switch {
	case t.To == peer.SFU && t.From != peer.SFU:
		t.Name += ", promotion"
		s.await(ctx, t, "every member told of the commit", func() bool {
			return s.crowd.told(peer.EventTopology, t.Begin, func(e peer.Event) bool { return e.Topology == peer.SFU })
		})
		s.await(ctx, t, "peer-to-peer closed everywhere", func() bool {
			return s.crowd.all(func(st peer.State) bool {
				for _, p := range st.Peers {
					if p.Pair {
						return false
					}
				}
				return true
			})
		})
	case t.To == peer.SFU:
		s.await(ctx, t, "everybody hears everybody by the SFU", func() bool { return s.crowd.hearing(peer.WaySFU, t.Begin) })
	case len(s.crowd.live) > 1:
		s.await(ctx, t, "everybody hears everybody peer to peer", func() bool { return s.crowd.hearing(peer.WayP2P, t.Begin) })
		if now := s.crowd.topology(); now != t.To {
			t.To = now // it needed the relay
		}
	}
	return s.finish(ctx, t)
}

// depart lets the one who came last leave, and follows the demotion if there has to be one.
func (s *theSwitch) depart(ctx context.Context) error {
	leaver := s.crowd.live[len(s.crowd.live)-1]
	t := &transition{Name: "leave " + leaver.Name, From: s.crowd.topology(), Begin: time.Now()}
	s.say("%s …", t.Name)
	if err := s.crowd.leave(ctx, leaver); err != nil {
		return err
	}
	t.Members, t.leaver = len(s.crowd.live), leaver.ID
	s.await(ctx, t, "every member told of the leave", func() bool {
		return s.crowd.told(peer.EventPeerLeft, t.Begin, func(e peer.Event) bool { return e.User == leaver.ID })
	})
	t.To = t.From
	if err := s.finish(ctx, t); err != nil || t.From != peer.SFU || t.Members > s.o.DemoteAt || t.Failed != "" {
		return err
	}
	d := &transition{Name: "demotion", From: peer.SFU, To: peer.Direct, Members: t.Members, Begin: t.Begin}
	s.say("demotion …")
	demoted := func(e peer.Event) bool { return e.Topology != peer.SFU }
	s.await(ctx, d, "demotion announced", func() bool { return s.crowd.told(peer.EventTopology, t.Begin, demoted) })
	for _, p := range s.crowd.live {
		if e, ok := p.Happened(peer.EventTopology, t.Begin, demoted); ok && (d.Begin == t.Begin || e.At.Before(d.Begin)) {
			d.Begin, d.To = e.At, e.Topology
		}
	}
	s.await(ctx, d, "every SFU session over", func() bool {
		return s.crowd.all(func(st peer.State) bool { return !st.SFU.Session && !st.Changing })
	})
	s.await(ctx, d, "everybody hears everybody peer to peer", func() bool { return s.crowd.hearing(peer.WayP2P, d.Begin) })
	return s.finish(ctx, d)
}

// await waits for a step of a transition; one that does not come fails the transition, not the scenario.
func (s *theSwitch) await(ctx context.Context, t *transition, what string, cond func() bool) {
	if t.Failed != "" {
		return
	}
	if err := poll(ctx, stepLimit, cond); err != nil {
		t.Failed = fmt.Sprintf("not within %v: %s", stepLimit, what)
		if ctx.Err() != nil {
			t.Failed = "interrupted"
		}
	}
}

// finish holds on, takes the logs and keeps the transition.
func (s *theSwitch) finish(ctx context.Context, t *transition) error {
	t.Closed = time.Now()
	hold := min(s.o.Hold, time.Second)
	if t.changes() {
		hold = s.o.Hold
	}
	if err := pause(ctx, hold); err != nil {
		return err
	}
	t.End = time.Now()
	if err := pause(ctx, inFlight+s.o.Delay); err != nil {
		return err
	}
	for _, p := range s.crowd.live {
		t.live = append(t.live, p)
		t.logs = append(t.logs, p.Log())
	}
	t.timing()
	s.out = append(s.out, t)
	if t.Failed != "" {
		s.say("%s failed: %s", t.Name, t.Failed)
	}
	return ctx.Err()
}

func (s *theSwitch) say(format string, args ...any) {
	s.saying.Lock()
	defer s.saying.Unlock()
	if s.o.Progress != nil {
		fmt.Fprintf(s.o.Progress, "%6.1fs %s: %s\n", time.Since(s.begun).Seconds(), s.name, fmt.Sprintf(format, args...))
	}
}
