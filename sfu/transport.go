package sfu

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"atrium/sfu/offer"
)

const earlyPackets = 64 // that come before the handshake is over; more are dropped

// transport carries one session's media. What comes from an address that proved itself by a check (connect.go) is taken off
// the socket, decrypted and handed on here, and what goes out is encrypted here and put into a batch of the socket.
type transport struct {
	// Static after construction.
	s    *session
	sock *mediaSocket

	to      atomic.Pointer[dest] // where the client is reached; nil: nowhere yet
	from    atomic.Pointer[dest] // where DTLS last came from, which is answered there until the client has nominated
	checked atomic.Int64         // when the last check came
	dtls    association

	// What comes in. Guarded by inMu, which is taken before room.mu.
	inMu     sync.Mutex
	closed   bool
	verified bool          // the DTLS handshake is over, and the client is who the offer says
	in       *srtp.Context // nil until the keys are known
	early    [][]byte
	inHeader rtp.Header
	routes   routes
	streams  map[uint32]*stream
	twccIn   *twcc.Recorder // nil until a packet had a transport-wide number

	// Guarded by wayMu.
	wayMu sync.Mutex
	way   way

	// What goes out. Guarded by outMu, a leaf.
	outMu     sync.Mutex
	out       *srtp.Context
	outHeader rtp.Header
	twccOut   uint16 // the next transport-wide sequence number
	down      downlink
	paced     bool   // the pacer looks after it; guarded by pacer.mu
	lastIn    *batch // the batch and its message that the last packet went into
	lastGen   uint64
	lastMsg   int32
}

// dest is where a client is reached. Static after construction but for noGSO.
type dest struct {
	addr    netip.AddrPort
	relayed bool
	tcp     *tcpConn // nil: UDP
	sa      sockaddr
	noGSO   atomic.Bool // the kernel refused runs to it
}

func newTransport(s *session, sock *mediaSocket) *transport {
	t := &transport{s: s, sock: sock, streams: make(map[uint32]*stream)}
	t.dtls.t = t
	return t
}

// keys are what the DTLS handshake agreed on.
func (t *transport) keys(in, out *srtp.Context) {
	t.inMu.Lock()
	t.in = in
	t.inMu.Unlock()
	t.outMu.Lock()
	t.out = out
	t.outMu.Unlock()
}

// verify opens the transport: the handshake is over. What came early is taken now.
func (t *transport) verify() {
	t.inMu.Lock()
	t.verified = true
	early := t.early
	t.early = nil
	t.inMu.Unlock()
	b := t.sock.batch()
	defer t.sock.done(b)
	for _, p := range early {
		t.receive(b, p, b.at)
	}
}

// ready says whether the client is reached and is who the offer says.
func (t *transport) ready() bool {
	t.inMu.Lock()
	defer t.inMu.Unlock()
	return t.verified && t.to.Load() != nil
}

// arrivesDTLS takes a datagram of the client's from an address that has proved itself.
func (t *transport) arrivesDTLS(p []byte, from netip.AddrPort, now int64) {
	if d := t.from.Load(); d == nil || d.addr != from || d.tcp != nil {
		d = &dest{addr: from}
		t.sock.resolve(d)
		t.from.Store(d)
	}
	t.dtls.receive(p, now)
}

// writeDTLS sends a datagram of the handshake. A client that is nowhere loses it.
func (t *transport) writeDTLS(p []byte) {
	to := t.to.Load()
	if to == nil {
		to = t.from.Load()
	}
	if to != nil {
		t.sock.writeOne(to, p)
	}
}

// close ends the flow of media both ways and gives the memory back.
func (t *transport) close() {
	t.dtls.close()
	t.leave()
	t.inMu.Lock()
	defer t.inMu.Unlock()
	t.closed, t.early = true, nil
	for _, st := range t.streams {
		st.layer.close()
	}
	clear(t.streams)
}

// isMedia tells SRTP and SRTCP from STUN and DTLS (RFC 7983, section 7).
func isMedia(p []byte) bool { return len(p) > 0 && p[0] >= 128 && p[0] <= 191 }

// isRTCP tells SRTCP from SRTP (RFC 5761, section 4).
func isRTCP(p []byte) bool { return p[1] >= 192 && p[1] <= 223 }

// receive takes a packet of the client, which is valid during the call. What it brings for the slots waits in b.
func (t *transport) receive(b *batch, p []byte, at int64) {
	t.inMu.Lock()
	defer t.inMu.Unlock()
	m := t.s.f.m
	switch {
	case t.closed:
	case len(p) < 12 || len(p) > packetBytes:
		m.drop(dropMalformed)
	case !t.verified || t.in == nil:
		if len(t.early) >= earlyPackets {
			m.drop(dropMalformed)
			return
		}
		t.early = append(t.early, append([]byte(nil), p...))
	case isRTCP(p):
		t.receiveRTCP(b, p, at)
	default:
		if !t.receiveRTP(b, p, at) {
			m.drop(dropMalformed)
		}
	}
}

