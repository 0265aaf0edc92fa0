package sfu

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
	"github.com/pion/rtp"

	"atrium/signaling/protocol"
	"atrium/topology"
)

func TestRefusalsBeforeConnect(t *testing.T) {
	b := newBed(t)
	cases := []struct {
		name, frame string
		code        protocol.Code
		close       int
	}{
		{"another message", `{"type":"VIEW","payload":{}}`, protocol.AuthFailed, 4401},
		{"unknown message", `{"type":"FLY","payload":{}}`, protocol.AuthFailed, 4401},
		{"no version", `{"type":"CONNECT","payload":{"token":"x"}}`, protocol.InvalidRequest, 4400},
		{"version 2", `{"type":"CONNECT","payload":{"token":"x"},"protocol_version":2}`, protocol.InvalidRequest, 4400},
		{"no token", `{"type":"CONNECT","payload":{},"protocol_version":1}`, protocol.AuthFailed, 4401},
		{"token null", `{"type":"CONNECT","payload":{"token":null},"protocol_version":1}`, protocol.AuthFailed, 4401},
		{"forged token", `{"type":"CONNECT","payload":{"token":"x"},"protocol_version":1}`, protocol.AuthFailed, 4401},
		{"no live member", `{"type":"CONNECT","payload":{"token":"refused"},"protocol_version":1}`, protocol.PermissionDenied, 4403},
		{"no payload", `{"type":"CONNECT","protocol_version":1}`, protocol.AuthFailed, 4401},
		{"token as number", `{"type":"CONNECT","payload":{"token":7},"protocol_version":1}`, protocol.InvalidRequest, 0},
		{"no type", `{}`, protocol.InvalidRequest, 0},
		{"no JSON", `hello`, protocol.InvalidRequest, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := b.dial()
			l.t = t
			l.raw(c.frame)
			e := l.wantError(c.code)
			if c.name == "version 2" && e.Details["supported_versions"] == nil {
				t.Errorf("%+v names no version", e)
			}
			if c.close == 0 { // malformed: the link stays
				l.connect(b.desk.token(b.zone, uuid.New()), "")
				return
			}
			l.wantClose(c.close)
		})
	}
}

func TestOwnErrorsAreNotAnswered(t *testing.T) {
	b := newBed(t)
	l := b.dial()
	l.connect(b.desk.token(b.zone, uuid.New()), "")
	for range 60 {
		l.raw(`{"type":"ERROR","payload":{"code":7}}`)
	}
	l.raw(`{"type":"SDP_OFFER","payload":{}}`)
	if e := l.wantError(protocol.InvalidRequest); e.Details["type"] != "SDP_OFFER" {
		t.Errorf("%+v", e)
	}
}

func TestShutdownTellsLinksBeforeConnect(t *testing.T) {
	b := newBed(t)
	l := b.dial()
	begun := make(chan error, 1)
	go func() { begun <- b.Shutdown(t.Context()) }()
	l.wantClose(1001)
	if err := <-begun; err != nil {
		t.Error(err)
	}
}

func TestNoConnectInTime(t *testing.T) {
	b := newBed(t, func(o *Options) { o.Connect = 50 * time.Millisecond })
	b.dial().wantClose(4408)
}

func TestFramesOfTheWrongKindAndSize(t *testing.T) {
	b := newBed(t, func(o *Options) { o.FrameBytes = 4096 })
	l := b.dial()
	if err := l.ws.WriteMessage(websocket.BinaryMessage, []byte{1}); err != nil {
		t.Fatal(err)
	}
	l.wantClose(1003)
	l = b.dial()
	l.connect(b.desk.token(b.zone, uuid.New()), "")
	l.raw(strings.Repeat(" ", 5000))
	l.wantClose(1009)
}

func TestAFrameOfAMebibytePasses(t *testing.T) {
	b := newBed(t)
	l := b.dial()
	l.connect(b.desk.token(b.zone, uuid.New()), "")
	sdp := "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=" + strings.Repeat("x", 700_000) + "\r\nt=0 0\r\n"
	l.raw(`{"type":"SDP_OFFER","payload":{"to":"sfu","sdp":"` + base64.StdEncoding.EncodeToString([]byte(sdp)) + `"}}`)
	if e := l.wantError(protocol.InvalidRequest); e.Field() != "sdp" {
		t.Fatalf("%+v", e)
	}
}

