package sfu

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"

	"atrium/signaling/protocol"
)

func TestClientOverTCPOnly(t *testing.T) {
	b := newBed(t)
	tcp := func(s *webrtc.SettingEngine) { s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4}) }
	p := b.join(peerOptions{mic: true, camera: true, audio: 2, video: 2, setting: tcp})
	q := b.join(peerOptions{mic: true, camera: true, audio: 2, video: 2})
	exchange(t, p, q)
	pair, err := p.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil || pair.Remote.Protocol != webrtc.ICEProtocolTCP {
		t.Fatalf("the pair is %v (%v), want TCP", pair, err)
	}
}

// exchange waits until each has audio and video of the other.
func exchange(t *testing.T, p, q *peer) {
	t.Helper()
	for _, x := range [][2]*peer{{p, q}, {q, p}} {
		me, other := x[0], x[1]
		slots := me.waitSlots("both sources", func(s []protocol.Slot) bool {
			return holds(other.user, protocol.Mic, true)(s) && holds(other.user, protocol.Camera, true)(s)
		})
		for _, pk := range me.waitFor("audio", find(slots, other.user, protocol.Mic, true), atLeast(10)) {
			if !other.mic.wasSent(pk.Payload) {
				t.Fatalf("audio that was not sent: %q", pk.Payload)
			}
		}
		me.waitFor("video", find(slots, other.user, protocol.Camera, true), atLeast(10))
	}
}

// tunnel is a relay with one allocation, and the socket of the client behind it.
type tunnel struct {
	name netip.AddrPort
	f    *SFU
	in   chan []byte
	done chan struct{}
	once sync.Once

	mu   sync.Mutex
	from netip.AddrPort // where the SFU's packets came from
	sent int
}

func (u *tunnel) Owns(a netip.AddrPort) bool { return a.Addr() == u.name.Addr() }

func (u *tunnel) Send(f func(pass func(p []byte, from, to netip.AddrPort) bool)) { f(u.pass) }

func (u *tunnel) pass(p []byte, from, to netip.AddrPort) bool {
	if to != u.name {
		return false
	}
	u.mu.Lock()
	u.from = from
	u.mu.Unlock()
	select {
	case u.in <- append([]byte(nil), p...):
	default:
	}
	return true
}

func (u *tunnel) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case p := <-u.in:
		u.mu.Lock()
		defer u.mu.Unlock()
		return copy(b, p), net.UDPAddrFromAddrPort(u.from), nil
	case <-u.done:
		return 0, nil, net.ErrClosed
	}
}

func (u *tunnel) WriteTo(b []byte, to net.Addr) (int, error) {
	u.mu.Lock()
	u.sent++
	u.mu.Unlock()
	u.f.Deliver(b, u.name, to.(*net.UDPAddr).AddrPort())
	return len(b), nil
}

func (u *tunnel) Close() error                     { u.once.Do(func() { close(u.done) }); return nil }
func (u *tunnel) LocalAddr() net.Addr              { return net.UDPAddrFromAddrPort(u.name) }
func (u *tunnel) SetDeadline(time.Time) error      { return nil }
func (u *tunnel) SetReadDeadline(time.Time) error  { return nil }
func (u *tunnel) SetWriteDeadline(time.Time) error { return nil }

func TestClientBehindTheRelay(t *testing.T) {
	b := newBed(t)
	u := &tunnel{name: netip.MustParseAddrPort("192.0.2.1:1024"), f: b.SFU, in: make(chan []byte, 4096), done: make(chan struct{})}
	b.SetRelay(u)
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: u})
	t.Cleanup(func() { mux.Close() })
	p := b.join(peerOptions{mic: true, camera: true, audio: 2, video: 2, setting: func(s *webrtc.SettingEngine) { s.SetICEUDPMux(mux) }})
	q := b.join(peerOptions{mic: true, camera: true, audio: 2, video: 2})
	exchange(t, p, q)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.sent == 0 || u.from != b.Addrs()[0] {
		t.Fatalf("%d packets by the relay, answered from %s, want %s", u.sent, u.from, b.Addrs()[0])
	}
}

