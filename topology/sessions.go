package topology

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// brokenAfter failures within brokenWithin, a member does not get along with the SFU.
const (
	brokenAfter  = 3
	brokenWithin = time.Minute
)

// backOff is the wait before the invitation that follows so many failures: the first costs the member the
// least silence, the later ones spare an SFU that many try to reach at once.
var backOff = [...]time.Duration{
	0, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second,
}

// earlyWait is how long a report that came before the SFU's word is remembered.
const earlyWait = time.Second

// longestSilence bounds the wait before a member that says nothing at all is invited again.
const longestSilence = time.Minute

// invite sends PROMOTE_TO_SFU, and before it credentials of the same epoch, so that who gets out only by TCP
// or TLS reaches the SFU by the relay.
func (z *zone) invite(m *member, w way, now time.Time) {
	m.invited = w.epoch
	if m.grace {
		m.invited = 0 // it is invited when it is back
		return
	}
	z.credentials(m, w, now)
	z.emit(invite{m.ID, w.epoch})
	m.inviteAt = now.Add(min(z.policy.Deadline<<min(m.silent, 6), max(longestSilence, z.policy.Deadline)))
	m.silent++
}

// report is SFU_CONNECTED.
func (z *zone) report(user uuid.UUID, now time.Time) {
	m := z.member(user)
	w, ok := z.inSFU()
	if m == nil || !ok {
		return
	}
	if m.hasSession(w.epoch) {
		m.arrived()
		return
	}
	// Of a try that is over, or the SFU sees otherwise. Or the report overtook the SFU's word: it went round by the
	// signaling server, but under load a goroutine may be slower. It counts if the session comes up in a moment: no client
	// reports twice.
	if z.connecting(m) {
		m.early = now
	}
}

// connecting: the SFU has admitted a session of the member for the way ahead, and it is not up yet.
func (z *zone) connecting(m *member) bool {
	w, ok := z.inSFU()
	return ok && m.admitted.ID != "" && m.admitted.Epoch == w.epoch && !m.hasSession(w.epoch)
}

// arrived takes note of a report that counts.
func (m *member) arrived() {
	m.reported, m.broken, m.silent, m.failures = true, false, 0, nil
	m.inviteAt = time.Time{}
}

// disconnected is SFU_DISCONNECTED.
func (z *zone) disconnected(user uuid.UUID, failed bool, now time.Time) {
	m := z.member(user)
	w, ok := z.inSFU()
	if m == nil || !ok {
		return
	}
	if z.changing(Demoted) {
		m.left = true // by plan, or it lost what it was about to leave
		return
	}
	if !failed {
		return // it answers a demotion that is over or was taken back; nobody leaves the SFU alone
	}
	m.forgetSession()
	m.failures = slices.DeleteFunc(m.failures, func(at time.Time) bool { return now.Sub(at) >= brokenWithin })
	wait := backOff[min(len(m.failures), len(backOff)-1)]
	if m.failures = append(m.failures, now); len(m.failures) > len(backOff) {
		m.failures = slices.Delete(m.failures, 0, 1)
	}
	if len(m.failures) >= brokenAfter && !m.broken {
		m.broken = true
		z.emit(struggling{user})
	}
	if next := now.Add(wait); wait == 0 {
		z.invite(m, w, now)
	} else {
		m.inviteAt = next
	}
}

// admit notes that a member showed a token and was let in.
func (z *zone) admit(s Session, now time.Time) {
	m := z.member(s.User)
	if m == nil {
		return
	}
	m.admitted, m.early = s, time.Time{}
	if !m.inviteAt.IsZero() {
		m.inviteAt = latest(m.inviteAt, now.Add(z.policy.Deadline)) // it is connecting: do not disturb it
	}
}

// sessionIsUp takes the SFU's word that ICE and DTLS are up and, if so, that everything flows.
func (z *zone) sessionIsUp(s Session, flowing bool, now time.Time) {
	m := z.member(s.User)
	if m == nil {
		// It left between its admission and the moment at which the SFU knew the session.
		z.emit(endSession{s.User, SessionLeft})
		return
	}
	w, ok := z.inSFU()
	if !ok || w.epoch != s.Epoch {
		// The try it was made for is over. What it left up ends with its release; what comes up
		// after that would stay for ever.
		if !slices.ContainsFunc(z.releases, func(r release) bool { return r.sessions }) && m.sessionEpoch() <= s.Epoch {
			z.emit(endSession{s.User, SessionReleased})
		}
		return
	}
	if m.up.ID != s.ID {
		if m.up.ID != "" && m.up.ID == m.admitted.ID {
			return // the newer one is up already
		}
		m.forgetSession()
		m.up, m.upAt = s, now
		if s.ID == m.admitted.ID && !m.early.IsZero() && now.Sub(m.early) <= earlyWait {
			m.arrived()
		}
		m.early = time.Time{}
	}
	m.flowing = m.flowing || flowing
	m.inviteAt = time.Time{}
}

// sessionIsDown takes the SFU's word that a session ended. That of a session which was replaced changes nothing.
func (z *zone) sessionIsDown(s Session, now time.Time) {
	m := z.member(s.User)
	if m == nil || s.ID != m.up.ID && s.ID != m.admitted.ID {
		return
	}
	// A link that was taken over keeps its session under the former id, so the end of the newest is the end of all.
	if s.ID == m.admitted.ID {
		m.admitted = Session{}
	}
	m.forgetSession()
	if w, ok := z.inSFU(); ok && m.invited == w.epoch && !z.changing(Demoted) {
		if at := now.Add(z.policy.Deadline); m.inviteAt.IsZero() || m.inviteAt.After(at) {
			m.inviteAt = at // in case that the member does not notice
		}
	}
}

// remind invites members again whose time has come, and renews credentials before they expire.
func (z *zone) remind(now time.Time) {
	for _, m := range z.members {
		if at, ok := z.inviteDue(m); ok && !now.Before(at) {
			z.invite(m, z.ahead(), now)
		}
		if at, ok := z.refreshDue(m); ok && !now.Before(at) {
			w, _ := z.named(m.credentials.epoch)
			z.credentials(m, w, now)
		}
	}
}

func (z *zone) inviteDue(m *member) (time.Time, bool) {
	w := z.ahead()
	return m.inviteAt, w.media == SFU && !m.grace && !m.inviteAt.IsZero() && !m.hasSession(w.epoch)
}

func (z *zone) refreshDue(m *member) (time.Time, bool) {
	w, ok := z.named(m.credentials.epoch)
	return m.credentials.at.Add(z.relay.refresh), ok && z.relayed(w.media) && !m.grace && z.relay.refresh > 0
}