func TestBadInputOfEachMessageLeavesTheLinkOpen(t *testing.T) {
	b := newBed(t, func(o *Options) { o.AudioSlots, o.VideoSlots = 2, 1 })
	p := b.prepare(peerOptions{audio: 2, video: 1})
	offer := func(sdp string) string {
		return `{"type":"SDP_OFFER","payload":{"to":"sfu","sdp":"` + base64.StdEncoding.EncodeToString([]byte(sdp)) + `"}}`
	}
	head := "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
	media := func(kind, mid, codec, direction string) string {
		return fmt.Sprintf("m=%s 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=rtpmap:96 %s\r\na=%s\r\n", kind, mid, codec, direction)
	}
	cases := []struct{ name, frame, field string }{
		{"no JSON", `{`, ""},
		{"unknown type", `{"type":"FLY","payload":{}}`, "type"},
		{"a type of the zone link", `{"type":"JOIN_WORLD","payload":{}}`, "type"},
		{"CONNECT again", `{"type":"CONNECT","payload":{"token":"x"},"protocol_version":1}`, ""},
		{"another version", `{"type":"VIEW","payload":{},"protocol_version":2}`, "protocol_version"},
		{"offer to nobody", `{"type":"SDP_OFFER","payload":{"sdp":"eA=="}}`, "to"},
		{"offer to another", `{"type":"SDP_OFFER","payload":{"to":"` + uuid.NewString() + `","sdp":"eA=="}}`, "to"},
		{"offer that is no base64", `{"type":"SDP_OFFER","payload":{"to":"sfu","sdp":"%"}}`, "sdp"},
		{"offer that is no SDP", offer("hello"), "sdp"},
		{"offer without a section", offer(head), "sdp"},
		{"section without mid", offer(head + "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\n"), "sdp"},
		{"section of another kind", offer(head + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n"), "sdp"},
		{"two of one mid", offer(head + media("audio", "0", "opus/48000/2", "recvonly") + media("audio", "0", "opus/48000/2", "recvonly")), "sdp"},
		{"slot without a codec of ours", offer(head + media("video", "0", "H264/90000", "recvonly")), "sdp"},
		{"too many audio slots", offer(head + media("audio", "0", "opus/48000/2", "recvonly") + media("audio", "1", "opus/48000/2", "recvonly") + media("audio", "2", "opus/48000/2", "recvonly")), "sdp"},
		{"too many video slots", offer(head + media("video", "0", "VP8/90000", "recvonly") + media("video", "1", "VP8/90000", "recvonly")), "sdp"},
		{"two microphones", offer(head + media("audio", "0", "opus/48000/2", "sendonly") + media("audio", "1", "opus/48000/2", "sendonly")), "sdp"},
		{"no ICE, no fingerprint", offer(head + media("audio", "0", "opus/48000/2", "sendonly")), "sdp"},
		{"candidate as text", `{"type":"ICE_CANDIDATE","payload":{"to":"sfu","candidate":"x"}}`, "candidate"},
		{"pinned as text", `{"type":"VIEW","payload":{"pinned":"x"}}`, "pinned"},
		{"negative videos", `{"type":"VIEW","payload":{"max_video":-1}}`, "max_video"},
		{"an answer", `{"type":"SDP_ANSWER","payload":{"to":"sfu","sdp":"eA=="}}`, "type"},
	}
	for _, c := range cases {
		p.raw(c.frame)
		if e := p.wantError(protocol.InvalidRequest); e.Field() != c.field {
			t.Errorf("%s: %+v, want field %q", c.name, e, c.field)
		}
	}
	// Good ones that are not answered, then a good offer: the link and the session are as if nothing had been.
	p.raw(`{"type":"ICE_CANDIDATE","payload":{"to":"sfu","candidate":{"candidate":"candidate:1 1 udp 1 10.1.2.3 9 typ host","sdpMid":"0"}}}`)
	p.raw(`{"type":"ICE_CANDIDATE","payload":{"to":"sfu","candidate":null}}`)
	p.raw(`{"type":"VIEW","payload":{"max_video":1}}`)
	p.raw(`{"type":"ERROR","payload":{"code":"SERVER_ERROR","message":"m"}}`)
	p.negotiate()
	b.desk.wait(t, "up", p.user, 1)
	// A further offer that takes a section's role away is refused and changes nothing.
	bad := strings.Replace(p.pc.LocalDescription().SDP, "a=recvonly", "a=sendonly", 1)
	p.raw(offer(bad))
	if e := p.wantError(protocol.InvalidRequest); e.Field() != "sdp" {
		t.Errorf("%+v", e)
	}
	q := b.join(peerOptions{mic: true})
	p.waitFor("audio", find(p.waitSlots("microphone", holds(q.user, protocol.Mic, true)), q.user, protocol.Mic, true), atLeast(3))
}

func TestTooFastIsSaidOnceAndDropped(t *testing.T) {
	b := newBed(t)
	l := b.dial()
	l.connect(b.desk.token(b.zone, uuid.New()), "")
	for range 60 {
		l.raw(`{"type":"VIEW","payload":{}}`)
	}
	l.wantError(protocol.RateLimited)
	select {
	case env := <-l.frames:
		t.Fatalf("another answer: %s", env.Payload)
	default:
	}
	now := time.Now()
	lim := b.newLimits()
	lim.now = func() time.Time { return now }
	longest := time.Duration(0)
	for range 60 { // bursts, with pauses between them
		for range 20 {
			_, over := lim.take(protocol.TypeView)
			longest = max(longest, over)
		}
		now = now.Add(200 * time.Millisecond)
	}
	if longest <= floodFor {
		t.Fatalf("a flood of 12 s counts as %v", longest)
	}
}

func TestTokenShownAgainReplacesTheSession(t *testing.T) {
	b := newBed(t)
	user := uuid.New()
	token := b.desk.token(b.zone, user)
	first := b.dial()
	a := first.connect(token, "")
	second := b.dial()
	z := second.connect(token, "")
	if e := first.wantError(protocol.InvalidRequest); e.Details["reason"] != "replaced" {
		t.Errorf("%+v", e)
	}
	first.wantClose(4409)
	if a.Session == z.Session {
		t.Error("a new session has the old name")
	}
	if n := b.desk.count("down", user); n != 1 {
		t.Errorf("the former session is down %d times when the new one is connected", n)
	}
	if n := b.Sessions(); n > 2 {
		t.Errorf("%d sessions", n)
	}
}

func TestLostLinkIsTakenOverWhileTheMediaGoesOn(t *testing.T) {
	b := newBed(t)
	p := b.join(peerOptions{mic: true, audio: 1})
	q := b.join(peerOptions{mic: true, audio: 1})
	mid := find(p.waitSlots("microphone", holds(q.user, protocol.Mic, true)), q.user, protocol.Mic, true)
	n := len(p.waitFor("audio", mid, atLeast(5)))
	p.ws.NetConn().Close()
	<-p.link.closed
	p.waitFor("audio without a link", mid, atLeast(n+5))

	again := b.dial()
	if c := again.connect(b.desk.token(b.zone, p.user), p.session); c.Session != p.session {
		t.Fatalf("session %s, want %s", c.Session, p.session)
	}
	again.waitSlots("the list again", holds(q.user, protocol.Mic, true))
	got := p.waitFor("audio after", mid, atLeast(n+50))
	continuous(t, got)
	if b.desk.count("up", p.user) != 1 || b.desk.count("down", p.user) != 0 {
		t.Error("the controller saw the link's loss")
	}
	// Taken over while the former link still stands.
	third := b.dial()
	third.connect(b.desk.token(b.zone, p.user), p.session)
	again.wantError(protocol.InvalidRequest)
	again.wantClose(4409)
	if b.desk.count("down", p.user) != 0 {
		t.Error("the session ended when its link was replaced")
	}
	// A token of a later try admits to that try alone: its session is a new one, which the controller can count.
	later := b.dial()
	if c := later.connect(b.desk.tokenOf(b.zone, p.user, 2), p.session); c.Session == p.session {
		t.Error("a session of one epoch was taken over into another")
	}
	// The name of a session that is not this user's gives nothing: a new session.
	other := b.dial()
	if c := other.connect(b.desk.token(b.zone, uuid.New()), p.session); c.Session == p.session {
		t.Error("a session was taken by another user")
	}
}

func TestLostLinkEndsTheSessionAfterTheGrace(t *testing.T) {
	b := newBed(t, func(o *Options) { o.Grace = 100 * time.Millisecond })
	p := b.join(peerOptions{mic: true})
	p.ws.NetConn().Close()
	b.desk.wait(t, "down", p.user, 1)
}

// TestTakingOverASessionThatJustEnds: a link that comes back in the moment in which its grace is over is told so.
func TestTakingOverASessionThatJustEnds(t *testing.T) {
	b := newBed(t)
	user := uuid.New()
	token := b.desk.token(b.zone, user)
	c := b.dial().connect(token, "")
	b.mu.Lock()
	s := b.sessions[place{b.zone, user}]
	b.mu.Unlock()
	s.room.mu.Lock() // its clean-up waits here, and the session is still in the table
	s.end(ending{})
	again := b.dial()
	again.send(protocol.TypeConnect, protocol.Connect{Token: token, Session: c.Session})
	e := again.wantError(protocol.InvalidRequest)
	s.room.mu.Unlock()
	if e.Details["reason"] != "ended" {
		t.Errorf("%+v", e)
	}
	again.wantClose(4408)
	b.dial().connect(token, "") // and the place is free
}

func TestLinkClosedOnPurposeEndsTheSession(t *testing.T) {
	b := newBed(t, func(o *Options) { o.Grace = time.Hour })
	p := b.join(peerOptions{mic: true})
	if err := p.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	b.desk.wait(t, "down", p.user, 1)
}

func TestEndSession(t *testing.T) {
	b := newBed(t)
	p := b.join(peerOptions{audio: 1})
	b.EndSession(b.zone, p.user, "left")
	if e := p.wantError(protocol.PermissionDenied); e.Details["reason"] != "left" {
		t.Errorf("%+v", e)
	}
	p.wantClose(4403)
	b.desk.wait(t, "down", p.user, 1)
	q := b.join(peerOptions{audio: 1})
	b.EndSession(b.zone, q.user, "released")
	q.wantClose(1000)
	b.desk.wait(t, "down", q.user, 1)
	b.EndSession(b.zone, uuid.New(), "left") // nobody: nothing
}

// slowDesk lets a test act while an admission is under way.
type slowDesk struct {
	*desk
	during func()
}

func (d *slowDesk) AdmitSession(token string) (s topology.Session, err error) {
	s, err = d.desk.AdmitSession(token)
	d.during()
	return s, err
}

func TestLeavingDuringTheAdmissionIsNotMissed(t *testing.T) {
	var b *bed
	user := uuid.New()
	slow := &slowDesk{during: func() { b.EndSession(b.zone, user, "left") }}
	b = newBed(t, func(o *Options) { slow.desk = o.Controller.(*desk); o.Controller = slow })
	l := b.dial()
	l.send(protocol.TypeConnect, protocol.Connect{Token: b.desk.token(b.zone, user)})
	l.wantError(protocol.PermissionDenied)
	l.wantClose(4403)
	slow.during = func() {}
	b.dial().connect(b.desk.token(b.zone, user), "")
	if len(b.ended) != 0 {
		t.Error("endings are kept")
	}
}

func TestShutdownSaysGoodbye(t *testing.T) {
	b := newBed(t)
	p := b.join(peerOptions{audio: 1})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	p.wantClose(1001)
	if _, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(b.http.URL, "http")+"/sfu", nil); err == nil {
		t.Error("a link after the shutdown")
	}
}

func TestFlowingComesWithEveryUplinkOffered(t *testing.T) {
	b := newBed(t)
	p := b.join(peerOptions{mic: true, camera: true, noMedia: true})
	p.mic.pause(false)
	b.dial() // time passes by an exchange, not by a sleep
	q := b.join(peerOptions{audio: 1, video: 1})
	b.desk.wait(t, "flowing", q.user, 1) // nothing offered: flows at once
	mid := find(q.waitSlots("microphone", holds(p.user, protocol.Mic, true)), p.user, protocol.Mic, true)
	q.waitFor("audio", mid, func(got []*rtp.Packet) bool { return len(got) > 20 })
	if b.desk.count("flowing", p.user) != 0 {
		t.Fatal("flowing without the camera")
	}
	p.camera.pause(false)
	b.desk.wait(t, "flowing", p.user, 1)
}

func TestSessionsComeAndGoAndNothingIsLeft(t *testing.T) {
	b := newBed(t)
	stay := b.join(peerOptions{mic: true, audio: 4, video: 2})
	for range 10 {
		var some []*peer
		for range 5 {
			p := b.prepare(peerOptions{mic: true, camera: true, audio: 4, video: 2})
			p.negotiate()
			some = append(some, p)
		}
		for _, p := range some {
			p.waitSlots("somebody", func(s []protocol.Slot) bool {
				for _, x := range s {
					if x.Active {
						return true
					}
				}
				return false
			})
		}
		for i, p := range some {
			if i%2 == 0 {
				b.EndSession(b.zone, p.user, "left")
			} else {
				_ = p.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(time.Second))
			}
			b.desk.wait(t, "down", p.user, 1)
			p.leave()
		}
	}
	stay.waitSlots("nobody", func(s []protocol.Slot) bool {
		for _, x := range s {
			if x.UserID != nil {
				return false
			}
		}
		return len(s) == 6
	})
	if n := b.Sessions(); n != 1 {
		t.Errorf("%d sessions, want 1", n)
	}
}
