package main

import (
	"fmt"
	"time"

	"atrium/bench/measure"
	"atrium/bench/peer"
	"atrium/bench/talker"
)

// receiverFigures are what a transition was for one receiver, over all senders.
type receiverFigures struct {
	Name     string
	GapMS    float64 // of audio, the longest over the senders
	GapFrom  string
	GapAtMS  float64 // since the transition's begin
	OneWay   float64 // for a player that never mixes the ways
	VideoGap float64
	Audio    counts
	Video    counts
	// Since the begin: when this member was connected to the SFU, had told so, and was told of the commit (or left the SFU).
	UpMS       float64
	ReportedMS float64
	CommitMS   float64
}

// counts are packets of one kind.
type counts struct {
	Sent    int // that the receiver should have got
	Lost    int
	OnPath  int // dropped by the impaired network and not repaired
	Doubled int
	Both    int
	P2P     int
	SFU     int
}

func (c *counts) add(r measure.Result) {
	c.Sent += r.Sent
	c.Lost += r.Lost
	c.OnPath += r.OnPath
	c.Doubled += r.Doubled
	c.Both += r.Both
	c.P2P += r.Ways[peer.WayP2P]
	c.SFU += r.Ways[peer.WaySFU]
}

func (c *counts) sum(o counts) {
	c.Sent += o.Sent
	c.Lost += o.Lost
	c.OnPath += o.OnPath
	c.Doubled += o.Doubled
	c.Both += o.Both
	c.P2P += o.P2P
	c.SFU += o.SFU
}

// figures are what is said of a transition.
type figures struct {
	Name      string
	Members   int
	From      peer.Topology
	To        peer.Topology
	Switched  bool
	CommitMS  float64
	ClosedMS  float64
	GapP50    float64 // of audio, over receivers
	GapP99    float64
	GapMax    float64
	Audio     counts
	Video     counts
	Early     []string // what was missing at the commit, by name
	Failed    string
	Receivers []receiverFigures

	gaps []time.Duration
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// way is the one that media takes in a topology.
func way(t peer.Topology) peer.Way {
	if t == peer.SFU {
		return peer.WaySFU
	}
	return peer.WayP2P
}

// committed is when a member was told of the commit of a promotion, or left the SFU in a demotion.
func (t *transition) committed(l *talker.Log) (time.Time, bool) {
	for _, e := range l.Events {
		if e.At.Before(t.Begin) || !e.At.Before(t.End) {
			continue
		}
		if t.To == peer.SFU && e.Type == peer.EventTopology && e.Topology == peer.SFU ||
			t.To != peer.SFU && e.Type == peer.EventSFUDisconnected {
			return e.At, true
		}
	}
	return time.Time{}, false
}

// over is when a member's old way was closed: the last pair, or the SFU session.
func (t *transition) over(l *talker.Log) time.Time {
	var at time.Time
	for _, e := range l.Events {
		if e.At.Before(t.Begin) || !e.At.Before(t.End) {
			continue
		}
		if t.To == peer.SFU && e.Type == peer.EventPairClosed || t.To != peer.SFU && e.Type == peer.EventSFUClosed {
			at = e.At
		}
	}
	return at
}

// timing reads from the logs when it was committed and closed.
func (t *transition) timing() {
	if t.changes() {
		closed := t.Begin
		for _, l := range t.logs {
			if at := t.over(l); at.After(closed) {
				closed = at
			}
			// All sessions over is what commits a demotion.
			if at, ok := t.committed(l); ok && t.To == peer.SFU && at.After(t.Commit) {
				t.Commit = at
			}
		}
		t.Closed = closed
		if t.To != peer.SFU {
			t.Commit = closed
		}
		return
	}
	t.Commit = t.Begin
	last := func(at time.Time) {
		if at.After(t.Commit) {
			t.Commit = at
		}
	}
	for i, r := range t.logs {
		for _, e := range r.Events {
			if e.Type == peer.EventPeerLeft && e.User == t.leaver && !e.At.Before(t.Begin) && e.At.Before(t.End) {
				last(e.At)
			}
		}
		for j, s := range t.logs {
			for _, kind := range []peer.Kind{peer.Audio, peer.Video} {
				if i != j && t.live[j].Sends(kind) {
					if at := talker.Stream(r, s, kind).FirstBy(measure.Way(way(t.To)), t.Begin); at.Before(t.End) {
						last(at)
					}
				}
			}
		}
	}
	t.Closed = t.Commit
}

// figures computes what is said of the transition.
func (t *transition) figures() figures {
	f := figures{
		Name: t.Name, Members: t.Members, From: t.From, To: t.To, Switched: t.changes(),
		CommitMS: ms(t.Commit.Sub(t.Begin)), ClosedMS: ms(t.Closed.Sub(t.Begin)), Failed: t.Failed,
	}
	if t.Commit.IsZero() {
		f.CommitMS = -1
	}
	w := measure.Window{From: t.Begin, To: t.End}
	for i, r := range t.logs {
		rf := receiverFigures{Name: r.Name}
		told, ok := t.committed(r)
		if t.changes() && ok {
			rf.CommitMS = ms(told.Sub(t.Begin))
		}
		for _, e := range r.Events {
			if !t.changes() || e.At.Before(t.Begin) {
				continue
			}
			switch e.Type {
			case peer.EventSFUUp:
				rf.UpMS = ms(e.At.Sub(t.Begin))
			case peer.EventSFUReported:
				rf.ReportedMS = ms(e.At.Sub(t.Begin))
			}
		}
		var gap time.Duration
		for j, s := range t.logs {
			for _, kind := range []peer.Kind{peer.Audio, peer.Video} {
				if i == j || !t.live[j].Sends(kind) {
					continue
				}
				stream := talker.Stream(r, s, kind)
				res := stream.Of(w)
				if kind == peer.Audio {
					rf.Audio.add(res)
					rf.OneWay = max(rf.OneWay, ms(stream.GapOneWay(w, measure.Way(way(t.To)))))
					if res.Gap > gap {
						gap, rf.GapFrom, rf.GapAtMS = res.Gap, s.Name, ms(res.GapAt.Sub(t.Begin))
					}
				} else {
					rf.Video.add(res)
					rf.VideoGap = max(rf.VideoGap, ms(res.Gap))
				}
				if !t.changes() || !ok {
					continue
				}
				if at := stream.FirstBy(measure.Way(way(t.To)), t.Begin); at.IsZero() || at.After(told) {
					late := "and never got any"
					if !at.IsZero() {
						late = fmt.Sprintf("which came %.1f ms later", ms(at.Sub(told)))
					}
					f.Early = append(f.Early, fmt.Sprintf("%s had no %s of %s by the %s, %s", r.Name, kind, s.Name, way(t.To), late))
				}
			}
		}
		rf.GapMS = ms(gap)
		f.gaps = append(f.gaps, gap)
		f.Audio.sum(rf.Audio)
		f.Video.sum(rf.Video)
		f.Receivers = append(f.Receivers, rf)
	}
	f.GapP50, f.GapP99 = ms(measure.Percentile(f.gaps, 50)), ms(measure.Percentile(f.gaps, 99))
	f.GapMax = ms(measure.Percentile(f.gaps, 100))
	return f
}
