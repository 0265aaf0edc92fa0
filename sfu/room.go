package sfu

import (
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
)

const (
	tickEvery   = 100 * time.Millisecond
	activeFor   = 500 * time.Millisecond // without a packet a source is not active any more
	activeLeast = time.Second            // once active, for at least so long: DTX pauses 400 ms between two packets
	idleAfter   = 5 * time.Second        // silent for so long, a source gives way where slots are few
	refillTicks = 10                     // ticks after which a crowded member's slots are looked at again
	rankSpacing = 20 * time.Millisecond  // between two rankings of the voices
)

// room is a zone's media: its sessions, their sources, and who is in whose slots.
type room struct {
	// Static after construction.
	f    *SFU
	zone uuid.UUID

	refs int // sessions that name it; guarded by SFU.mu

	// Guarded by mu. It is taken before a slot's and a session's locks, and never held while anything is written.
	mu       sync.Mutex
	sessions []*session           // in the order of their answers
	uplinks  []*uplink            // of these, in order
	sources                       // of the uplinks, those that want slots
	touched  map[*uplink]struct{} // whose slots have changed since publish
	ticks    int
}

// member is what a room keeps of a session. Guarded by room.mu.
type member struct {
	audio, video []*slot
	seats        seats
	order        []*slot // as in the offer: the order of SLOTS
	view         view
	demands      []demand // scratch of aim
	rates        []float64
	crowded      bool // there are more sources than slots: it must be chosen
	left         bool // the session has ended: an offer that is being answered adds nothing any more
}

func newRoom(f *SFU, zone uuid.UUID) *room {
	return &room{f: f, zone: zone, touched: make(map[*uplink]struct{}), sources: sources{known: make(map[sourceKey]*uplink)}}
}

// add takes a session in, or the uplinks and slots that a further offer brought.
func (r *room) add(s *session, uplinks []*uplink, slots []*slot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.member.left {
		return
	}
	known := false
	for _, x := range r.sessions {
		known = known || x == s
	}
	if !known {
		r.sessions = append(r.sessions, s)
	}
	r.uplinks = append(r.uplinks, uplinks...)
	m := &s.member
	for _, t := range slots {
		m.order = append(m.order, t)
		if t.video {
			m.video = append(m.video, t)
			m.seats.video = append(m.seats.video, sourceKey{})
		} else {
			m.audio = append(m.audio, t)
			m.seats.audio = append(m.seats.audio, sourceKey{})
		}
	}
	r.refill(s, r.f.now())
	r.publish()
	s.slotsChanged()
}

func (r *room) leave(s *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.f.now()
	s.member.left = true
	r.sessions = slices.DeleteFunc(r.sessions, func(x *session) bool { return x == s })
	for _, t := range s.member.order {
		r.put(t, nil)
	}
	for _, u := range r.uplinks {
		if u.s != s || !r.vanish(u) {
			continue
		}
		for _, t := range u.slots { // whoever saw it gets another for it
			if !t.s.member.left {
				r.refill(t.s, now)
			}
		}
	}
	r.uplinks = slices.DeleteFunc(r.uplinks, func(u *uplink) bool { return u.s == s })
	r.publish()
}

// activate notes that a source flows (again). Called by a layer's reader before it hands the packet to the slots, so that
// the first packet of a source already has its slots.
func (r *room) activate(u *uplink, now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if u.active.Load() {
		return
	}
	u.active.Store(true)
	u.activeSince = now
	if !u.seen && !u.s.member.left {
		u.seen = true
		r.appear(u)
		for _, s := range r.sessions {
			if s.takes(u) {
				r.refill(s, now)
			} else if s != u.s {
				s.member.crowded = s.member.crowded || len(s.member.order) > 0
			}
		}
		r.publish()
	}
	r.tell(u)
}

// onset looks at once whether a voice that has no slot everywhere has become one of the loudest. Called by its reader.
func (r *room) onset(now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now-r.rankedAt < int64(rankSpacing) {
		return
	}
	r.rank(now)
	r.publish()
}

// show takes what a member says that it shows.
func (r *room) show(s *session, v *protocol.View) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.member.view = newView(v)
	now := r.f.now()
	r.refill(s, now)
	r.publish()
	r.aim(s, now)
}

// look gives a member's pictures the layers that it can be sent now.
func (r *room) look(s *session, now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.aim(s, now)
}

// tell marks SLOTS as changed for whoever has u in a slot.
func (r *room) tell(u *uplink) {
	for _, t := range u.slots {
		t.s.slotsChanged()
	}
}

// keysFor asks for a key frame of every picture in a session's slots: its transport has just come up.
func (r *room) keysFor(s *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.f.now()
	for _, t := range s.member.video {
		t.requestKey(now)
	}
}

// tick lets sources fall silent, voices and people change their places, and layers follow what is shown and can be carried.
// Called by the SFU's one ticker.
func (r *room) tick(now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ticks++
	recoded := false
	for _, u := range r.uplinks {
		if u.active.Load() && now-u.last.Load() > int64(activeFor) && now-u.activeSince > int64(activeLeast) {
			u.active.Store(false)
			r.tell(u)
		}
		u.measure(now)
		recoded = u.recoded.Swap(false) || recoded
	}
	r.rank(now)
	for i, s := range r.sessions { // a tenth of them each time
		if recoded || s.member.crowded && (i+r.ticks)%refillTicks == 0 {
			r.refill(s, now)
		}
	}
	r.publish()
	for _, s := range r.sessions {
		r.aim(s, now)
	}
}

// wantsPlaces says whether it matters now where people stand.
func (r *room) wantsPlaces() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ticks%refillTicks != 0 {
		return false
	}
	for _, s := range r.sessions {
		if s.member.crowded {
			return true
		}
	}
	return false
}

// place takes where people stand.
func (r *room) place(users []uuid.UUID, at []point) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.near.clear()
	for i, u := range users {
		r.near.put(u, at[i])
	}
}

// slots is the list for SLOTS.
func (r *room) slots(s *session) []protocol.Slot {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]protocol.Slot, 0, len(s.member.order))
	for _, t := range s.member.order {
		e := protocol.Slot{Mid: t.mid, Kind: protocol.Audio}
		if t.video {
			e.Kind = protocol.Video
		}
		t.mu.Lock()
		u, paused := t.src, t.paused
		t.mu.Unlock()
		if u != nil {
			key := u.key
			e.Source, e.UserID, e.Active = &key.source, &key.user, u.active.Load() && !u.muted.Load() && !paused
		}
		list = append(list, e)
	}
	return list
}

// mute drops or passes a user's microphone.
func (r *room) mute(user uuid.UUID, on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range r.uplinks {
		if u.key.user != user || u.video || u.muted.Swap(on) == on {
			continue
		}
		if !on {
			for _, t := range *u.subs.Load() {
				t.resync()
			}
		}
		r.tell(u)
	}
}
