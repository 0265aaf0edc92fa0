package sfu

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pion/dtls/v3"
	"github.com/pion/stun/v3"
	"github.com/pion/webrtc/v4"

	"atrium/signaling/protocol"
)

// Nothing is sent to an address before a check by the session's password has come from it.
func TestWhatProvesNothingIsNotAnswered(t *testing.T) {
	b := newBed(t)
	c := b.bare()
	c.negotiate()
	other := b.bare()
	other.negotiate()
	s := c.spot()
	hello := append([]byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4}, 1, 0, 0, 0)
	for _, p := range [][]byte{
		c.checkBy(c.to, "another password of enough length").Raw,
		c.checkBy("nobody", c.toPwd).Raw,
		c.checkBy(other.to, c.toPwd).Raw,
		hello,
		append([]byte{0x80, 111, 0, 1}, make([]byte, 40)...),
		{0}, {1, 2, 3}, make([]byte, 20), bytes.Repeat([]byte{0xff}, 1400),
	} {
		s.send(p)
	}
	s.answered(c.check())
	// And who has proved itself is not reached there before it nominates.
	at := s.LocalAddr().(*net.UDPAddr).AddrPort()
	if to := b.transportOf(c.user).to.Load(); to != nil {
		t.Errorf("the client is reached at %s, which it did not nominate", to.addr)
	}
	s.answered(c.check(nominate))
	if to := b.transportOf(c.user).to.Load(); to == nil || to.addr != at {
		t.Errorf("the client is reached at %v, want %s", to, at)
	}
}

func (b *bed) transportOf(user uuid.UUID) *transport {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.SFU.sessions[place{b.zone, user}]
	if s == nil {
		b.t.Fatalf("%s has no session", user)
	}
	return s.media
}

// Of several nominations the last counts, and a session has a bounded number of addresses.
func TestTheLastNominationCounts(t *testing.T) {
	b := newBed(t)
	c := b.bare()
	c.negotiate()
	var spots []*spot
	for range addrsMost + 3 {
		s := c.spot()
		s.answered(c.check(nominate))
		spots = append(spots, s)
	}
	m := b.transportOf(c.user)
	for _, i := range []int{len(spots) - 1, 2, 5} {
		spots[i].answered(c.check(nominate))
		if at := spots[i].LocalAddr().(*net.UDPAddr).AddrPort(); m.to.Load().addr != at {
			t.Errorf("reached at %s, want %s", m.to.Load().addr, at)
		}
	}
	m.wayMu.Lock()
	known := len(m.way.known)
	m.wayMu.Unlock()
	b.engine.sock.sessionMu.RLock()
	defer b.engine.sock.sessionMu.RUnlock()
	if linked := len(b.engine.sock.sessions); known != addrsMost || linked != addrsMost {
		t.Errorf("%d addresses are known and %d are linked, want %d", known, linked, addrsMost)
	}
}

// An address is the session's that proved it last, as when a port is used again.
func TestAnAddressBelongsToWhoProvedItLast(t *testing.T) {
	b := newBed(t)
	first, second := b.bare(), b.bare()
	first.negotiate()
	second.negotiate()
	s := first.spot()
	at := s.LocalAddr().(*net.UDPAddr).AddrPort()
	for _, c := range []*bare{first, second, first} {
		s.answered(c.check())
		if !b.engine.sock.linked(at, b.transportOf(c.user)) {
			t.Error("the address is another's")
		}
	}
}

func TestRoleConflictIsTold(t *testing.T) {
	b := newBed(t)
	c := b.bare()
	c.negotiate()
	s := c.spot()
	s.send(c.check(stun.RawAttribute{Type: stun.AttrICEControlled, Value: make([]byte, 8)}, nominate).Raw)
	m := &stun.Message{Raw: s.next()}
	var code stun.ErrorCodeAttribute
	if err := errors.Join(m.Decode(), code.GetFrom(m)); err != nil || code.Code != stun.CodeRoleConflict {
		t.Errorf("%v %v, want 487", m, err)
	}
	if b.transportOf(c.user).to.Load() != nil {
		t.Error("it nominated all the same")
	}
}

