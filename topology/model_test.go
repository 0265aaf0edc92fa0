package topology

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// model is what an onlooker knows of a zone: who came and went (from the events), what was announced, promised
// and revoked (from the effects). It shares no state with the implementation.
type model struct {
	policy Policy
	relay  bool
	per    int

	live  []*peer
	fails map[[2]uuid.UUID]*failed

	inForce way
	to      *way // a change under way
	reason  Reason
	begun   time.Time
	highest Epoch
	last    time.Time           // last commit or roll-back since the zone was empty
	rolled  time.Time           // last roll-back since the zone was empty
	left    map[Epoch]departure // the ways that were in force before
}

// peer is a member as the model knows it.
type peer struct {
	Member
	grace    bool
	admitted Session // the newest
	session  Session // up
	upAt     time.Time
	flowing  bool
	reported bool
	said     time.Time // the last SFU_CONNECTED, whether or not it counted
}

// departure is when and why a way ceased to be in force.
type departure struct {
	at     time.Time
	reason Reason
}

type failed struct {
	by   map[uuid.UUID]bool
	hard bool
}

func newModel(p Policy, relay bool, per int) *model {
	return &model{
		policy: p, relay: relay, per: per, fails: map[[2]uuid.UUID]*failed{},
		inForce: way{P2PDirect, 1}, highest: 1, left: map[Epoch]departure{},
	}
}

func (m *model) peer(user uuid.UUID) *peer {
	for _, p := range m.live {
		if p.ID == user {
			return p
		}
	}
	return nil
}

func (m *model) ways() []way {
	if m.to != nil {
		return []way{m.inForce, *m.to}
	}
	return []way{m.inForce}
}

func (m *model) wantsSFU() bool {
	for _, f := range m.fails {
		if f.hard {
			return true
		}
	}
	return len(m.live) >= m.policy.PromoteAt
}

// before takes note of an event before its effects are seen.
func (m *model) before(now time.Time, e event) {
	switch e := e.(type) {
	case joined:
		m.come(e.member)
	case resumed:
		m.come(e.member)
	case lost:
		if p := m.peer(e.user); p != nil {
			p.grace = true
		}
	case renewed:
		if p := m.peer(e.member.ID); p != nil {
			p.Member = e.member
		}
	case left:
		m.live = slices.DeleteFunc(m.live, func(p *peer) bool { return p.ID == e.user })
		for k := range m.fails {
			if k[0] == e.user || k[1] == e.user {
				delete(m.fails, k)
			}
		}
	case iceFailed:
		if e.user == e.peer || m.peer(e.user) == nil || m.peer(e.peer) == nil || m.to == nil && m.inForce.media == SFU {
			return
		}
		k := [2]uuid.UUID{e.user, e.peer}
		if strings.Compare(e.user.String(), e.peer.String()) > 0 {
			k[0], k[1] = k[1], k[0]
		}
		if f := m.fails[k]; f == nil {
			m.fails[k] = &failed{by: map[uuid.UUID]bool{e.user: true}, hard: !m.relay}
		} else {
			f.hard = f.hard || f.by[e.user]
			f.by[e.user] = true
		}
	case sessionAdmitted:
		if p := m.peer(e.session.User); p != nil {
			p.admitted = e.session
		}
	case sessionUp:
		m.sessionUp(e.session, now)
	case sessionFlowing:
		m.sessionUp(e.session, now)
		if p := m.peer(e.session.User); p != nil && p.session.ID == e.session.ID {
			p.flowing = true
		}
	case sessionDown:
		if p := m.peer(e.session.User); p != nil && p.session.ID == e.session.ID {
			p.session, p.flowing, p.reported = Session{}, false, false
		}
	case sfuConnected:
		if p := m.peer(e.user); p != nil {
			p.reported, p.said = p.session.ID != "", now
		}
	case sfuDisconnected:
		if p := m.peer(e.user); p != nil && e.failed && (m.to == nil || m.to.media == SFU) {
			p.session, p.flowing, p.reported = Session{}, false, false
		}
	}
}

