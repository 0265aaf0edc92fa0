package sfu

import (
	"math"
	"slices"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
)

// sources are the uplinks of a room that have sent something. Guarded by room.mu.
type sources struct {
	known            map[sourceKey]*uplink
	mics             []*uplink // the loudest first, see climb
	cameras, screens []*uplink // in the order in which they came
	loud             []float64 // scratch of rank
	near             nearby
	rankedAt         int64
}

func (s *sources) lane(u *uplink) *[]*uplink {
	switch u.key.source {
	case protocol.Camera:
		return &s.cameras
	case protocol.Screen:
		return &s.screens
	}
	return &s.mics
}

// appear takes a source in. A user who comes back by a new session stands where the former stood.
func (s *sources) appear(u *uplink) {
	lane := s.lane(u)
	if old := s.known[u.key]; old != nil {
		(*lane)[slices.Index(*lane, old)] = u
	} else {
		*lane = append(*lane, u)
	}
	s.known[u.key] = u
	u.waits.Store(!u.video) // until it is ranked
}

// vanish takes a source out; false: it was none.
func (s *sources) vanish(u *uplink) bool {
	if s.known[u.key] != u {
		return false
	}
	delete(s.known, u.key)
	lane := s.lane(u)
	*lane = slices.DeleteFunc(*lane, func(x *uplink) bool { return x == u })
	return true
}

// view is what a member shows, as VIEW said.
type view struct {
	pinned map[uuid.UUID]int // place in the list
	order  []uuid.UUID
	most   int // pictures
	sizes  map[uuid.UUID]int
}

const mostPinned = 64 // more than any limit of slots: who is pinned farther down is not looked at

func newView(v *protocol.View) view {
	w := view{most: math.MaxInt, sizes: v.Sizes, pinned: make(map[uuid.UUID]int)}
	if v.MaxVideo != nil {
		w.most = *v.MaxVideo
	}
	for i, u := range v.Pinned {
		if _, twice := w.pinned[u]; !twice && i < mostPinned {
			w.pinned[u] = i
			w.order = append(w.order, u)
		}
	}
	return w
}

// hides: the member says that it does not show the user's pictures.
func (v *view) hides(user uuid.UUID) bool {
	h, told := v.sizes[user]
	return told && h == 0
}

// pictures is how many video slots may be filled.
func (m *member) pictures() int {
	return min(m.view.most, len(m.video))
}

// decodes says whether all the member's video slots can be filled with the codec of a source, but for those that were stopped.
// What a member cannot decode is in none of them.
func (m *member) decodes(u *uplink) bool {
	codec := u.codec.Load()
	for _, t := range m.video {
		if has := t.codecs.Load(); has != 0 && has&codec != codec {
			return false
		}
	}
	return true
}

// takes says whether a source that appears finds a place with the member at once: a free one, or its user's former.
func (s *session) takes(u *uplink) bool {
	m := &s.member
	if len(m.order) == 0 || s.top.User == u.key.user {
		return false
	}
	lane, _ := m.seats.lanes(u.key)
	if index(lane, u.key) >= 0 {
		return true
	}
	filled := 0
	for _, key := range lane {
		if key != (sourceKey{}) {
			filled++
		}
	}
	if u.video {
		return filled < m.pictures() && !m.view.hides(u.key.user) && m.decodes(u)
	}
	return filled < len(lane)
}

// What a picture is worth to a member, in steps that are wider than stay. A screen is shown to be seen.
const (
	worthPinned = 10000 // less a step for each that stands before it
	worthScreen = 5000
	worthSpoke  = 3000 // and up to 100 more, the later the user spoke
	worthNear   = 1000 // less a third of stay per tile
	worthIdle   = -20000
	perTile     = stay / 3.0
)

// worth is what a picture is worth to a member.
func (r *room) worth(s *session, u *uplink, now int64) float64 {
	w := 0.0
	if !u.active.Load() && now-u.last.Load() > int64(idleAfter) {
		w = worthIdle
	}
	if place, ok := s.member.view.pinned[u.key.user]; ok {
		w += worthPinned - 2*stay*float64(place)
	}
	if u.key.source == protocol.Screen {
		return w + worthScreen
	}
	if mic := r.known[sourceKey{u.key.user, protocol.Mic}]; mic != nil && mic.spokeAt != 0 && now-mic.spokeAt < int64(spokenAgo) {
		return w + worthSpoke + 100*(1-float64(now-mic.spokeAt)/float64(spokenAgo))
	}
	if d, known := r.near.distance(s.top.User, u.key.user); known {
		return w + max(worthNear-perTile*d, 0)
	}
	return w
}