func TestRelayQueueIsBoundedAndForgetsNothingItTook(t *testing.T) {
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	m := &metrics{}
	s := newSocket(udp, m, time.Now())
	defer s.Close()
	from, to := netip.MustParseAddrPort("192.0.2.1:2000"), udp.LocalAddr().(*net.UDPAddr).AddrPort()
	for i := range injectQueue + 10 {
		s.deliver([]byte{byte(i), byte(i >> 8)}, from, to)
	}
	s.deliver(make([]byte, injectBytes+1), from, to)
	if n := m.drops[dropRelayIn].Load(); n != 11 {
		t.Fatalf("%d dropped, want 11", n)
	}
	type read struct {
		p    []byte
		from netip.AddrPort
	}
	got := make(chan read, injectQueue)
	s.handle = func(_ *batch, p []byte, from netip.AddrPort, _ int64) { got <- read{slices.Clone(p), from} }
	s.start()
	next := func(what string) read {
		t.Helper()
		select {
		case r := <-got:
			return r
		case <-time.After(patience):
			t.Fatalf("%s was left in the queue", what)
		}
		return read{}
	}
	for i := range injectQueue {
		if r := next(fmt.Sprintf("packet %d", i)); len(r.p) != 2 || r.from != from || int(r.p[0])|int(r.p[1])<<8 != i {
			t.Fatalf("read %d: %x from %s", i, r.p, r.from)
		}
	}
	// From here the reader sleeps in the kernel and is woken, many times over.
	const many = 2000
	c, err := net.DialUDP("udp4", nil, udp.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range many {
		want := []byte{9}
		if i%7 == 0 {
			want = []byte{1, 2, 3}
			if _, err := c.Write(want); err != nil {
				t.Fatal(err)
			}
		} else {
			s.deliver(want, from, to)
		}
		if r := next("a packet"); !bytes.Equal(r.p, want) {
			t.Fatalf("packet %d is %x, want %x", i, r.p, want)
		}
	}
}

func TestPublicAddressIsAdvertised(t *testing.T) {
	b := newBed(t, func(o *Options) { o.PublicIP = netip.MustParseAddr("203.0.113.7") })
	p := b.prepare(peerOptions{audio: 1})
	offer, err := p.pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	answer := p.offer(offer.SDP)
	if !strings.Contains(answer, " 203.0.113.7 ") || strings.Contains(answer, "127.0.0.1 ") {
		t.Fatalf("candidates of the answer:\n%s", answer)
	}
	if n := strings.Count(answer, " tcp "); n == 0 {
		t.Fatalf("no TCP candidate:\n%s", answer)
	}
	if a := b.Addrs(); len(a) != 1 || a[0].Addr() != netip.MustParseAddr("203.0.113.7") {
		t.Fatalf("addresses %v", a)
	}
	if !strings.Contains(answer, "a=ice-lite") || !strings.Contains(answer, "a=setup:passive") {
		t.Fatalf("neither lite nor passive:\n%s", answer)
	}
}

// Sockets on every address of the machine and one public address: whichever way a client comes in, it is heard.
func TestPublicAddressWithSocketsOnAllAddresses(t *testing.T) {
	udp, err := net.ListenUDP("udp4", nil)
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp4", ":0")
	if err != nil {
		t.Fatal(err)
	}
	b := newBed(t, func(o *Options) {
		o.UDP.Close()
		o.TCP.Close()
		o.UDP, o.TCP, o.PublicIP = udp, tcp, netip.MustParseAddr("127.0.0.1")
	})
	p := b.join(peerOptions{mic: true, camera: true, audio: 2, video: 2, setting: func(s *webrtc.SettingEngine) { s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4}) }})
	q := b.join(peerOptions{mic: true, camera: true, audio: 2, video: 2})
	exchange(t, p, q)
	if a := b.Addrs(); len(a) != 1 || a[0].Addr() != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("addresses %v", a)
	}
}

func TestICERestartKeepsTheMedia(t *testing.T) {
	b := newBed(t)
	p := b.join(peerOptions{mic: true, camera: true, audio: 2, video: 2})
	q := b.join(peerOptions{mic: true, camera: true, audio: 2, video: 2})
	exchange(t, p, q)
	slots := p.waitSlots("camera", holds(q.user, protocol.Camera, true))
	mid := find(slots, q.user, protocol.Camera, true)
	before := p.pc.CurrentRemoteDescription().SDP
	p.negotiateWith(&webrtc.OfferOptions{ICERestart: true})
	if ufrag(before) == ufrag(p.pc.CurrentRemoteDescription().SDP) {
		t.Fatal("the answer has the old credentials")
	}
	n := len(p.waitFor("video", mid, atLeast(1)))
	p.waitFor("video after the restart", mid, atLeast(n+200))
	if up := b.desk.count("up", p.user); up != 1 {
		t.Errorf("reported up %d times", up)
	}
}

func ufrag(sdp string) string {
	_, rest, _ := strings.Cut(sdp, "a=ice-ufrag:")
	u, _, _ := strings.Cut(rest, "\r\n")
	return u
}