func (m *model) come(who Member) {
	if p := m.peer(who.ID); p != nil {
		p.Member, p.grace = who, false
		return
	}
	m.live = append(m.live, &peer{Member: who})
}

// sessionUp: while the newest session is up, word of an older one comes late and counts for nothing.
func (m *model) sessionUp(s Session, now time.Time) {
	p := m.peer(s.User)
	if p == nil || p.session.ID != "" && p.session.ID == p.admitted.ID {
		return
	}
	if p.session.ID != s.ID {
		p.session, p.upAt, p.flowing, p.reported = s, now, false, false
	}
}

// see takes note of an effect.
func (m *model) see(now time.Time, e effect) {
	n, ok := e.(noted)
	if !ok {
		return
	}
	switch n.stage {
	case began:
		to := n.to
		m.to, m.reason, m.begun, m.highest = &to, n.reason, now, max(m.highest, to.epoch)
	case retargeted:
		to := n.to
		m.to, m.highest = &to, max(m.highest, to.epoch)
	case committed:
		m.inForce, m.to, m.last, m.highest = n.to, nil, now, max(m.highest, n.to.epoch)
		m.left[n.from.epoch] = departure{now, n.reason}
	case rolledBack:
		m.to, m.last, m.rolled = nil, now, now
	}
}

// after brings an emptied zone back to its beginning.
func (m *model) after() {
	if len(m.live) > 0 {
		return
	}
	if m.to != nil || m.inForce.media != P2PDirect {
		m.highest++
		m.inForce = way{P2PDirect, m.highest}
	}
	m.to, m.last, m.rolled = nil, time.Time{}, time.Time{}
	clear(m.fails)
	clear(m.left)
}

// trial plays actions on several zones and lets an invariant look at every event and effect.
type trial struct {
	fatalf func(format string, args ...any)

	now      time.Time
	zones    []*zone
	models   []*model
	where    map[int]int // user -> zone
	sessions map[place]Session
	minted   []credential
	admitted int

	everAdmitted []Session
	trace        []line
	responds     bool // clients do what they are told, at once
	obeyed       []func()
	invariant    invariant
}

// place of a user in a zone.
type place struct {
	zone int
	user uuid.UUID
}

// line of the trace: an event, or an effect of the one above. It is put into words only when a sequence fails.
type line struct {
	at     time.Duration
	zone   int
	event  event
	effect effect
}

// credential is one that was given out.
type credential struct {
	zone  int
	user  uuid.UUID
	epoch Epoch
	turn  bool
}

// invariant looks on. before is called when the model knows the event but none of its effects; each with the model
// as it was before that effect; after when all are through.
type invariant struct {
	each  func(tr *trial, z int, e effect)
	after func(tr *trial, z int, e event)
}

var epochStart = time.Unix(1_700_000_000, 0)

func userID(n int) uuid.UUID { return uuid.UUID{15: byte(n)} }
func zoneID(n int) uuid.UUID { return uuid.UUID{0: 0xff, 15: byte(n)} }

func newTrial(fatalf func(string, ...any), setup []ground, inv invariant) *trial {
	tr := &trial{fatalf: fatalf, now: epochStart, where: map[int]int{}, sessions: map[place]Session{}, invariant: inv}
	for i, g := range setup {
		relay := relayRules{on: g.relay, refresh: 4 * time.Minute, perPair: 6}
		tr.zones = append(tr.zones, newZone(zoneID(i), g.policy, relay))
		tr.models = append(tr.models, newModel(g.policy, g.relay, 6))
	}
	return tr
}

// ground is what a zone stands on.
type ground struct {
	policy Policy
	relay  bool
}

