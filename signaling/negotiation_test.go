package signaling

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
	"atrium/signaling/space"
	"atrium/topology"
)

func TestForwarding(t *testing.T) {
	h := newHouse(t, nil)
	a, b := h.pair(space.Plain)
	c := h.enter(space.Plain)
	a.expect(protocol.TypePeerJoined, nil)
	b.expect(protocol.TypePeerJoined, nil)
	someone := uuid.NewString()
	for _, typ := range []string{"SDP_OFFER", "SDP_ANSWER"} {
		a.raw(`{"type":"` + typ + `","payload":{"to":"` + b.user.String() + `","from":"` + someone + `","sdp":"` + someSDP() + `"}}`)
		env := b.next()
		if want := `{"from":"` + a.user.String() + `","sdp":"` + someSDP() + `"}`; env.Type != typ || string(env.Payload) != want {
			t.Errorf("%s %s, want %s", env.Type, env.Payload, want)
		}
	}
	for _, cand := range []string{`null`, `{"candidate":"candidate:1 1 udp 1 127.0.0.1 9 typ host","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":null}`} {
		a.raw(`{"type":"ICE_CANDIDATE","payload":{"to":"` + b.user.String() + `","from":"` + someone + `","candidate":` + cand + `}}`)
		env := b.next()
		if want := `{"from":"` + a.user.String() + `","candidate":` + cand + `}`; env.Type != "ICE_CANDIDATE" || string(env.Payload) != want {
			t.Errorf("%s %s, want %s", env.Type, env.Payload, want)
		}
	}
	a.silent()
	c.silent()

	c.walk(teamID, hallID, 16, 1)
	a.expect(protocol.TypePeerLeft, nil)
	b.expect(protocol.TypePeerLeft, nil)
	for name, to := range map[string]uuid.UUID{"another zone's": c.user, "oneself": a.user, "nobody": uuid.New()} {
		for typ, rest := range map[string]string{"SDP_OFFER": `"sdp":"` + someSDP() + `"`, "SDP_ANSWER": `"sdp":"` + someSDP() + `"`, "ICE_CANDIDATE": `"candidate":null`} {
			a.raw(`{"type":"` + typ + `","payload":{"to":"` + to.String() + `",` + rest + `}}`)
			if e := a.wantError(protocol.InvalidRequest, typ, "to"); t.Failed() {
				t.Fatalf("%s: %+v", name, e)
			}
		}
	}
	c.silent()
}

func TestICEFailedBringsTheRelay(t *testing.T) {
	h := newHouse(t, nil)
	a, b := h.enter(space.Plain, "topology_changed"), h.enter(space.Plain)
	a.expect(protocol.TypePeerJoined, nil)
	for _, peer := range []uuid.UUID{a.user, uuid.New()} {
		a.send(protocol.TypeICEFailed, protocol.ICEFailed{PeerID: peer})
		a.wantError(protocol.InvalidRequest, "ICE_FAILED", "peer_id")
	}
	a.send(protocol.TypeICEFailed, protocol.ICEFailed{PeerID: b.user})
	var cred protocol.TURNCredentials
	a.expect(protocol.TypeTURNCredentials, &cred)
	if len(cred.URLs) == 0 || cred.Username == "" || cred.Credential == "" {
		t.Errorf("%+v", cred)
	}
	var change protocol.TopologyChanged
	a.skipTo(protocol.TypeTopologyChanged, &change)
	if change.ZoneID != hallID || change.MediaTopology != protocol.P2PTurn || change.Reason != protocol.Relay || change.Epoch == 0 {
		t.Errorf("%+v", change)
	}
	b.expect(protocol.TypeTURNCredentials, nil)
	b.silent() // not the feature's message

	// Who arrives in a zone that uses the relay.
	c := h.connect(h.claims(space.Plain), "topology_changed")
	if s := c.join(houseID); s.MediaTopology != protocol.P2PTurn {
		t.Errorf("%+v", s)
	}
	c.skipTo(protocol.TypeTURNCredentials, nil)
	for i, tc := range []struct {
		features []string
		want     protocol.MediaTopology
	}{{nil, protocol.P2PDirect}, {[]string{"topology_changed"}, protocol.P2PTurn}} {
		d := h.enter(space.Plain, tc.features...)
		y := float64(i)
		d.walk(teamID, hallID, 16, y)
		if z := d.walk(hallID, teamID, 8, 8); z.MediaTopology != tc.want {
			t.Errorf("%v: %+v", tc.features, z)
		}
		d.skipTo(protocol.TypeTURNCredentials, nil)
		d.walk(vaultID, hallID, 12, 8+y)
	}
}

