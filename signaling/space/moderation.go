package space

import (
	"time"

	"github.com/google/uuid"
)

// Remove takes a member out of its zone to the spawn zone, and keeps it out for Rules.Removal. Who
// may do that is the caller's to check. It refuses a zone that is not the member's, and the spawn zone.
func (w *World) Remove(user, zone uuid.UUID, now time.Time) (*Zone, error) {
	m, ok := w.members[user]
	if !ok {
		return nil, &Refusal{Code: InvalidRequest, Field: "target_user_id"}
	}
	spawn := w.m.SpawnZone()
	if m.Zone.ID != zone || m.Zone == spawn {
		return nil, &Refusal{Code: InvalidRequest, Field: "zone_id"}
	}
	t, ok := w.freeTile(spawn)
	if !ok {
		return nil, &Refusal{Code: PermissionDenied, Reason: ReasonFull}
	}
	w.barred.add(user, zone, now.Add(w.rules.Removal), now)
	w.exit(m)
	w.enter(m, spawn, Point{float64(t.X), float64(t.Y)})
	m.Pose.State = Idle
	m.pace = pace{since: now, slack: w.rules.Slack}
	return spawn, nil
}

// Kick takes a user out of the world and keeps it out for Rules.Kick.
func (w *World) Kick(user uuid.UUID, now time.Time) {
	w.Leave(user)
	w.barred.add(user, uuid.Nil, now.Add(w.rules.Kick), now)
}

// bar is a door that is closed to a user; zone uuid.Nil is the world's own.
type bar struct{ user, zone uuid.UUID }

// bars tells until when. Only a moderator's action adds one, and each addition drops those that are
// over, so that the table never holds more than the actions of one Removal or Kick.
type bars map[bar]time.Time

func (b bars) in(user, zone uuid.UUID, now time.Time) bool {
	until, ok := b[bar{user, zone}]
	return ok && now.Before(until)
}

func (b *bars) add(user, zone uuid.UUID, until, now time.Time) {
	if *b == nil {
		*b = make(bars)
	}
	for k, t := range *b {
		if !now.Before(t) {
			delete(*b, k)
		}
	}
	if now.Before(until) {
		(*b)[bar{user, zone}] = until
	}
}
