package topology

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// step takes one event to a zone and gives the effects. It depends on nothing but its arguments: no clock,
// no randomness, no I/O; the zone is changed in place and belongs to the caller.
//
// An event may come later than the time the zone waits for (timers are never early, but they may be late),
// so what was due before it happens before it.
func step(z *zone, now time.Time, e event) []effect {
	z.out = nil
	z.elapse(now)
	switch e := e.(type) {
	case joined:
		z.arrive(e.member, now)
	case resumed:
		z.arrive(e.member, now)
	case left:
		z.leave(e.user, now)
	case lost:
		if m := z.member(e.user); m != nil {
			m.grace = true
		}
	case renewed:
		if m := z.member(e.member.ID); m != nil {
			m.Member = e.member
		}
	case iceFailed:
		z.fail(e.user, e.peer, now)
	case sfuConnected:
		z.report(e.user, now)
	case sfuDisconnected:
		z.disconnected(e.user, e.failed, now)
	case sessionAdmitted:
		z.admit(e.session, now)
	case sessionUp:
		z.sessionIsUp(e.session, false, now)
	case sessionFlowing:
		z.sessionIsUp(e.session, true, now)
	case sessionDown:
		z.sessionIsDown(e.session, now)
	case tick:
		z.timer = time.Time{} // it is spent
	}
	z.settle(now)
	z.remind(now)
	if at := z.due(now); !at.Equal(z.timer) {
		z.timer = at
		z.emit(setTimer{at})
	}
	out := z.out
	z.out = nil
	switch e := e.(type) {
	case joined:
		return z.welcomed(out, e.member.ID)
	case resumed:
		return z.welcomed(out, e.member.ID)
	}
	return out
}

// elapse does what was due by now.
func (z *zone) elapse(now time.Time) {
	z.settle(now)
	z.free(now)
	z.remind(now)
}

// settle lets the change under way go on and the policy have its say until nothing moves.
func (z *zone) settle(now time.Time) {
	for z.move(now) {
	}
}

// move takes one step of a change or begins one, and says whether it did.
func (z *zone) move(now time.Time) bool {
	switch {
	case len(z.members) == 0:
		return z.forget(now)
	case z.changing(Promoted):
		return z.promotion(now)
	case z.changing(Demoted):
		return z.demotion(now)
	default:
		return z.follow(now)
	}
}

// forget makes an emptied zone as good as new. The epochs go on: a credential of its former life never
// becomes good again. (Its pairs went with their members.)
func (z *zone) forget(now time.Time) bool {
	if z.change != nil {
		z.note(cancelled, z.change.reason, z.force, z.change.to, now.Sub(z.change.began))
	}
	if z.change != nil || z.force.media != P2PDirect {
		z.force = way{P2PDirect, z.take()}
	}
	z.change, z.releases = nil, nil
	z.changedAt, z.coolUntil, z.lowSince = time.Time{}, time.Time{}, time.Time{}
	return false
}

func (z *zone) emit(e effect) { z.out = append(z.out, e) }

func (z *zone) note(s stage, r Reason, from, to way, took time.Duration) {
	z.emit(noted{stage: s, reason: r, from: from, to: to, took: took})
}

// announce tells those who listed the feature. Who is in its grace learns it from its WORLD_STATE.
func (z *zone) announce(to way, r Reason) {
	for _, m := range z.members {
		if m.TopologyChanged && !m.grace {
			z.emit(announce{m.ID, to, r})
		}
	}
}

// credentials gives a member TURN credentials for a way, if that way has a relay.
func (z *zone) credentials(m *member, w way, now time.Time) {
	if !z.relayed(w.media) || m.grace {
		return
	}
	m.credentials.epoch, m.credentials.at = w.epoch, now
	z.emit(giveCredentials{m.ID, w.epoch})
}

// welcomed puts the welcome of the one who arrived before everything else. What its view says already
// needs no announcement.
func (z *zone) welcomed(out []effect, user uuid.UUID) []effect {
	ahead := z.ahead()
	out = slices.DeleteFunc(out, func(e effect) bool {
		a, ok := e.(announce)
		return ok && a.user == user
	})
	return slices.Insert(out, 0, effect(welcome{user, View{ahead.media, ahead.epoch}}))
}