// wants gives the candidates for a member's slots: as many microphones as it has slots, and of the pictures those that
// are pinned, the first screens, of the last who spoke and of the nearest as many as it has slots. So its cost has a bound
// whatever the size of the room.
func (r *room) wants(s *session, now int64) []candidate {
	m := &s.member
	most := m.pictures()
	want := make([]candidate, 0, len(m.audio)+4*most+len(m.view.order))
	in := make(map[sourceKey]struct{}, cap(want))
	m.crowded = false
	add := func(u *uplink, score float64) bool {
		_, twice := in[u.key]
		if twice || u.key.user == s.top.User { // one's own media never comes back
			return false
		}
		in[u.key] = struct{}{}
		want = append(want, candidate{u.key, score})
		return true
	}
	n := 0
	for _, u := range r.mics {
		if n == len(m.audio) {
			m.crowded = m.crowded || u.key.user != s.top.User
			break
		}
		if add(u, 0) {
			n++
		}
	}
	picture := func(u *uplink) bool {
		return !m.view.hides(u.key.user) && m.decodes(u) && add(u, r.worth(s, u, now))
	}
	if most <= 0 {
		return want
	}
	for _, key := range m.seats.video {
		if u := r.known[key]; u != nil {
			picture(u)
		}
	}
	first := func(few []*uplink, most int) {
		n := 0
		for _, u := range few {
			if n == most {
				m.crowded = true
				break
			}
			if picture(u) {
				n++
			}
		}
	}
	if len(r.cameras)+len(r.screens) <= most+1 { // all of them, but one's own
		first(r.cameras, most+1)
		first(r.screens, most+1)
		return want
	}
	m.crowded = true
	for _, user := range m.view.order {
		for _, source := range []protocol.Source{protocol.Camera, protocol.Screen} {
			if u := r.known[sourceKey{user, source}]; u != nil {
				picture(u)
			}
		}
	}
	first(r.screens, most)
	for _, u := range r.mics[:min(len(r.mics), most+1)] {
		if cam := r.known[sourceKey{u.key.user, protocol.Camera}]; cam != nil && now-u.spokeAt < int64(spokenAgo) {
			picture(cam)
		}
	}
	for _, user := range r.near.find(s.top.User, most, func(user uuid.UUID) bool {
		u := r.known[sourceKey{user, protocol.Camera}]
		return u != nil && !m.view.hides(user) && u.active.Load()
	}) {
		picture(r.known[sourceKey{user, protocol.Camera}])
	}
	first(r.cameras, most)
	return want
}

// refill fills a member's slots anew. publish follows.
func (r *room) refill(s *session, now int64) {
	m := &s.member
	if len(m.order) == 0 || m.left {
		return
	}
	m.seats = assign(m.seats, r.wants(s, now), m.pictures())
	for k, t := range m.audio {
		r.put(t, r.known[m.seats.audio[k]])
	}
	for k, t := range m.video {
		if r.put(t, r.known[m.seats.video[k]]) {
			t.start(now)
		}
	}
}

// put gives a slot to a source; false: it had it.
func (r *room) put(t *slot, u *uplink) bool {
	t.mu.Lock()
	was := t.src
	t.mu.Unlock()
	if was == u {
		return false
	}
	t.setSource(u)
	if was != nil {
		r.touched[was] = struct{}{}
	}
	if u != nil {
		u.slots = append(u.slots, t)
		r.touched[u] = struct{}{}
	}
	t.s.slotsChanged()
	return true
}

// publish tells the readers of the sources whose slots have changed whom to write to.
func (r *room) publish() {
	for u := range r.touched {
		kept := u.slots[:0:0]
		for _, t := range u.slots {
			t.mu.Lock()
			if t.src == u {
				kept = append(kept, t)
			}
			t.mu.Unlock()
		}
		u.slots = kept
		list := slices.Clone(kept)
		u.subs.Store(&list)
	}
	clear(r.touched)
}

// rank lets the loud pass the quiet, and fills the slots of the members for whom that changes who is among the loudest.
func (r *room) rank(now int64) {
	r.rankedAt = now
	r.loud = r.loud[:0]
	for _, u := range r.mics {
		l := 0.0
		if !u.muted.Load() {
			l = loudness(math.Float64frombits(u.loud.Load()), now, u.last.Load())
		}
		r.loud = append(r.loud, l)
		switch {
		case l < speech:
			u.speaksSince = 0
		case u.speaksSince == 0:
			u.speaksSince = now
		case now-u.speaksSince > int64(spokenFor):
			u.spokeAt = now
		}
	}
	changed := climb(r.mics, r.loud)
	narrow := math.MaxInt
	for _, s := range r.sessions {
		if n := len(s.member.audio); n > 0 {
			narrow = min(narrow, n)
			if changed <= n && n < len(r.mics) { // of n+1, one may be the member's own
				r.refill(s, now)
			}
		}
	}
	for i, u := range r.mics {
		u.waits.Store(i >= narrow)
	}
}