// After a restart the former credentials are good until the client has nominated by the new ones, and the media goes on.
func TestRestartGivesTheFormerWayUpLate(t *testing.T) {
	b := newBed(t)
	c := b.bare()
	s, _ := c.up()
	old := *c
	c.ufrag, c.pwd = "bare2", "the client's second password"
	c.negotiate()
	if c.to == old.to || c.toPwd == old.toPwd {
		t.Fatal("the answer has the old credentials")
	}
	s.answered(old.check(nominate))
	moved := c.spot()
	moved.answered(c.check())
	s.answered(old.check())
	moved.answered(c.check(nominate))
	if at := moved.LocalAddr().(*net.UDPAddr).AddrPort(); b.transportOf(c.user).to.Load().addr != at {
		t.Errorf("reached at %v, want %s", b.transportOf(c.user).to.Load().addr, at)
	}
	s.send(old.check(nominate).Raw)
	moved.answered(c.check()) // and by now the old one has been read
	s.answered(c.check())     // so that this is the next
	same := c.to
	c.negotiate()
	if c.to != same {
		t.Error("an offer with the same credentials restarted ICE")
	}
	if n := b.desk.count("up", c.user); n != 1 {
		t.Errorf("reported up %d times", n)
	}
	other := *c
	other.print = "sha-256 " + strings.Repeat("00:", 31) + "00"
	c.raw(string(protocol.MustEncode(protocol.TypeSDPOffer, protocol.Description{To: "sfu", SDP: b64(other.offerText())})))
	if e := c.wantError(protocol.InvalidRequest); e.Field() != "sdp" || !strings.Contains(e.Message, "fingerprint") {
		t.Errorf("%+v", e)
	}
}

// A certificate that is not the offer's opens nothing.
func TestAnotherCertificateIsRefused(t *testing.T) {
	b := newBed(t, func(o *Options) { o.Grace = time.Hour })
	c := b.bare()
	c.print = "sha-256 " + strings.Repeat("00:", 31) + "00"
	c.negotiate()
	s := c.spot()
	s.answered(c.check(nominate))
	if _, err := c.shake(&lossy{spot: s}); err == nil {
		t.Fatal("the handshake is accepted")
	}
	if m := b.transportOf(c.user); m.ready() || b.desk.count("up", c.user) != 0 {
		t.Error("the session is up")
	}
}

