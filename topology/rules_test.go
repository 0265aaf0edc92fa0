package topology

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// Each case plays a short story in one zone and says after every line what the world has to do. Members are
// numbers; the zone goes to the SFU at three, comes back at one.
func TestRules(t *testing.T) {
	const s = time.Second
	policy := Policy{PromoteAt: 3, DemoteAt: 1, DemoteAfter: 5 * s, Dwell: 4 * s, Deadline: 10 * s, Cooldown: 30 * s}
	three := []beat{
		{do: join(1), want: "welcome 1 in P2P_DIRECT/1"},
		{do: join(2), want: "welcome 2 in P2P_DIRECT/1"},
		{do: join(3), want: "welcome 3 in SFU/2; promote 1 epoch 2; promote 2 epoch 2; promote 3 epoch 2"},
	}
	inSFU := append(three[:3:3],
		beat{do: connect(1, 2)},
		beat{do: connect(2, 2)},
		beat{do: connect(3, 2), want: "announce to 1: promoted SFU/2; announce to 2: promoted SFU/2; announce to 3: promoted SFU/2"},
	)
	relayed := []beat{
		{do: join(1), want: "welcome 1 in P2P_DIRECT/1"},
		{do: join(2), want: "welcome 2 in P2P_DIRECT/1"},
		{do: ice(1, 2), want: "TURN credentials to 1 epoch 2; TURN credentials to 2 epoch 2; announce to 1: relay P2P_TURN/2; announce to 2: relay P2P_TURN/2"},
	}
	leaves := func(u int) string { return fmt.Sprintf("end session of %d: left", u) }
	leavesRelay := func(u int, e Epoch) string {
		return fmt.Sprintf("end session of %d: left; end allocations of %d up to epoch %d", u, u, e)
	}

	for _, c := range []struct {
		name  string
		relay bool
		story []beat
	}{
		{"the third is promoted with the others and commits when all are there", false, inSFU},
		{"credentials come before each promotion where the relay is on", true, []beat{
			{do: join(1), want: "welcome 1 in P2P_DIRECT/1"},
			{do: join(2), want: "welcome 2 in P2P_DIRECT/1"},
			{do: join(3), want: "welcome 3 in SFU/2; TURN credentials to 1 epoch 2; promote 1 epoch 2; TURN credentials to 2 epoch 2; promote 2 epoch 2; TURN credentials to 3 epoch 2; promote 3 epoch 2"},
		}},
		{"who joins during the promotion starts in the SFU and is waited for", false, append(three[:3:3],
			beat{do: connect(1, 2)}, beat{do: connect(2, 2)},
			beat{do: join(4), want: "welcome 4 in SFU/2; promote 4 epoch 2"},
			beat{do: connect(3, 2)},
			beat{do: connect(4, 2), want: "announce to 1: promoted SFU/2; announce to 2: promoted SFU/2; announce to 3: promoted SFU/2; announce to 4: promoted SFU/2"},
		)},
		{"who joins in the SFU is promoted alone", false, append(inSFU[:6:6],
			beat{do: join(4), want: "welcome 4 in SFU/2; promote 4 epoch 2"},
		)},
		{"a muted member is waited for one second from its session on", false, append(three[:3:3],
			beat{do: connect(1, 2)}, beat{do: connect(2, 2)}, beat{do: connectMuted(3, 2)},
			beat{after: 999 * time.Millisecond},
			beat{after: time.Millisecond, want: "announce to 1: promoted SFU/2; announce to 2: promoted SFU/2; announce to 3: promoted SFU/2"},
		)},
		{"a report without a session counts for nothing", false, append(three[:3:3],
			beat{do: connect(1, 2)}, beat{do: connect(2, 2)},
			beat{do: []event{sfuConnected{userID(3)}}},
		)},
		{"a report that overtakes the SFU's word by a moment counts, one that is long before it does not", false, append(three[:3:3],
			beat{do: connect(1, 2)},
			beat{do: []event{sessionAdmitted{session(2, 2)}, sfuConnected{userID(2)}}},
			beat{do: []event{sessionAdmitted{session(3, 2)}, sfuConnected{userID(3)}}},
			beat{after: time.Second, do: []event{sessionUp{session(2, 2)}, sessionFlowing{session(2, 2)}}},
			beat{after: 1, do: []event{sessionUp{session(3, 2)}, sessionFlowing{session(3, 2)}}},
			beat{do: []event{sfuConnected{userID(3)}}, want: "announce to 1: promoted SFU/2; announce to 2: promoted SFU/2; announce to 3: promoted SFU/2"},
		)},
		{"who is in its grace is not waited for, and reads the SFU when it is back", false, append(three[:3:3],
			beat{do: connect(1, 2)}, beat{do: connect(2, 2)},
			beat{do: []event{lost{userID(3)}}, want: "announce to 1: promoted SFU/2; announce to 2: promoted SFU/2"},
			beat{do: []event{resumed{Member{userID(3), true}}}, want: "welcome 3 in SFU/2; promote 3 epoch 2"},
		)},
		{"fewer than half by the deadline: back, and no new try before the cool-down", false, append(three[:3:3],
			beat{do: connect(1, 2)},
			beat{after: 10 * s, want: "announce to 1: rolled_back P2P_DIRECT/1; announce to 2: rolled_back P2P_DIRECT/1; announce to 3: rolled_back P2P_DIRECT/1"},
			beat{do: join(4), want: "welcome 4 in P2P_DIRECT/1"},
			beat{after: 10 * s, want: "end session of 1: released"},
			beat{after: 19 * s},
			beat{after: s, want: "promote 1 epoch 3; promote 2 epoch 3; promote 3 epoch 3; promote 4 epoch 3"},
		)},
		{"a roll-back to the relay gives its credentials anew", true, append(relayed[:3:3],
			beat{do: join(3), want: "welcome 3 in SFU/3; TURN credentials to 1 epoch 3; promote 1 epoch 3; TURN credentials to 2 epoch 3; promote 2 epoch 3; TURN credentials to 3 epoch 3; promote 3 epoch 3"},
			beat{after: 10 * s, want: "TURN credentials to 1 epoch 2; TURN credentials to 2 epoch 2; TURN credentials to 3 epoch 2; announce to 1: rolled_back P2P_TURN/2; announce to 2: rolled_back P2P_TURN/2; announce to 3: rolled_back P2P_TURN/2"},
		)},
		{"half by the deadline: commit, and the others are promoted anew", false, append(three[:3:3],
			beat{do: connect(1, 2)}, beat{do: connect(2, 2)},
			beat{after: 10 * s, want: "announce to 1: promoted SFU/2; announce to 2: promoted SFU/2; announce to 3: promoted SFU/2; promote 3 epoch 2"},
			beat{after: 20 * s, want: "promote 3 epoch 2"},
			beat{after: 40 * s, want: "promote 3 epoch 2"},
		)},
		{"no roll-back with a member that does not know topology_changed", false, []beat{
			{do: join(1), want: "welcome 1 in P2P_DIRECT/1"},
			{do: join(2), want: "welcome 2 in P2P_DIRECT/1"},
			{do: joinOld(3), want: "welcome 3 in SFU/2; promote 1 epoch 2; promote 2 epoch 2; promote 3 epoch 2"},
			{after: 10 * s, want: "announce to 1: promoted SFU/2; announce to 2: promoted SFU/2; promote 1 epoch 2; promote 2 epoch 2; promote 3 epoch 2"},
		}},
		{"a session of a try that is over changes nothing", false, append(three[:3:3],
			beat{do: connect(1, 2)},
			beat{after: 10 * s, want: "announce to 1: rolled_back P2P_DIRECT/1; announce to 2: rolled_back P2P_DIRECT/1; announce to 3: rolled_back P2P_DIRECT/1"},
			beat{after: 30 * s, want: "end session of 1: released; promote 1 epoch 3; promote 2 epoch 3; promote 3 epoch 3"},
			beat{do: connect(2, 3)}, beat{do: connect(3, 3)},
			beat{do: []event{sessionUp{session(1, 2)}, sessionFlowing{session(1, 2)}, sfuConnected{userID(1)}}, want: "end session of 1: released; end session of 1: released"},
		)},
		{"demotion: announced, then everyone leaves, then the sessions are released", false, append(inSFU[:6:6],
			beat{do: leave(3), want: leaves(3)},
			beat{do: leave(2), want: leaves(2)},
			beat{after: 4900 * time.Millisecond},
			beat{after: 100 * time.Millisecond, want: "announce to 1: demoted P2P_DIRECT/3"},
			beat{do: join(2), want: "welcome 2 in P2P_DIRECT/3"},
			beat{do: []event{sfuDisconnected{userID(1), false}}, want: "end session of 1: released"},
		)},
		{"a demotion ends at the deadline", false, append(inSFU[:6:6],
			beat{do: leave(3), want: leaves(3)},
			beat{do: leave(2), want: leaves(2)},
			beat{after: 5 * s, want: "announce to 1: demoted P2P_DIRECT/3"},
			beat{after: 10 * s, want: "end session of 1: released"},
		)},
		{"a demotion is taken back at once when the count asks for the SFU", false, append(inSFU[:6:6],
			beat{do: leave(3), want: leaves(3)},
			beat{do: leave(2), want: leaves(2)},
			beat{after: 5 * s, want: "announce to 1: demoted P2P_DIRECT/3"},
			beat{do: join(4), want: "welcome 4 in P2P_DIRECT/3"},
			beat{do: join(5), want: "welcome 5 in SFU/2; announce to 1: rolled_back SFU/2; announce to 4: rolled_back SFU/2; promote 4 epoch 2; promote 5 epoch 2"},
		)},
		{"a member that does not know topology_changed keeps the zone in the SFU", false, append(inSFU[:6:6],
			beat{do: leave(3), want: leaves(3)},
			beat{do: joinOld(4), want: "welcome 4 in SFU/2; promote 4 epoch 2"},
			beat{do: leave(2), want: leaves(2)},
			beat{do: leave(1), want: leaves(1)},
			beat{do: connect(4, 2)},
			beat{after: time.Minute},
		)},
		{"the other member's first report changes nothing, the second of one goes to the SFU", true, append(relayed[:3:3],
			beat{do: ice(2, 1)},
			beat{do: ice(1, 2), want: "TURN credentials to 1 epoch 3; promote 1 epoch 3; TURN credentials to 2 epoch 3; promote 2 epoch 3"},
		)},
		{"without a relay the first failure goes to the SFU, which stays while both are there", false, []beat{
			{do: join(1), want: "welcome 1 in P2P_DIRECT/1"},
			{do: join(2), want: "welcome 2 in P2P_DIRECT/1"},
			{do: ice(1, 2), want: "promote 1 epoch 2; promote 2 epoch 2"},
			{do: connect(1, 2)},
			{do: connect(2, 2), want: "announce to 1: promoted SFU/2; announce to 2: promoted SFU/2"},
			{after: time.Minute},
			{do: leave(2), want: leaves(2)},
			{after: 5 * s, want: "announce to 1: demoted P2P_DIRECT/3"},
		}},
		{"who arrives in a relay zone gets credentials; the relay goes when the pair is gone, its allocations later", true, append(relayed[:2:2],
			beat{do: ice(2, 1), want: "TURN credentials to 1 epoch 2; TURN credentials to 2 epoch 2; announce to 1: relay P2P_TURN/2; announce to 2: relay P2P_TURN/2"},
			beat{do: leave(2), want: leavesRelay(2, 2)},
			beat{do: join(3), want: "welcome 3 in P2P_TURN/2; TURN credentials to 3 epoch 2"},
			beat{after: 4 * s, want: "announce to 1: direct P2P_DIRECT/3; announce to 3: direct P2P_DIRECT/3"},
			beat{after: 10 * s, want: "end allocations of 1 up to epoch 2; end allocations of 3 up to epoch 2"},
		)},
		{"allocations stay when the relay is needed again", true, append(relayed[:3:3],
			beat{do: leave(2), want: leavesRelay(2, 2)},
			beat{do: join(3), want: "welcome 3 in P2P_TURN/2; TURN credentials to 3 epoch 2"},
			beat{after: 4 * s, want: "announce to 1: direct P2P_DIRECT/3; announce to 3: direct P2P_DIRECT/3"},
			beat{do: ice(3, 1), want: "TURN credentials to 1 epoch 4; TURN credentials to 3 epoch 4; announce to 1: relay P2P_TURN/4; announce to 3: relay P2P_TURN/4"},
			beat{after: time.Minute},
		)},
		{"the relay's allocations outlive a promotion's commit by the overlap", true, append(relayed[:3:3],
			beat{do: ice(1, 2), want: "TURN credentials to 1 epoch 3; promote 1 epoch 3; TURN credentials to 2 epoch 3; promote 2 epoch 3"},
			beat{do: connect(1, 3)},
			beat{do: connect(2, 3), want: "announce to 1: promoted SFU/3; announce to 2: promoted SFU/3"},
			beat{after: overlap - 1},
			beat{after: 1, want: "end allocations of 1 up to epoch 2; end allocations of 2 up to epoch 2"},
		)},
		{"credentials are renewed before they expire", true, append(relayed[:3:3],
			beat{after: 45*time.Minute - 1},
			beat{after: 1, want: "TURN credentials to 1 epoch 2; TURN credentials to 2 epoch 2"},
		)},
		{"an emptied zone forgets everything but its epochs", true, append(relayed[:3:3],
			beat{do: leave(2), want: leavesRelay(2, 2)},
			beat{do: leave(1), want: leavesRelay(1, 2)},
			beat{do: join(1), want: "welcome 1 in P2P_DIRECT/3"},
			beat{after: time.Hour},
		)},
		{"who lost the SFU is promoted anew, with back-off", false, append(inSFU[:6:6],
			beat{do: fails(3), want: "promote 3 epoch 2"},
			beat{do: fails(3)},
			beat{after: s, want: "promote 3 epoch 2"},
			beat{do: fails(3), want: "struggling 3"},
			beat{after: 2 * s, want: "promote 3 epoch 2"},
		)},
		{"after three failures a small zone goes back", false, append(inSFU[:6:6],
			beat{do: leave(1), want: leaves(1)},
			beat{do: fails(3), want: "promote 3 epoch 2"},
			beat{do: fails(3)},
			beat{do: fails(3), want: "struggling 3"},
			beat{after: 4 * s, want: "promote 3 epoch 2; announce to 2: demoted P2P_DIRECT/3; announce to 3: demoted P2P_DIRECT/3"},
			beat{do: []event{sfuDisconnected{userID(2), false}}, want: "end session of 2: released; end session of 3: released"},
		)},
		{"a session that ends unnoticed is invited again", false, append(inSFU[:6:6],
			beat{do: []event{sessionDown{session(3, 2)}}},
			beat{after: 10 * s, want: "promote 3 epoch 2"},
		)},
		{"a demotion that meets a pair in need goes on to the relay", true, []beat{
			{do: join(1), want: "welcome 1 in P2P_DIRECT/1"},
			{do: join(2), want: "welcome 2 in P2P_DIRECT/1"},
			{do: join(3), want: "welcome 3 in SFU/2; TURN credentials to 1 epoch 2; promote 1 epoch 2; TURN credentials to 2 epoch 2; promote 2 epoch 2; TURN credentials to 3 epoch 2; promote 3 epoch 2"},
			{do: connect(1, 2)}, {do: connect(2, 2)},
			{do: connect(3, 2), want: "announce to 1: promoted SFU/2; announce to 2: promoted SFU/2; announce to 3: promoted SFU/2"},
			{do: leave(3), want: leavesRelay(3, 2)},
			{do: leave(2), want: leavesRelay(2, 2)},
			{after: 5 * s, want: "announce to 1: demoted P2P_DIRECT/3"},
			{do: join(4), want: "welcome 4 in P2P_DIRECT/3"},
			{do: ice(4, 1), want: "TURN credentials to 1 epoch 4; TURN credentials to 4 epoch 4; announce to 1: relay P2P_TURN/4; announce to 4: relay P2P_TURN/4"},
			{do: []event{sfuDisconnected{userID(1), false}}, want: "end session of 1: released; end allocations of 1 up to epoch 2; end allocations of 4 up to epoch 2"},
		}},
		{"nobody else's or one's own failure counts", false, []beat{
			{do: join(1), want: "welcome 1 in P2P_DIRECT/1"},
			{do: ice(1, 1)},
			{do: ice(1, 9)},
			{do: ice(9, 1)},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			z := newZone(zoneID(0), policy, relayRules{on: c.relay, refresh: 45 * time.Minute, perPair: 6})
			now := epochStart
			for i, l := range c.story {
				var got []string
				run := func(e event) {
					for _, eff := range step(z, now, e) {
						switch eff.(type) {
						case setTimer, noted:
						default:
							got = append(got, eff.String())
						}
					}
				}
				for end := now.Add(l.after); ; {
					if z.timer.IsZero() || z.timer.After(end) {
						now = end
						break
					}
					now = z.timer
					run(tick{})
				}
				for _, e := range l.do {
					run(e)
				}
				if got := plain(strings.Join(got, "; ")); got != l.want {
					t.Fatalf("line %d (after %s: %v)\n got %s\nwant %s", i, l.after, l.do, got, l.want)
				}
			}
		})
	}
}

