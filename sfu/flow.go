package sfu

import (
	"math"
	"time"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
)

// Flow is how a member is served, for operators.
type Flow struct {
	User     uuid.UUID `json:"user_id"`
	Zone     uuid.UUID `json:"zone_id"`
	Feedback bool      `json:"feedback"`     // it tells what arrives; the figures beside are 0 else
	Estimate float64   `json:"estimate_bps"` // what the way to it carries; 0: it has not told yet
	Sending  float64   `json:"sending_bps"`  // what it was sent in the last half second
	Wish     float64   `json:"wish_bps"`     // with how much its next layer would fit
	Queue    float64   `json:"queue_ms"`     // that stands on the way
	Held     float64   `json:"held_ms"`      // what has been held back for the longest, until the way has room
	Probing  bool      `json:"probing"`
	Slots    []Filled  `json:"slots,omitempty"` // that are given to someone
}

// Filled is a slot that someone is in.
type Filled struct {
	Mid    string          `json:"mid"`
	User   uuid.UUID       `json:"user_id"`
	Source protocol.Source `json:"source"`
	Layer  string          `json:"layer,omitempty"` // its RID; empty: the only one
	Height int             `json:"height,omitempty"`
	Rate   float64         `json:"bps,omitempty"` // of the layer
	Paused bool            `json:"paused,omitempty"`
}

// Flows tells how each member is served.
func (f *SFU) Flows() []Flow {
	f.mu.Lock()
	all := make([]*session, 0, len(f.sessions))
	for _, s := range f.sessions {
		all = append(all, s)
	}
	f.mu.Unlock()
	now := f.now()
	flows := make([]Flow, 0, len(all))
	for _, s := range all {
		w := Flow{User: s.top.User, Zone: s.top.Zone}
		s.media.outMu.Lock()
		if d := &s.media.down; d.est != nil {
			w.Feedback, w.Sending, w.Wish, w.Probing = true, d.est.Sending(now), d.wish, d.probing
			w.Held = float64(d.pace.late(now)) / float64(time.Millisecond)
			w.Queue = float64(d.est.Queue()) / float64(time.Millisecond)
			if rate := d.est.Rate(); !math.IsInf(rate, 1) { // JSON has no infinity
				w.Estimate = rate
			}
		}
		s.media.outMu.Unlock()
		w.Slots = s.room.filled(s)
		flows = append(flows, w)
	}
	return flows
}

func (r *room) filled(s *session) (list []Filled) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range s.member.order {
		t.mu.Lock()
		if u := t.src; u != nil {
			e := Filled{Mid: t.mid, User: u.key.user, Source: u.key.source, Paused: t.paused}
			if l := t.cur; l != nil {
				e.Layer, e.Height, e.Rate = l.rid, l.height(t.cut.now.sid), l.rate
				if t.video && len(u.rungs) > 0 {
					e.Rate = u.rungs[rungOf(u.rungs, l, t.cut.now)].rate
				}
			}
			list = append(list, e)
		}
		t.mu.Unlock()
	}
	return list
}
