package sfu

import (
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
)

// room is a zone's media: its sessions, their sources, and who is in whose slots.
type room struct {
	// Static after construction.
	f    *SFU
	zone uuid.UUID

	refs int // sessions that name it; guarded by SFU.mu

	// Guarded by mu. It is taken before a slot's and a session's locks, and never held while anything is written.
	mu       sync.Mutex
	sessions []*session // in the order of their answers
	uplinks  []*uplink  // of these, in order
}

// member is what a room keeps of a session. Guarded by room.mu.
type member struct {
	audio, video []*slot
	seats        seats
	order        []*slot // as in the offer: the order of SLOTS
	left         bool    // the session has ended: an offer that is being answered adds nothing any more
}

// add takes a session in, or the uplinks and slots that a further offer brought.
func (r *room) add(s *session, uplinks []*uplink, slots []*slot) {
	r.mu.Lock()
	if s.member.left {
		r.mu.Unlock()
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
	keys := r.reselect()
	s.slotsChanged()
	r.mu.Unlock()
	r.askKeys(keys)
}

func (r *room) leave(s *session) {
	r.mu.Lock()
	s.member.left = true
	kept := r.sessions[:0:0]
	for _, x := range r.sessions {
		if x != s {
			kept = append(kept, x)
		}
	}
	r.sessions = kept
	left := r.uplinks[:0:0]
	for _, u := range r.uplinks {
		if u.s != s {
			left = append(left, u)
		}
	}
	r.uplinks = left
	for _, t := range s.member.order {
		t.setSource(nil)
	}
	keys := r.reselect()
	r.mu.Unlock()
	r.askKeys(keys)
}

// activate notes that a source flows (again). Called by a layer's reader before it hands the packet to the slots, so that
// the first packet of a source already has its slots.
func (r *room) activate(u *uplink, now int64) {
	r.mu.Lock()
	var keys []*uplink
	if !u.active.Load() {
		u.active.Store(true)
		u.activeSince = now
		if !u.seen || r.waiting() {
			u.seen = true
			keys = r.reselect()
		}
		r.tell(u)
	}
	r.mu.Unlock()
	r.askKeys(keys)
}

// waiting: some source has no slot somewhere, so that a change of activity may change seats.
func (r *room) waiting() bool {
	seen := 0
	for _, u := range r.uplinks {
		if u.seen {
			seen++
		}
	}
	for _, s := range r.sessions {
		if m := &s.member; seen > len(m.audio) || seen > len(m.video) {
			return true
		}
	}
	return false
}

// tell marks SLOTS as changed for whoever has u in a slot.
func (r *room) tell(u *uplink) {
	for _, t := range *u.subs.Load() {
		t.s.slotsChanged()
	}
}

// reselect fills the slots of every session anew and gives the uplinks that need a key frame for that.
func (r *room) reselect() (keys []*uplink) {
	now := r.f.now()
	by := make(map[sourceKey]*uplink, len(r.uplinks))
	want := make([]candidate, 0, len(r.uplinks))
	for _, u := range r.uplinks {
		if u.seen {
			by[u.key] = u
			want = append(want, candidate{u.key, !u.active.Load() && now-u.last.Load() > int64(idleAfter)})
		}
	}
	subs := make(map[*uplink][]*slot, len(by))
	changed := map[*uplink]bool{}
	for _, s := range r.sessions {
		m := &s.member
		if len(m.order) == 0 {
			continue
		}
		others := make([]candidate, 0, len(want))
		for _, c := range want {
			if c.key.user != s.top.User { // one's own media never comes back
				others = append(others, c)
			}
		}
		m.seats = assign(m.seats, others)
		seat := func(slots []*slot, keys []sourceKey) {
			for k, t := range slots {
				u := by[keys[k]]
				t.mu.Lock()
				now := t.src
				t.mu.Unlock()
				if now != u {
					t.setSource(u)
					s.slotsChanged()
					if u != nil && u.video {
						changed[u] = true
					}
				}
				if u != nil {
					subs[u] = append(subs[u], t)
				}
			}
		}
		seat(m.audio, m.seats.audio)
		seat(m.video, m.seats.video)
	}
	for _, u := range r.uplinks {
		list := subs[u]
		u.subs.Store(&list)
		if changed[u] {
			keys = append(keys, u)
		}
	}
	return keys
}

func (r *room) askKeys(uplinks []*uplink) {
	now := r.f.now()
	for _, u := range uplinks {
		u.requestKey(now)
	}
}

// keysFor asks for a key frame of every picture in a session's slots: its transport has just come up.
func (r *room) keysFor(s *session) {
	r.mu.Lock()
	var all []*uplink
	for _, t := range s.member.video {
		t.mu.Lock()
		if t.src != nil {
			all = append(all, t.src)
		}
		t.mu.Unlock()
	}
	r.mu.Unlock()
	r.askKeys(all)
}

// tick lets sources fall silent and layers change. Called by the SFU's one ticker.
func (r *room) tick(now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range r.uplinks {
		if u.active.Load() && now-u.last.Load() > int64(activeFor) && now-u.activeSince > int64(activeLeast) {
			u.active.Store(false)
			r.tell(u)
		}
		if u.video {
			u.chooseLayer(now)
		}
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
		u := t.src
		t.mu.Unlock()
		if u != nil {
			key := u.key
			e.Source, e.UserID, e.Active = &key.source, &key.user, u.active.Load() && !u.muted.Load()
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