// The SFU's last flight is lost: the client asks again, and has it although the handshake's connection is gone by then.
func TestALostLastFlightIsSentAgain(t *testing.T) {
	b := newBed(t)
	c := b.bare()
	c.negotiate()
	s := c.spot()
	s.answered(c.check(nominate))
	lost, up := 0, make(chan struct{})
	d, err := c.shake(&lossy{spot: s, lose: func(p []byte) bool {
		if p[0] != 20 { // its last flight begins with ChangeCipherSpec
			return false
		}
		if lost++; lost == 1 {
			go func() { b.desk.wait(t, "up", c.user, 1); close(up) }()
			return true
		}
		select { // what comes later is no part of the handshake's own repetitions
		case <-up:
			return false
		default:
			return true
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if lost < 2 {
		t.Error("nothing was lost")
	}
	_ = d.Close()
}

// A handshake that somebody spoils is begun again.
func TestASpoiltHandshakeIsBegunAgain(t *testing.T) {
	b := newBed(t)
	c := b.bare()
	c.negotiate()
	s := c.spot()
	s.answered(c.check(nominate))
	alert := []byte{21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 2, 40} // fatal, handshake_failure
	spoilt := false
	d, err := c.shake(&lossy{spot: s, lose: func(p []byte) bool {
		if !spoilt {
			spoilt = true
			s.send(alert)
			return true
		}
		return p[0] == 21
	}}, dtls.WithDisableRetransmitBackoff(true))
	if err == nil {
		_ = d.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	b.desk.wait(t, "up", c.user, 1)
}

// Who says goodbye by DTLS has the grace, not the time in which checks may be missing.
func TestGoodbyeOfTheClientEndsTheSession(t *testing.T) {
	b := newBed(t, func(o *Options) { o.Grace = 50 * time.Millisecond })
	c := b.bare()
	s, d := c.up()
	// What is not encrypted is nobody's goodbye.
	s.send([]byte{21, 254, 253, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0})
	s.send([]byte{21, 254, 253, 0, 1, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0})
	s.send(c.check().Raw)
	if b.transportOf(c.user).dtls.gone() {
		t.Fatal("a forged goodbye")
	}
	_ = d.Close()
	c.wantClose(protocol.CloseTimeout)
	b.desk.wait(t, "down", c.user, 1)
}

// The SFU says goodbye too, so that a client knows at once.
func TestGoodbyeOfTheSFU(t *testing.T) {
	b := newBed(t)
	c := b.bare()
	_, d := c.up()
	b.EndSession(b.zone, c.user, "left")
	_ = d.SetReadDeadline(time.Now().Add(patience))
	if _, err := d.Read(make([]byte, 100)); !errors.Is(err, io.EOF) {
		t.Errorf("%v, want the end", err)
	}
	_ = d.Close()
}

// A client whose checks do not come any more has the grace to come back.
func TestAClientThatFallsSilent(t *testing.T) {
	b := newBed(t, func(o *Options) { o.Grace = 2 * time.Second })
	c, gone := b.bare(), b.bare()
	s, d := c.up()
	_, e := gone.up()
	back := func(who *bare) {
		m := b.transportOf(who.user)
		m.checked.Store(b.now() - int64(silent))
		m.s.wakeup()
	}
	back(c)
	s.answered(c.check())
	back(gone)
	b.desk.wait(t, "down", gone.user, 1)
	gone.wantClose(protocol.CloseTimeout)
	if b.desk.count("down", c.user) != 0 {
		t.Error("the one that came back is down")
	}
	_, _ = d.Close(), e.Close()
}

// framed is a TCP client that writes what it likes.
type framed struct {
	net.Conn
	t testing.TB
}

func (c *bare) tcp() *framed {
	c.t.Helper()
	conn, err := net.Dial("tcp4", c.b.tcp.Addr().String())
	if err != nil {
		c.t.Fatal(err)
	}
	c.b.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &framed{conn, c.t}
}

func frame(p []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(p))), p...) }

func (f *framed) answered(m *stun.Message) {
	f.t.Helper()
	var head [2]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		f.t.Fatal(err)
	}
	p := make([]byte, binary.BigEndian.Uint16(head[:]))
	if _, err := io.ReadFull(f, p); err != nil {
		f.t.Fatal(err)
	}
	got := &stun.Message{Raw: p}
	if err := got.Decode(); err != nil || got.TransactionID != m.TransactionID || got.Type != stun.BindingSuccess {
		f.t.Fatalf("%v, %v", got, err)
	}
}

func (f *framed) ended() {
	f.t.Helper()
	if n, err := f.Read(make([]byte, 1)); n != 0 || err == nil || strings.Contains(err.Error(), "timeout") {
		f.t.Errorf("%d bytes, %v; want the end", n, err)
	}
}

func TestFramesOfTCP(t *testing.T) {
	b := newBed(t)
	c := b.bare()
	c.negotiate()
	// Two in one segment, and one byte by byte.
	f := c.tcp()
	one, two, three := c.check(), c.check(nominate), c.check()
	if _, err := f.Write(append(frame(one.Raw), frame(two.Raw)...)); err != nil {
		t.Fatal(err)
	}
	f.answered(one)
	f.answered(two)
	for _, x := range frame(three.Raw) {
		if _, err := f.Write([]byte{x}); err != nil {
			t.Fatal(err)
		}
	}
	f.answered(three)
	if to := b.transportOf(c.user).to.Load(); to == nil || to.tcp == nil {
		t.Errorf("reached at %v, want TCP", to)
	}
	// What is no STUN before a check, and what is too long.
	for _, p := range [][]byte{frame(bytes.Repeat([]byte{32}, 100)), frame(append([]byte{0x80}, make([]byte, 100)...)), {0xff, 0xff, 1, 2}, frame(nil)} {
		f := c.tcp()
		if _, err := f.Write(p); err != nil {
			t.Fatal(err)
		}
		f.ended()
	}
	// One session's connections have a bound: the oldest is closed.
	for range tcpConnsMost {
		m := c.check(nominate)
		g := c.tcp()
		if _, err := g.Write(frame(m.Raw)); err != nil {
			t.Fatal(err)
		}
		g.answered(m)
	}
	f.ended()
	// A connection is one session's.
	other := b.bare()
	other.negotiate()
	g := c.tcp()
	m := c.check(nominate)
	n := other.check(nominate)
	if _, err := g.Write(append(frame(m.Raw), frame(n.Raw)...)); err != nil {
		t.Fatal(err)
	}
	g.answered(m)
	g.answered(n)
	if to := b.transportOf(other.user).to.Load(); to != nil {
		t.Error("a connection of one session became another's")
	}
}

// A client of Pion sees the SFU's goodbye as its DTLS transport's end.
func TestPionSeesTheGoodbye(t *testing.T) {
	b := newBed(t)
	p := b.join(peerOptions{audio: 1})
	closed := make(chan struct{})
	p.pc.SCTP().Transport().OnStateChange(func(s webrtc.DTLSTransportState) {
		if s == webrtc.DTLSTransportStateClosed {
			close(closed)
		}
	})
	b.EndSession(b.zone, p.user, "left")
	select {
	case <-closed:
	case <-time.After(patience):
		t.Error("it does not see it")
	}
}