func (t *transport) receiveRTCP(b *batch, p []byte, at int64) {
	raw, err := t.in.DecryptRTCP(b.space(), p, nil)
	if err != nil {
		t.s.f.m.drop(dropMalformed)
		return
	}
	for len(raw) >= 4 {
		n := 4 * (int(binary.BigEndian.Uint16(raw[2:])) + 1)
		if len(raw) < n {
			t.s.f.m.drop(dropMalformed)
			return
		}
		p := raw[:n]
		raw = raw[n:]
		switch kind := p[1]; {
		case kind == rtcpReport, kind == rtcpSources, kind == rtcpGoodbye: // nothing follows from them
		case kind == rtcpFeedback && p[0]&0x1f == wideFormat:
			if f, ok := readWide(p); ok && t.heard(&f, at) {
				t.s.room.look(t.s, at)
			}
		default:
			if packets, err := rtcp.Unmarshal(p); err == nil {
				t.s.feedback(b, packets)
			}
		}
	}
}

// receiveRTP decrypts a packet into its layer's ring.
func (t *transport) receiveRTP(b *batch, p []byte, at int64) bool {
	ssrc := binary.BigEndian.Uint32(p[8:])
	st := t.streams[ssrc]
	to := b.space()
	if st != nil && !st.rtx {
		to = st.layer.ring.in[:0]
	}
	raw, err := t.in.DecryptRTP(to, p, &t.inHeader)
	if err != nil {
		return false
	}
	if id := t.routes.ids.Wide; id != 0 {
		if v := extensionOf(raw, id); len(v) == 2 {
			t.arrived(b, ssrc, binary.BigEndian.Uint16(v), at)
		}
	}
	if st == nil {
		if st = t.route(ssrc, raw); st == nil {
			return false
		}
	}
	if pt := raw[1] & 0x7f; !st.rtx && st.layer.up.video && st.layer.codec != nil {
		if f, rtx := st.layer.up.agreed.Format(pt); f == nil || rtx {
			return false
		} else if f.Codec != st.layer.codec && !t.recode(st, f.Codec) {
			return false
		}
	}
	l := st.layer
	if st.rtx {
		n, ok := l.restore(raw)
		if !ok {
			return true // nothing new
		}
		return l.put(b, n, at)
	}
	if l.ring.past(binary.BigEndian.Uint16(raw[2:])) { // its retransmission was faster
		t.s.f.m.drop(dropLate)
		return true
	}
	if &raw[0] != &l.ring.in[0] {
		copy(l.ring.in[:packetBytes], raw)
	}
	return l.put(b, len(raw), at)
}

// recode gives a stream whose client sends another codec from now on a layer of its own, as its numbers of pictures are others.
// False: it did that too lately. t.inMu is held.
func (t *transport) recode(st *stream, codec *offer.Codec) bool {
	old := st.layer
	now := t.s.f.now()
	if now-old.began < int64(abandoned) {
		return false
	}
	old.close()
	l := old.up.begin(old.ssrc, old.rid, codec)
	if l == nil {
		return false
	}
	for _, x := range t.streams { // its retransmissions too
		if x.layer == old {
			x.layer = l
		}
	}
	return true
}

// begin starts a packet in b and gives the place for its payload; end or cancel must follow. ok is false where the client
// cannot be reached.
func (t *transport) begin(b *batch, h *header) (payload []byte, ok bool) {
	t.outMu.Lock()
	if t.out == nil || t.to.Load() == nil {
		t.outMu.Unlock()
		return nil, false
	}
	p := b.reserve()
	n := h.write(p, t.twccOut)
	if h.twccID != 0 {
		t.twccOut++
	}
	return p[n : len(p)-srtpTail], true
}

// end encrypts what begin started, with size bytes of payload, and leaves it in the batch.
func (t *transport) end(b *batch, h *header, size int) error {
	defer t.outMu.Unlock()
	p := b.reserve()
	n := h.size() + size
	sealed, err := t.out.EncryptRTP(p[:0], p[:n], &t.outHeader)
	if err != nil {
		return err
	}
	b.add(t, t.to.Load(), len(sealed))
	if h.twccID != 0 {
		b.number(t, t.twccOut-1)
		t.down.sent(t.twccOut-1, len(sealed)+ipBytes, b.at)
	}
	return nil
}

const srtpTail = 16 // longest authentication tag

// writeRTCP sends RTCP at once, or with b where there is one. A transport that is down loses it, as the network might.
func (t *transport) writeRTCP(b *batch, packets ...rtcp.Packet) {
	raw, err := rtcp.Marshal(packets)
	if err != nil || len(raw) > packetBytes-srtcpTail {
		return
	}
	own := b == nil
	if own {
		b = t.sock.batch()
		defer t.sock.done(b)
	}
	b.room()
	t.outMu.Lock()
	defer t.outMu.Unlock()
	to := t.to.Load()
	if t.out == nil || to == nil {
		return
	}
	sealed, err := t.out.EncryptRTCP(b.reserve()[:0], raw, nil)
	if err != nil {
		return
	}
	b.add(t, to, len(sealed))
}

const srtcpTail = 20 // index and the longest authentication tag
