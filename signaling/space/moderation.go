package space

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// target makes the checks that all moderation shares, in their order: the moderator's role, that the target is
// someone else in this world, and that it is not of a higher role.
func (w *World) target(by, target uuid.UUID, roles ...Role) (*Member, error) {
	m, ok := w.members[by]
	if !ok {
		return nil, &Refusal{Code: InvalidRequest, Reason: ReasonNotJoined}
	}
	if !slices.Contains(roles, m.Role) {
		return nil, &Refusal{Code: PermissionDenied, Reason: ReasonRole}
	}
	t, ok := w.members[target]
	if !ok || t == m {
		return nil, &Refusal{Code: InvalidRequest, Field: "target_user_id"}
	}
	if t.Role.Rank() > m.Role.Rank() {
		return nil, &Refusal{Code: PermissionDenied, Reason: ReasonRank}
	}
	return t, nil
}

// Mute mutes a member until then; a time that is not to come lifts its mute. A mute outlives its user's leaving, and is
// in force until EndMutes or another Mute ends it, so that whoever enforces it is told of its end exactly once. The
// error is a *Refusal.
func (w *World) Mute(by, target uuid.UUID, until, now time.Time) error {
	t, err := w.target(by, target, Admin, Editor)
	if err != nil {
		return err
	}
	if now.Before(until) {
		w.mutes[t.User] = until
	} else {
		delete(w.mutes, t.User)
	}
	return nil
}

// Muted says whether a user is muted, and until when.
func (w *World) Muted(user uuid.UUID) (until time.Time, muted bool) {
	until, muted = w.mutes[user]
	return until, muted
}

// Mutes is how many are muted.
func (w *World) Mutes() int { return len(w.mutes) }

// EndMutes ends the mutes that are over, lists whose they were, and says when the next one is over: the zero time where
// nobody is muted.
func (w *World) EndMutes(now time.Time) (ended []uuid.UUID, next time.Time) {
	for user, until := range w.mutes {
		switch {
		case !now.Before(until):
			delete(w.mutes, user)
			ended = append(ended, user)
		case next.IsZero() || until.Before(next):
			next = until
		}
	}
	return ended, next
}

// Remove takes a member out of its zone to the spawn zone, and keeps it out for Rules.Removal. The error is a *Refusal:
// of the moderator, of the target, of a zone that is not the target's or is the spawn zone.
func (w *World) Remove(by, target, zone uuid.UUID, now time.Time) (Departure, error) {
	m, err := w.target(by, target, Admin)
	if err != nil {
		return Departure{}, err
	}
	spawn := w.m.SpawnZone()
	if m.Zone.ID != zone || m.Zone == spawn {
		return Departure{}, &Refusal{Code: InvalidRequest, Field: "zone_id"}
	}
	t, ok := w.freeTile(spawn)
	if !ok {
		return Departure{}, &Refusal{Code: PermissionDenied, Reason: ReasonFull}
	}
	w.barred.add(target, zone, now.Add(w.rules.Removal), now)
	d := w.exit(m)
	w.arrive(m, spawn, t, now)
	return d, nil
}

// Kick takes a member out of the world and keeps it out for Rules.Kick. The error is a *Refusal: of the moderator, of
// the target, of a world that is not this one.
func (w *World) Kick(by, target, world uuid.UUID, now time.Time) (Departure, error) {
	t, err := w.target(by, target, Admin)
	if err != nil {
		return Departure{}, err
	}
	if world != w.m.ID {
		return Departure{}, &Refusal{Code: InvalidRequest, Field: "world_id"}
	}
	w.barred.add(t.User, uuid.Nil, now.Add(w.rules.Kick), now)
	return w.Leave(t.User), nil
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
