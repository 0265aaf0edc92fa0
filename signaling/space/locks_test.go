package space

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
)

var (
	chairID = uuid.MustParse("30000000-0000-4000-8000-000000000001") // at 3,3 in the hall: sit
	deskID  = uuid.MustParse("30000000-0000-4000-8000-000000000002") // at 4,4 in the hall: no action
	boardID = uuid.MustParse("30000000-0000-4000-8000-000000000003") // at 8,0 in the room: use, attach, members and up
)

// checkLocks asserts what must hold of a world's locks at any time.
func checkLocks(t interface {
	Helper()
	Fatalf(string, ...any)
}, w *World) {
	t.Helper()
	held := 0
	for _, m := range w.members {
		held += len(m.held)
		for _, id := range m.held {
			if l, ok := w.locks[id]; !ok || l.User != m.User {
				t.Fatalf("%s thinks that it holds %s, and %s does", m.User, id, l.User)
			}
		}
	}
	if held != len(w.locks) {
		t.Fatalf("%d locks, members hold %d", len(w.locks), held)
	}
	for id, l := range w.locks {
		o, ok := w.m.Object(id)
		m, in := w.members[l.User]
		switch {
		case l.Object != id || l.ID == uuid.Nil:
			t.Fatalf("the lock of %s is %+v", id, l)
		case !ok:
			t.Fatalf("%s is held, and there is no such object", id)
		case !in:
			t.Fatalf("%s holds %s, and is gone", l.User, o.Name)
		case m.Zone != o.Zone:
			t.Fatalf("%s holds %s of %s, and is in %s", l.User, o.Name, o.Zone.Name, m.Zone.Name)
		}
	}
}

func TestInteract(t *testing.T) {
	w := NewWorld(office(t), DefaultRules())
	now := t0.Add(time.Minute)
	for n := byte(1); n <= 3; n++ {
		arrive(t, w, n, Guest, t0)
	}
	first, other := uuid.New(), uuid.New()
	want := func(n byte, object uuid.UUID, action, denied string) {
		t.Helper()
		_, _, err := w.Interact(user(n), object, action, other)
		var d *Denial
		if !errors.As(err, &d) || d.Reason != denied {
			t.Errorf("got %v, want %s", err, denied)
		}
	}
	if l, again, err := w.Interact(user(1), chairID, "sit", first); l != first || again || err != nil {
		t.Fatalf("%v, %v, %v", l, again, err)
	}
	if l, again, err := w.Interact(user(1), chairID, "sit", other); l != first || !again || err != nil {
		t.Errorf("what one holds already: %v, %v, %v", l, again, err)
	}
	want(2, chairID, "sit", Occupied)
	want(2, chairID, "use", Invalid)
	want(2, boardID, "use", Invalid) // in another zone
	if _, _, err := w.Interact(user(2), uuid.Max, "sit", other); err == nil || err.Error() != (&Refusal{ObjectNotFound, "object_id", ""}).Error() {
		t.Errorf("no such object: %v", err)
	}
	if _, _, err := w.Interact(user(9), chairID, "sit", other); err == nil {
		t.Error("who is not here got a chair")
	}
	w.Move(user(2), Pose{X: 0, Y: 1}, nil, now)
	want(2, chairID, "sit", Invalid) // out of reach before occupied
	if _, err := w.Transition(user(3), hallID, roomID, Point{8, 1}, now); err != nil {
		t.Fatal(err)
	}
	want(3, boardID, "use", Unauthorized)

	for _, c := range []struct {
		user         byte
		object, lock uuid.UUID
		code         string
	}{
		{1, uuid.Max, first, ObjectNotFound}, {1, chairID, other, PermissionDenied}, {2, chairID, first, PermissionDenied},
		{9, chairID, first, PermissionDenied}, {1, deskID, uuid.Nil, PermissionDenied}, {1, chairID, first, ""}, {1, chairID, first, PermissionDenied},
	} {
		var r *Refusal
		if err := w.EndInteract(user(c.user), c.object, c.lock); errors.As(err, &r) != (c.code != "") || r != nil && r.Code != c.code {
			t.Errorf("%+v: %v", c, err)
		}
		checkWorld(t, w)
	}
}

// TestLocksEnd: each way out of a zone gives back what was held there, once.
func TestLocksEnd(t *testing.T) {
	now := t0.Add(time.Minute)
	for name, leave := range map[string]func(*World) (Departure, error){
		"leave": func(w *World) (Departure, error) { return w.Leave(user(1)), nil },
		"transition": func(w *World) (Departure, error) {
			return w.Transition(user(1), roomID, hallID, Point{1, 5}, now)
		},
		"removal": func(w *World) (Departure, error) { return w.Remove(user(2), user(1), roomID, now) },
		"kick":    func(w *World) (Departure, error) { return w.Kick(user(2), user(1), w.Map().ID, now) },
	} {
		t.Run(name, func(t *testing.T) {
			w := NewWorld(office(t), DefaultRules())
			arrive(t, w, 1, Plain, t0)
			arrive(t, w, 2, Admin, t0)
			if _, err := w.Transition(user(1), hallID, roomID, Point{8, 1}, now); err != nil {
				t.Fatal(err)
			}
			if _, _, err := w.Interact(user(1), boardID, "use", uuid.New()); err != nil {
				t.Fatal(err)
			}
			if l := w.Locks(roomID); len(l) != 1 || l[0].User != user(1) || len(w.Locks(hallID)) != 0 {
				t.Errorf("%v", l)
			}
			now = now.Add(time.Minute)
			d, err := leave(w)
			if err != nil || d.Zone.ID != roomID || len(d.Released) != 1 || d.Released[0] != boardID {
				t.Errorf("%+v, %v", d, err)
			}
			checkWorld(t, w)
			if d := w.Leave(user(1)); len(d.Released) != 0 || len(w.Locks(roomID)) != 0 {
				t.Errorf("%+v, %v", d, w.locks)
			}
		})
	}
}