func (tr *trial) fail(format string, args ...any) {
	var b strings.Builder
	for _, l := range tr.trace {
		if l.effect != nil {
			fmt.Fprintf(&b, "%20s -> %s\n", "", l.effect)
		} else {
			fmt.Fprintf(&b, "%8s zone %d: %s\n", l.at, l.zone, l.event)
		}
	}
	tr.fatalf("%s\n--- what happened:\n%s", fmt.Sprintf(format, args...), &b)
}

// do plays one event in a zone.
func (tr *trial) do(z int, e event) {
	tr.trace = append(tr.trace, line{at: tr.now.Sub(epochStart), zone: z, event: e})
	m := tr.models[z]
	m.before(tr.now, e)
	for _, eff := range step(tr.zones[z], tr.now, e) {
		if _, quiet := eff.(setTimer); !quiet {
			tr.trace = append(tr.trace, line{effect: eff})
		}
		if tr.invariant.each != nil {
			tr.invariant.each(tr, z, eff)
		}
		m.see(tr.now, eff)
		tr.obey(z, eff)
	}
	m.after()
	if tr.invariant.after != nil {
		tr.invariant.after(tr, z, e)
	}
	if at := tr.zones[z].timer; !at.IsZero() && !at.After(tr.now) {
		tr.fail("zone %d asks for a tick at a time that is over", z)
	}
}

// obey keeps what was given out, and lets clients act on it where they respond.
func (tr *trial) obey(z int, e effect) {
	switch e := e.(type) {
	case giveCredentials:
		tr.minted = append(tr.minted, credential{z, e.user, e.epoch, true})
	case invite:
		tr.minted = append(tr.minted, credential{z, e.user, e.epoch, false})
		if tr.responds {
			tr.obeyed = append(tr.obeyed, func() { tr.connect(z, e.user, e.epoch) })
		}
	case announce:
		if tr.responds && e.reason == Demoted {
			tr.obeyed = append(tr.obeyed, func() { tr.do(z, sfuDisconnected{e.user, false}) })
		}
	case endSession:
		key := keyOfSession(z, e.user)
		if s, ok := tr.sessions[key]; ok {
			delete(tr.sessions, key)
			tr.obeyed = append(tr.obeyed, func() { tr.do(z, sessionDown{s}) })
		}
	}
}

// settleClients lets what clients and SFU owe happen.
func (tr *trial) settleClients() {
	for len(tr.obeyed) > 0 {
		next := tr.obeyed[0]
		tr.obeyed = tr.obeyed[1:]
		next()
	}
}

// show presents a token at the SFU's door, as the controller does.
func (tr *trial) show(z int, user uuid.UUID, e Epoch) (Session, bool) {
	if tr.zones[z].admits(user, e) != nil {
		return Session{}, false
	}
	tr.admitted++
	s := Session{User: user, Zone: zoneID(z), Epoch: e, ID: fmt.Sprintf("s%d", tr.admitted)}
	key := keyOfSession(z, user)
	tr.everAdmitted = append(tr.everAdmitted, s)
	old, had := tr.sessions[key]
	tr.sessions[key] = s
	tr.do(z, sessionAdmitted{s})
	if had {
		tr.do(z, sessionDown{old})
	}
	return s, true
}

// connect does all that a well-behaved client does on PROMOTE_TO_SFU.
func (tr *trial) connect(z int, user uuid.UUID, e Epoch) {
	if s, ok := tr.show(z, user, e); ok {
		tr.do(z, sessionUp{s})
		tr.do(z, sessionFlowing{s})
		tr.do(z, sfuConnected{user})
	}
}

// pass lets time go by; timers tick on their time.
func (tr *trial) pass(d time.Duration) {
	for end := tr.now.Add(d); ; {
		next, at := -1, end
		for i, z := range tr.zones {
			if !z.timer.IsZero() && !z.timer.After(at) {
				next, at = i, z.timer
			}
		}
		tr.now = at
		if next < 0 {
			return
		}
		tr.do(next, tick{})
		tr.settleClients()
	}
}

func keyOfSession(z int, user uuid.UUID) place { return place{z, user} }
