package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"atrium/bench/peer"
	"atrium/bench/talker"
)

// crowd is the people of a scenario who are there now, in the order they came.
type crowd struct {
	live []*talker.Talker
}

// poll looks at a condition until it holds. Conditions read many talkers' logs, so there is no single event to wait for.
func poll(ctx context.Context, limit time.Duration, cond func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// pause lets time pass.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// all says whether a condition holds of everybody.
func (c *crowd) all(cond func(peer.State) bool) bool {
	for _, t := range c.live {
		if !cond(t.Peer.State()) {
			return false
		}
	}
	return true
}

// told says whether everybody has had an event since a time.
func (c *crowd) told(typ peer.EventType, since time.Time, match func(peer.Event) bool) bool {
	for _, t := range c.live {
		if _, ok := t.Happened(typ, since, match); !ok {
			return false
		}
	}
	return true
}

// hearing says whether everybody hears and sees everybody by a way, with packets that came since a time.
func (c *crowd) hearing(way peer.Way, since time.Time) bool {
	for _, r := range c.live {
		for _, s := range c.live {
			for _, kind := range []peer.Kind{peer.Audio, peer.Video} {
				if r == s || !s.Sends(kind) {
					continue
				}
				a, ok := r.Last(talker.Source{From: s.ID, Kind: kind})
				if !ok || peer.Way(a.Way) != way || a.At.Before(since) {
					return false
				}
			}
		}
	}
	return true
}

// topology is what the first one of the crowd was told last.
func (c *crowd) topology() peer.Topology {
	if len(c.live) == 0 {
		return peer.Direct
	}
	return c.live[0].Peer.State().Topology
}

// leave takes somebody out.
func (c *crowd) leave(ctx context.Context, t *talker.Talker) error {
	for i, o := range c.live {
		if o == t {
			c.live = append(c.live[:i:i], c.live[i+1:]...)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := t.Stop(ctx); err != nil {
		return fmt.Errorf("bench: %s could not leave: %w", t.Name, err)
	}
	return nil
}

// disperse takes everybody out, whatever became of the scenario.
func (c *crowd) disperse() error {
	var errs []error
	for len(c.live) > 0 {
		errs = append(errs, c.leave(context.Background(), c.live[len(c.live)-1]))
	}
	return errors.Join(errs...)
}