func TestPromotion(t *testing.T) {
	policy := topology.DefaultPolicy()
	policy.PromoteAt, policy.DemoteAt = 3, 1
	h := newHouse(t, nil, policy)
	a, b := h.pair(space.Plain, "topology_changed")
	c := h.connect(h.claims(space.Plain))
	if s := c.join(houseID); s.MediaTopology != protocol.SFU || len(s.Peers) != 2 {
		t.Errorf("the joiner that makes the count reads SFU: %+v", s)
	}
	c.expect(protocol.TypePresenceBroadcast, nil)
	c.expect(protocol.TypePresenceBroadcast, nil)
	tokens := map[string]bool{}
	for _, m := range []*client{a, b, c} {
		if m != c {
			m.expect(protocol.TypePeerJoined, nil)
		}
		m.expect(protocol.TypeTURNCredentials, nil) // before each PROMOTE_TO_SFU
		var p protocol.PromoteToSFU
		m.expect(protocol.TypePromoteToSFU, &p)
		if want := "ws" + h.http.URL[len("http"):] + "/sfu"; p.SFUURL != want || p.ZoneID != hallID {
			t.Errorf("%+v, want %s", p, want)
		}
		tokens[p.SFUToken] = true
	}
	if len(tokens) != 3 {
		t.Error("each member has a token of its own")
	}
	a.send(protocol.TypeSFUConnected, protocol.SFUConnected{ZoneID: hallID})
	a.wantError(protocol.InvalidRequest, "SFU_CONNECTED", "") // the SFU has not seen it
	a.send(protocol.TypeSFUConnected, protocol.SFUConnected{ZoneID: roomID})
	a.wantError(protocol.InvalidRequest, "SFU_CONNECTED", "zone_id")
	a.send(protocol.TypeSFUConnected, protocol.SFUConnected{ZoneID: uuid.New()})
	a.wantError(protocol.ZoneNotFound, "SFU_CONNECTED", "zone_id")
	a.send(protocol.TypeSFUDisconnected, protocol.SFUDisconnected{ZoneID: roomID, Reason: "error"})
	a.wantError(protocol.InvalidRequest, "SFU_DISCONNECTED", "zone_id")

	// The SFU admits each and sees it; then all have reported and the change is committed.
	for token := range tokens {
		s, err := h.ctl.AdmitSession(token)
		if err != nil {
			t.Fatal(err)
		}
		h.ctl.SessionUp(s)
		h.ctl.SessionFlowing(s)
	}
	for _, m := range []*client{a, b, c} {
		m.send(protocol.TypeSFUConnected, protocol.SFUConnected{ZoneID: hallID})
	}
	for _, m := range []*client{a, b} {
		var change protocol.TopologyChanged
		m.expect(protocol.TypeTopologyChanged, &change)
		if change.MediaTopology != protocol.SFU || change.Reason != protocol.Promoted {
			t.Errorf("%+v", change)
		}
	}
	c.silent()
}

// promoted is two members whose coming called for the SFU, with the tokens that they were given.
func (h *house) promoted() (a, b *client, tokens map[*client]string) {
	h.t.Helper()
	a = h.enter(space.Plain, "topology_changed")
	b = h.connect(h.claims(space.Plain), "topology_changed")
	b.join(houseID)
	tokens = map[*client]string{}
	for _, m := range []*client{a, b} {
		var p protocol.PromoteToSFU
		m.skipTo(protocol.TypePromoteToSFU, &p)
		tokens[m] = p.SFUToken
	}
	return a, b, tokens
}