// beat of a story: time passes, something happens, and that is what is to be done.
type beat struct {
	after time.Duration
	do    []event
	want  string
}

// plain turns the members' ids into their numbers.
func plain(s string) string {
	for n := 1; n < 10; n++ {
		s = strings.ReplaceAll(s, short(userID(n)), fmt.Sprint(n))
	}
	return s
}

func join(u int) []event    { return []event{joined{Member{userID(u), true}}} }
func joinOld(u int) []event { return []event{joined{Member{userID(u), false}}} }
func leave(u int) []event   { return []event{left{userID(u)}} }
func fails(u int) []event   { return []event{sfuDisconnected{userID(u), true}} }
func ice(u, peer int) []event {
	return []event{iceFailed{userID(u), userID(peer)}}
}

func session(u int, e Epoch) Session {
	return Session{User: userID(u), Zone: zoneID(0), Epoch: e, ID: uuid.NewSHA1(userID(u), []byte{byte(e)}).String()}
}

func connect(u int, e Epoch) []event {
	s := session(u, e)
	return []event{sessionAdmitted{s}, sessionUp{s}, sessionFlowing{s}, sfuConnected{userID(u)}}
}

func connectMuted(u int, e Epoch) []event {
	s := session(u, e)
	return []event{sessionAdmitted{s}, sessionUp{s}, sfuConnected{userID(u)}}
}
