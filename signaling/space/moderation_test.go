package space

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestRemoveAndKick(t *testing.T) {
	r := DefaultRules()
	w := NewWorld(office(t), r)
	now := t0.Add(time.Minute)
	arrive(t, w, 9, Admin, t0)
	m := arrive(t, w, 1, Admin, t0)
	remove := func(by, target byte, zone uuid.UUID, code, field string) Departure {
		t.Helper()
		d, err := w.Remove(user(by), user(target), zone, now)
		var r *Refusal
		if errors.As(err, &r) != (code != "") || r != nil && (r.Code != code || r.Field != field) {
			t.Errorf("got %v, want %s", err, code)
		}
		return d
	}
	remove(9, 1, hallID, InvalidRequest, "zone_id") // the spawn zone
	w.Transition(user(1), hallID, roomID, Point{8, 1}, now)
	remove(9, 1, vaultID, InvalidRequest, "zone_id") // not its zone
	remove(9, 2, roomID, InvalidRequest, "target_user_id")
	remove(1, 1, roomID, InvalidRequest, "target_user_id")
	remove(7, 1, roomID, InvalidRequest, "") // who is not here
	if d := remove(9, 1, roomID, "", ""); d.Zone.ID != roomID || m.Zone.ID != hallID || m.Pose.Point() != (Point{2, 1}) {
		t.Fatalf("%+v, %+v", d, m)
	}
	checkWorld(t, w)
	// It follows the user out of the world and back.
	w.Leave(user(1))
	arrive(t, w, 1, Admin, now)
	var ref *Refusal
	if _, err := w.Transition(user(1), hallID, roomID, Point{8, 1}, now.Add(r.Removal-1)); !errors.As(err, &ref) || ref.Reason != ReasonRemoved {
		t.Errorf("before the removal is over: %v", err)
	}
	if _, err := w.Transition(user(1), hallID, roomID, Point{8, 1}, now.Add(r.Removal)); err != nil {
		t.Errorf("after: %v", err)
	}
	if _, err := w.Kick(user(9), user(1), uuid.Max, now); !errors.As(err, &ref) || ref.Field != "world_id" {
		t.Errorf("from another world: %v", err)
	}
	if d, err := w.Kick(user(9), user(1), w.Map().ID, now); err != nil || d.Zone.ID != roomID {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := w.Join(Identity{User: user(1)}, now.Add(r.Kick-1)); !errors.As(err, &ref) || ref.Reason != ReasonKicked {
		t.Errorf("kicked: %v", err)
	}
	arrive(t, w, 1, Guest, now.Add(r.Kick))
	checkWorld(t, w)
}

// TestModerators: whoever lacks the role changes nothing, whatever ids it gives.
func TestModerators(t *testing.T) {
	roles := []Role{Guest, Plain, Editor, Admin}
	refused := func(err error) string {
		var r *Refusal
		if errors.As(err, &r) {
			return r.Reason + r.Field
		}
		return ""
	}
	for i, by := range roles {
		for j, target := range roles {
			w := NewWorld(office(t), DefaultRules())
			arrive(t, w, 1, by, t0)
			arrive(t, w, 2, target, t0)
			now := t0.Add(time.Minute)
			if _, err := w.Transition(user(2), hallID, roomID, Point{8, 1}, now); err != nil {
				t.Fatal(err)
			}
			want := func(least Role) string {
				switch {
				case by.Rank() < least.Rank():
					return ReasonRole
				case i < j:
					return ReasonRank
				}
				return ""
			}
			if got := refused(w.Mute(user(1), user(2), now.Add(time.Minute), now)); got != want(Editor) {
				t.Errorf("a %s mutes a %s: %q", by, target, got)
			}
			if _, muted := w.Muted(user(2)); muted != (want(Editor) == "") {
				t.Errorf("a %s mutes a %s: muted %v", by, target, muted)
			}
			_, err := w.Remove(user(1), user(2), roomID, now)
			if got := refused(err); got != want(Admin) {
				t.Errorf("a %s removes a %s: %q", by, target, got)
			}
			if m, _ := w.Member(user(2)); (m.Zone.ID == hallID) != (want(Admin) == "") {
				t.Errorf("a %s removes a %s: it is in %s", by, target, m.Zone.Name)
			}
			_, err = w.Kick(user(1), user(2), w.Map().ID, now)
			if got := refused(err); got != want(Admin) {
				t.Errorf("a %s kicks a %s: %q", by, target, got)
			}
			if (w.Len() == 1) != (want(Admin) == "") {
				t.Errorf("a %s kicks a %s: %d are left", by, target, w.Len())
			}
		}
	}
}

func TestMutes(t *testing.T) {
	w := NewWorld(office(t), DefaultRules())
	for n := byte(1); n <= 4; n++ {
		arrive(t, w, n, Editor, t0)
	}
	mute := func(n byte, d time.Duration) {
		t.Helper()
		if err := w.Mute(user(1), user(n), t0.Add(d), t0); err != nil {
			t.Fatal(err)
		}
	}
	mute(2, time.Minute)
	mute(3, time.Second)
	mute(4, time.Hour)
	mute(4, 0) // lifted
	mute(2, 2*time.Second)
	if until, ok := w.Muted(user(2)); !ok || !until.Equal(t0.Add(2*time.Second)) || w.Mutes() != 2 {
		t.Errorf("%v, %v, %d", until, ok, w.Mutes())
	}
	w.Leave(user(3)) // it stays muted
	if ended, next := w.EndMutes(t0.Add(time.Second - 1)); len(ended) != 0 || !next.Equal(t0.Add(time.Second)) {
		t.Errorf("%v, %v", ended, next)
	}
	if ended, next := w.EndMutes(t0.Add(time.Second)); !slices.Equal(ended, []uuid.UUID{user(3)}) || !next.Equal(t0.Add(2*time.Second)) {
		t.Errorf("%v, %v", ended, next)
	}
	if ended, next := w.EndMutes(t0.Add(time.Hour)); !slices.Equal(ended, []uuid.UUID{user(2)}) || !next.IsZero() {
		t.Errorf("%v, %v", ended, next)
	}
}