// admitted opens a member's session at the SFU; it is not up yet.
func (h *house) admitted(token string) topology.Session {
	h.t.Helper()
	return must(h.ctl.AdmitSession(token))
}

// TestReportBeforeTheSFUKnows: a client may know that it is connected before the SFU's word of it is here. Its report counts,
// and nothing is refused; a report of one that does not get connected is, a moment later.
func TestReportBeforeTheSFUKnows(t *testing.T) {
	policy := topology.DefaultPolicy()
	policy.PromoteAt, policy.DemoteAt = 2, 1
	h := newHouse(t, withoutPresence, policy)
	a, b, tokens := h.promoted()
	early := h.admitted(tokens[a])
	a.send(protocol.TypeSFUConnected, protocol.SFUConnected{ZoneID: hallID})
	a.silent()
	h.ctl.SessionUp(early)
	h.ctl.SessionFlowing(early)

	never := h.admitted(tokens[b])
	b.send(protocol.TypeSFUConnected, protocol.SFUConnected{ZoneID: hallID})
	if e := b.wantError(protocol.InvalidRequest, "SFU_CONNECTED", ""); e.Details["reason"] != "not_connected" {
		t.Errorf("%+v", e)
	}
	h.ctl.SessionUp(never)
	h.ctl.SessionFlowing(never)
	b.send(protocol.TypeSFUConnected, protocol.SFUConnected{ZoneID: hallID})
	for _, m := range []*client{a, b} {
		var c protocol.TopologyChanged
		if m.expect(protocol.TypeTopologyChanged, &c); c.Reason != protocol.Promoted {
			t.Errorf("%+v", c)
		}
	}
}

// TestFeaturesCountFromConnect: what a newer connection listed counts from its CONNECT, not from its JOIN_WORLD.
func TestFeaturesCountFromConnect(t *testing.T) {
	policy := topology.DefaultPolicy()
	policy.PromoteAt, policy.DemoteAt, policy.DemoteAfter, policy.Dwell = 2, 1, 0, 0
	h := newHouse(t, func(o *Options) { withoutPresence(o); o.Grace = time.Minute }, policy)
	a, b, tokens := h.promoted()
	for m, token := range tokens {
		s := h.admitted(token)
		h.ctl.SessionUp(s)
		h.ctl.SessionFlowing(s)
		m.send(protocol.TypeSFUConnected, protocol.SFUConnected{ZoneID: hallID})
	}
	a.skipTo(protocol.TypeTopologyChanged, nil)
	old := h.connect(a.claims) // lists nothing
	a.wantError(protocol.InvalidRequest, "", "")
	a.wantClose(4409)
	b.drop()
	h.waitFor(func() bool { return h.srv.members[b.user].session == nil })
	h.srv.mu.Lock()
	h.srv.leave(h.srv.members[b.user]) // as when its grace is over
	h.srv.mu.Unlock()
	if s := h.ctl.Snapshot(hallID); s.Media != topology.SFU || s.Changing {
		t.Errorf("one that does not know of demotions is in it: %+v", s)
	}
	old.drop()
	h.connect(a.claims, "topology_changed")
	if s := h.ctl.Snapshot(hallID); s.Media == topology.SFU && !s.Changing {
		t.Errorf("everyone knows of demotions now: %+v", s)
	}
}

func TestSFUURL(t *testing.T) {
	for public, want := range map[string]string{
		"https://office.example":      "wss://office.example/sfu",
		"http://office.example:8080/": "ws://office.example:8080/sfu",
		"https://example.org/office":  "wss://example.org/office/sfu",
	} {
		if got := sfuURL(public, nil); got != want {
			t.Errorf("%s gives %s, want %s", public, got, want)
		}
	}
}