func TestMoreSlotsByAFurtherOffer(t *testing.T) {
	b := newBed(t)
	p := b.join(peerOptions{audio: 1})
	q := b.join(peerOptions{mic: true})
	r := b.join(peerOptions{mic: true, camera: true})
	p.waitSlots("one of them", func(s []protocol.Slot) bool { return len(s) == 1 && s[0].UserID != nil })
	p.slot(webrtc.RTPCodecTypeAudio)
	p.slot(webrtc.RTPCodecTypeVideo)
	p.negotiate()
	slots := p.waitSlots("all", func(s []protocol.Slot) bool {
		return len(s) == 3 && holds(q.user, protocol.Mic, true)(s) && holds(r.user, protocol.Mic, true)(s) && holds(r.user, protocol.Camera, true)(s)
	})
	for _, s := range slots {
		p.waitFor("media", s.Mid, atLeast(5))
	}
}

// stalling is a TCP listener whose connections stop taking what is written, as with a client that does not read.
type stalling struct {
	net.Listener
	stalled chan struct{}
}

type stalledConn struct {
	net.Conn
	l      *stalling
	closed chan struct{}
	once   sync.Once
}

func (l *stalling) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &stalledConn{Conn: c, l: l, closed: make(chan struct{})}, nil
}

func (c *stalledConn) Write(b []byte) (int, error) {
	select {
	case <-c.l.stalled:
		<-c.closed
		return 0, net.ErrClosed
	default:
		return c.Conn.Write(b)
	}
}

func (c *stalledConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func TestAReceiverOnTCPThatStopsReadingHoldsUpNobody(t *testing.T) {
	var l *stalling
	b := newBed(t, func(o *Options) {
		l = &stalling{Listener: o.TCP, stalled: make(chan struct{})}
		o.TCP = l
	})
	r := b.join(peerOptions{mic: true, camera: true})
	p := b.join(peerOptions{audio: 1, video: 1, setting: func(s *webrtc.SettingEngine) { s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4}) }})
	q := b.join(peerOptions{audio: 1, video: 1})
	mid := func(x *peer) string {
		return find(x.waitSlots("camera", holds(r.user, protocol.Camera, true)), r.user, protocol.Camera, true)
	}
	p.waitFor("video", mid(p), atLeast(5))
	n := len(q.waitFor("video", mid(q), atLeast(5)))
	close(l.stalled)
	continuous(t, q.waitFor("video while another stalls", mid(q), atLeast(n+500)))
	b.EndSession(b.zone, p.user, "left")
	b.desk.wait(t, "down", p.user, 1)
}

// However much the relay has handed over while the reader was busy: a packet is with its slots before its ring goes round.
func TestWhatTheRelayHandsOverIsForwardedWhole(t *testing.T) {
	g := rig(t, false, 1, true)
	l, w := g.l, g.wires[0]
	m, sock := l.up.s.media, l.up.s.f.engine.sock
	in, out := contexts(t, srtp.ProtectionProfileAeadAes128Gcm)
	m.keys(in, nil)
	m.verified = true
	m.streams[1] = &stream{layer: l}
	receiver := loopback(t)
	_ = receiver.SetReadBuffer(4 << 20)
	to := &dest{addr: receiver.LocalAddr().(*net.UDPAddr).AddrPort()}
	sock.resolve(to)
	g.slots[0].s.media.to.Store(to)
	from := netip.MustParseAddrPort("127.0.0.1:50000")
	sock.link(from, m)
	const packets = 2 * audioRing
	for seq := range uint16(packets) {
		b, err := out.EncryptRTP(nil, raw(t, rtp.Header{SequenceNumber: seq, SSRC: 1, PayloadType: 111}, []byte("sound"), 0), nil)
		if err != nil {
			t.Fatal(err)
		}
		sock.deliver(b, from, from)
	}
	sock.start()
	defer sock.Close()
	_ = receiver.SetReadDeadline(time.Now().Add(patience))
	came := map[uint16]int{}
	b := make([]byte, packetBytes)
	for range packets {
		n, err := receiver.Read(b)
		if err != nil {
			t.Fatalf("%d packets of %d: %v", len(came), packets, err)
		}
		p, err := w.in.DecryptRTP(nil, b[:n], nil)
		if err != nil {
			t.Fatal(err)
		}
		came[binary.BigEndian.Uint16(p[2:])]++
	}
	if len(came) != packets {
		t.Errorf("%d packets of %d, the others twice", len(came), packets)
	}
}
