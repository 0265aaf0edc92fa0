package topology

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// record is a sink that keeps what it is told.
type record struct {
	mu          sync.Mutex
	said        []string
	tokens      map[uuid.UUID]string
	credentials map[uuid.UUID]TURNCredentials
}

func newRecord() *record {
	return &record{tokens: map[uuid.UUID]string{}, credentials: map[uuid.UUID]TURNCredentials{}}
}

func (r *record) say(format string, args ...any) {
	r.said = append(r.said, plain(fmt.Sprintf(format, args...)))
}

func (r *record) TURNCredentials(user uuid.UUID, c TURNCredentials) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.credentials[user] = c
	r.say("credentials %s", short(user))
}

func (r *record) PromoteToSFU(user uuid.UUID, p Promotion) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tokens[user] = p.Token
	r.say("promote %s", short(user))
}

func (r *record) TopologyChanged(user uuid.UUID, c Change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.say("changed %s %s %s/%d", short(user), c.Reason, c.Media, c.Epoch)
}

func (r *record) EndSession(_, user uuid.UUID, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.say("end session %s %s", short(user), reason)
}

func (r *record) EndAllocations(_, user uuid.UUID, upTo Epoch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.say("end allocations %s %d", short(user), upTo)
}

// take gives what was said since the last time.
func (r *record) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := strings.Join(r.said, "; ")
	r.said = nil
	return s
}

func (r *record) expect(t *testing.T, want string) {
	t.Helper()
	if got := r.take(); got != want {
		t.Fatalf("the sink heard\n     %s\nwant %s", got, want)
	}
}

func testConfig() Config {
	return Config{
		Default: DefaultPolicy(),
		Policies: map[string]Policy{
			"MeetingRoom": {PromoteAt: 2, DemoteAt: 1, DemoteAfter: 5 * time.Second, Dwell: 5 * time.Second, Deadline: 10 * time.Second, Cooldown: 30 * time.Second},
		},
		TURN:      TURNConfig{Enabled: true, URLs: []string{"turn:127.0.0.1:3478"}, Secret: testSecret, TTL: time.Hour},
		SFUSecret: testSecret,
	}
}

func TestControllerPromotesAndDemotes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newRecord()
		c := New(testConfig(), sink, nil)
		defer c.Close()
		room := Zone{zoneID(1), "MeetingRoom"}
		one, two := Member{userID(1), true}, Member{userID(2), true}

		c.Join(room, one, func(v View) { sink.say("welcome %s/%d", v.Media, v.Epoch) })
		sink.expect(t, "welcome P2P_DIRECT/1")
		c.Join(room, two, func(v View) { sink.say("welcome %s/%d", v.Media, v.Epoch) })
		sink.expect(t, "welcome SFU/2; credentials 1; promote 1; credentials 2; promote 2")
		if got, want := c.Snapshot(room.ID), (Snapshot{Media: P2PDirect, Epoch: 1, Live: 2, Changing: true, To: View{SFU, 2}}); got != want {
			t.Fatalf("snapshot %+v, want %+v", got, want)
		}

		if err := c.SFUConnected(room.ID, one.ID); !errors.Is(err, ErrNotConnected) {
			t.Fatalf("a report without a session: %v", err)
		}
		for _, m := range []Member{one, two} {
			s, err := c.AdmitSession(sink.tokens[m.ID])
			if err != nil {
				t.Fatal(err)
			}
			again, err := c.AdmitSession(sink.tokens[m.ID])
			if err != nil || again.ID == s.ID {
				t.Fatalf("shown again: %v, %v", again, err)
			}
			c.SessionUp(again)
			c.SessionDown(s) // the former one is replaced, and says so late
			c.SessionFlowing(again)
			if err := c.SFUConnected(room.ID, m.ID); err != nil {
				t.Fatal(err)
			}
		}
		sink.expect(t, "changed 1 promoted SFU/2; changed 2 promoted SFU/2")

		// A session outlives its token; the token does not open another.
		time.Sleep(time.Minute)
		synctest.Wait()
		if _, err := c.AdmitSession(sink.tokens[one.ID]); !errors.Is(err, ErrToken) {
			t.Fatalf("an expired token: %v", err)
		}

		c.Leave(room.ID, two.ID)
		sink.expect(t, "end session 2 left; end allocations 2 2")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		sink.expect(t, "changed 1 demoted P2P_DIRECT/3")
		if err := c.SFUDisconnected(room.ID, one.ID, false); err != nil {
			t.Fatal(err)
		}
		sink.expect(t, "end session 1 released; end allocations 1 2")
		if err := c.SFUDisconnected(room.ID, two.ID, false); !errors.Is(err, ErrRefused) {
			t.Fatalf("SFU_DISCONNECTED of one who left: %v", err)
		}
	})
}

func TestDoorsAskTheLiveTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newRecord()
		c := New(testConfig(), sink, nil)
		defer c.Close()
		area := Zone{zoneID(2), "OpenArea"}
		for u := 1; u <= 3; u++ {
			c.Join(area, Member{userID(u), true}, nil)
		}
		if err := c.ICEFailed(area.ID, userID(1), userID(1)); !errors.Is(err, ErrPeer) {
			t.Fatalf("about oneself: %v", err)
		}
		if err := c.ICEFailed(area.ID, userID(1), userID(9)); !errors.Is(err, ErrPeer) {
			t.Fatalf("about a stranger: %v", err)
		}
		if err := c.ICEFailed(area.ID, userID(1), userID(2)); err != nil {
			t.Fatal(err)
		}
		sink.expect(t, "credentials 1; credentials 2; changed 1 relay P2P_TURN/2; changed 2 relay P2P_TURN/2; changed 3 relay P2P_TURN/2")

		given := sink.credentials[userID(1)]
		id, password, err := c.TURNPassword(given.Username)
		if err != nil || password != given.Credential {
			t.Fatalf("password %q, %v; given was %q", password, err, given.Credential)
		}
		if quota, err := c.MayAllocate(id, time.Now()); err != nil || quota != 12 {
			t.Fatalf("quota %d, %v; want 12", quota, err)
		}
		if _, err := c.MayAllocate(id, id.Expiry); !errors.Is(err, ErrToken) {
			t.Fatalf("at its expiry: %v", err)
		}
		for name, change := range map[string]func(*TURNIdentity){
			"another user":  func(id *TURNIdentity) { id.User = userID(9) },
			"another zone":  func(id *TURNIdentity) { id.Zone = zoneID(9) },
			"another epoch": func(id *TURNIdentity) { id.Epoch = 1 },
		} {
			other := id
			change(&other)
			if quota, err := c.MayAllocate(other, time.Now()); !errors.Is(err, ErrRefused) || quota != 0 {
				t.Errorf("%s: %d, %v", name, quota, err)
			}
		}
		if !c.MayHold(area.ID, userID(1)) || c.MayHold(area.ID, userID(9)) || c.MayHold(zoneID(9), userID(1)) {
			t.Error("MayHold does not follow the membership")
		}
		stranger, err := mintSFU(testSecret, time.Minute, userID(1), area.ID, 2, "x", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.AdmitSession(stranger); !errors.Is(err, ErrRefused) {
			t.Errorf("a session in a zone that has no SFU: %v", err)
		}

		c.Leave(area.ID, userID(1))
		sink.take()
		if _, err := c.MayAllocate(id, time.Now()); !errors.Is(err, ErrRefused) || c.MayHold(area.ID, userID(1)) {
			t.Errorf("after it left: %v", err)
		}
		// The pair is gone: the zone goes direct, and the others may hold what they have until the release.
		time.Sleep(10 * time.Second)
		synctest.Wait()
		sink.expect(t, "changed 2 direct P2P_DIRECT/3; changed 3 direct P2P_DIRECT/3")
		if !c.MayHold(area.ID, userID(2)) {
			t.Error("the relay is taken away before its release")
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		sink.expect(t, "end allocations 2 2; end allocations 3 2")
		if c.MayHold(area.ID, userID(2)) {
			t.Error("the relay is held after its release")
		}
	})
}

func TestGraceAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newRecord()
		c := New(testConfig(), sink, nil)
		defer c.Close()
		area := Zone{zoneID(2), "OpenArea"}
		c.Join(area, Member{userID(1), true}, nil)
		c.Join(area, Member{userID(2), true}, nil)
		c.Lost(area.ID, userID(2))
		if err := c.ICEFailed(area.ID, userID(1), userID(2)); err != nil {
			t.Fatal(err)
		}
		sink.expect(t, "credentials 1; changed 1 relay P2P_TURN/2")
		if !c.MayHold(area.ID, userID(2)) {
			t.Error("who is in its grace is a live member")
		}
		c.Resume(area, Member{userID(2), true}, func(v View) { sink.say("welcome %s/%d", v.Media, v.Epoch) })
		sink.expect(t, "welcome P2P_TURN/2; credentials 2")
	})
}

func TestClosedControllerIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newRecord()
		c := New(testConfig(), sink, nil)
		room := Zone{zoneID(1), "MeetingRoom"}
		c.Join(room, Member{userID(1), true}, nil)
		c.Join(room, Member{userID(2), true}, nil)
		sink.take()
		c.Close()
		c.Leave(room.ID, userID(1))
		welcomed := false
		c.Join(room, Member{userID(3), true}, func(View) { welcomed = true })
		if _, err := c.AdmitSession(sink.tokens[userID(2)]); !errors.Is(err, ErrRefused) || !welcomed {
			t.Errorf("admitted by a closed controller: %v; welcomed: %t", err, welcomed)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		sink.expect(t, "")
	})
}

// The doors are asked from many goroutines while members come and go; the race detector looks on.
func TestManyAtOnce(t *testing.T) {
	sink := newRecord()
	c := New(testConfig(), sink, nil)
	defer c.Close()
	var wg sync.WaitGroup
	for u := 1; u <= 8; u++ {
		wg.Go(func() {
			room := Zone{zoneID(u % 2), "MeetingRoom"}
			for range 200 {
				c.Join(room, Member{userID(u), true}, nil)
				sink.mu.Lock()
				token, turn := sink.tokens[userID(u)], sink.credentials[userID(u)]
				sink.mu.Unlock()
				if s, err := c.AdmitSession(token); err == nil {
					c.SessionUp(s)
					c.SessionFlowing(s)
					_ = c.SFUConnected(room.ID, userID(u)) // it may have ended in between
					c.SessionDown(s)
				}
				if id, _, err := c.TURNPassword(turn.Username); err == nil {
					if quota, err := c.MayAllocate(id, time.Now()); err == nil && quota == 0 {
						t.Error("allowed to allocate nothing")
					}
					c.MayHold(room.ID, userID(u))
				}
				c.Leave(room.ID, userID(u))
			}
		})
	}
	wg.Wait()
	for z := range 2 {
		if s := c.Snapshot(zoneID(z)); s.Live != 0 || s.Media != P2PDirect || s.Changing {
			t.Errorf("zone %d is not empty: %+v", z, s)
		}
	}
}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := testConfig()
		registry := prometheus.NewRegistry()
		config.Registerer = registry
		sink := newRecord()
		c := New(config, sink, nil)
		room := Zone{zoneID(1), "MeetingRoom"}
		c.Join(room, Member{userID(1), true}, nil)
		c.Join(room, Member{userID(2), true}, nil)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		want := `
# HELP atrium_topology_changes_total Changes of topology, by reason and outcome.
# TYPE atrium_topology_changes_total counter
atrium_topology_changes_total{outcome="rolled_back",reason="promoted"} 1
# HELP atrium_topology_members Live members of all zones, those in grace included.
# TYPE atrium_topology_members gauge
atrium_topology_members 2
# HELP atrium_topology_zones Zones with members, by the topology in force.
# TYPE atrium_topology_zones gauge
atrium_topology_zones{topology="P2P_DIRECT"} 1
atrium_topology_zones{topology="P2P_TURN"} 0
atrium_topology_zones{topology="SFU"} 0
`
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want),
			"atrium_topology_changes_total", "atrium_topology_members", "atrium_topology_zones"); err != nil {
			t.Error(err)
		}
		c.Close()
		if n, err := testutil.GatherAndCount(registry); err != nil || n != 0 {
			t.Errorf("%d metrics are left after Close, %v", n, err)
		}
	})
}
