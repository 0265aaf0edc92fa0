package sfu

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"

	"atrium/signaling/protocol"
	"atrium/topology"
)

const patience = 10 * time.Second // for what happens at once unless it is broken

// desk is a controller that admits the tokens it gave out.
type desk struct {
	mu     sync.Mutex
	tokens map[string]topology.Session
	events map[string]int // "up <user>", "flowing <user>", "down <user>"
	log    []string
	change chan struct{}
}

func newDesk() *desk {
	return &desk{tokens: map[string]topology.Session{}, events: map[string]int{}, change: make(chan struct{})}
}

func (d *desk) token(zone, user uuid.UUID) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	id := uuid.NewString()
	d.tokens[id] = topology.Session{User: user, Zone: zone, Epoch: 1, ID: id}
	return id
}

func (d *desk) AdmitSession(token string) (topology.Session, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if token == "refused" {
		return topology.Session{}, topology.ErrRefused
	}
	s, ok := d.tokens[token]
	if !ok {
		return s, topology.ErrToken
	}
	return s, nil
}

func (d *desk) note(what string, s topology.Session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := what + " " + s.User.String()
	d.events[key]++
	d.log = append(d.log, key)
	close(d.change)
	d.change = make(chan struct{})
}

func (d *desk) SessionUp(s topology.Session)      { d.note("up", s) }
func (d *desk) SessionFlowing(s topology.Session) { d.note("flowing", s) }
func (d *desk) SessionDown(s topology.Session)    { d.note("down", s) }

func (d *desk) count(what string, user uuid.UUID) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.events[what+" "+user.String()]
}

func (d *desk) wait(t testing.TB, what string, user uuid.UUID, n int) {
	t.Helper()
	late := time.After(patience)
	for {
		d.mu.Lock()
		got, change := d.events[what+" "+user.String()], d.change
		d.mu.Unlock()
		if got >= n {
			return
		}
		select {
		case <-change:
		case <-late:
			t.Fatalf("%s of %s: %d times, want %d", what, user, got, n)
		}
	}
}

type bed struct {
	*SFU
	t    testing.TB
	desk *desk
	http *httptest.Server
	zone uuid.UUID
	tcp  net.Listener
}

// newBed starts an SFU on loopback and checks at the end that nothing is left of it.
func newBed(t testing.TB, change ...func(*Options)) *bed {
	t.Helper()
	ignore := goleak.IgnoreCurrent()
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{t: t, desk: newDesk(), zone: uuid.New(), tcp: tcp}
	o := Options{UDP: udp, TCP: tcp, Controller: b.desk}
	for _, c := range change {
		c(&o)
	}
	if b.SFU, err = New(o); err != nil {
		t.Fatal(err)
	}
	b.http = httptest.NewServer(b.Link())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := b.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		b.http.Close()
		if n := b.Sessions(); n != 0 {
			t.Errorf("%d sessions left", n)
		}
		if n := b.m.rooms.Load(); n != 0 {
			t.Errorf("%d rooms left", n)
		}
		goleak.VerifyNone(t, ignore)
	})
	return b
}

// link is a client's end of /sfu.
type link struct {
	t      testing.TB
	ws     *websocket.Conn
	frames chan protocol.Envelope // all but SLOTS
	closed chan struct{}
	err    error // after closed

	mu     sync.Mutex
	slots  []protocol.Slot
	lists  int
	change chan struct{}
	wmu    sync.Mutex
}

func (b *bed) dial() *link {
	b.t.Helper()
	ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(b.http.URL, "http")+"/sfu", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	l := &link{t: b.t, ws: ws, frames: make(chan protocol.Envelope, 64), closed: make(chan struct{}), change: make(chan struct{})}
	go func() {
		defer close(l.closed)
		for {
			_, p, err := ws.ReadMessage()
			if err != nil {
				l.err = err
				return
			}
			env, err := protocol.Decode(p)
			if err != nil {
				l.err = err
				return
			}
			if env.Type != protocol.TypeSlots {
				l.frames <- env
				continue
			}
			var s protocol.Slots
			_ = env.Into(&s)
			l.mu.Lock()
			l.slots, l.lists = s.Slots, l.lists+1
			close(l.change)
			l.change = make(chan struct{})
			l.mu.Unlock()
		}
	}()
	b.t.Cleanup(func() { ws.Close(); <-l.closed })
	return l
}

func (l *link) send(typ string, payload any) {
	l.t.Helper()
	l.raw(string(protocol.MustEncode(typ, payload)))
}

func (l *link) raw(frame string) {
	l.t.Helper()
	l.wmu.Lock()
	defer l.wmu.Unlock()
	if err := l.ws.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
		l.t.Fatal(err)
	}
}

func (l *link) next(typ string) protocol.Envelope {
	l.t.Helper()
	select {
	case env := <-l.frames:
		if env.Type != typ {
			l.t.Fatalf("got %s %s, want %s", env.Type, env.Payload, typ)
		}
		return env
	case <-l.closed:
		select {
		case env := <-l.frames:
			if env.Type == typ {
				return env
			}
		default:
		}
		l.t.Fatalf("closed (%v), want %s", l.err, typ)
	case <-time.After(patience):
		l.t.Fatalf("no %s", typ)
	}
	return protocol.Envelope{}
}

func (l *link) wantError(code protocol.Code) protocol.Error {
	l.t.Helper()
	var e protocol.Error
	if err := l.next(protocol.TypeError).Into(&e); err != nil {
		l.t.Fatal(err)
	}
	if e.Code != code {
		l.t.Fatalf("%+v, want %s", e, code)
	}
	return e
}

func (l *link) wantClose(code int) {
	l.t.Helper()
	select {
	case <-l.closed:
	case <-time.After(patience):
		l.t.Fatalf("not closed, want %d", code)
	}
	var e *websocket.CloseError
	if !errors.As(l.err, &e) || e.Code != code {
		l.t.Fatalf("closed with %v, want %d", l.err, code)
	}
}

func (l *link) waitSlots(what string, ok func([]protocol.Slot) bool) []protocol.Slot {
	l.t.Helper()
	late := time.After(patience)
	for {
		l.mu.Lock()
		slots, change := l.slots, l.change
		l.mu.Unlock()
		if ok(slots) {
			return slots
		}
		select {
		case <-change:
		case <-late:
			l.t.Fatalf("SLOTS never: %s; last %s", what, show(slots))
		}
	}
}

func show(slots []protocol.Slot) string { b, _ := json.Marshal(slots); return string(b) }

func holds(user uuid.UUID, source protocol.Source, active bool) func([]protocol.Slot) bool {
	return func(slots []protocol.Slot) bool { return find(slots, user, source, active) != "" }
}

func find(slots []protocol.Slot, user uuid.UUID, source protocol.Source, active bool) string {
	for _, s := range slots {
		if s.UserID != nil && *s.UserID == user && *s.Source == source && s.Active == active {
			return s.Mid
		}
	}
	return ""
}

func (l *link) connect(token, session string) protocol.SFULinkConnected {
	l.t.Helper()
	l.send(protocol.TypeConnect, protocol.Connect{Token: token, Session: session})
	var c protocol.SFULinkConnected
	if err := l.next(protocol.TypeConnected).Into(&c); err != nil {
		l.t.Fatal(err)
	}
	return c
}

func (l *link) offer(sdp string) string {
	l.t.Helper()
	l.send(protocol.TypeSDPOffer, protocol.Description{To: "sfu", SDP: base64.StdEncoding.EncodeToString([]byte(sdp))})
	var d protocol.Description
	if err := l.next(protocol.TypeSDPAnswer).Into(&d); err != nil {
		l.t.Fatal(err)
	}
	if d.From != "sfu" {
		l.t.Fatalf("answer from %q", d.From)
	}
	raw, err := base64.StdEncoding.DecodeString(d.SDP)
	if err != nil {
		l.t.Fatal(err)
	}
	if env := l.next(protocol.TypeICECandidate); !strings.Contains(string(env.Payload), `"candidate":null`) {
		l.t.Fatalf("no end of candidates: %s", env.Payload)
	}
	return string(raw)
}

// peer is a member: link and PeerConnection.
type peer struct {
	*link
	b       *bed
	user    uuid.UUID
	session string
	pc      *webrtc.PeerConnection
	mic     *source
	camera  *source
	stop    chan struct{}
	wg      sync.WaitGroup

	pmu   sync.Mutex
	got   map[string][]*rtp.Packet // by mid
	more  chan struct{}
	rtcps map[string][]rtcp.Packet
}

type peerOptions struct {
	user             uuid.UUID
	mic, camera      bool
	audio, video     int
	setting          func(*webrtc.SettingEngine)
	config           webrtc.Configuration
	noMedia          bool // uplinks are offered but nothing is sent
	dropLocalAddress bool
}

// join connects a member and waits for its transport.
func (b *bed) join(o peerOptions) *peer {
	b.t.Helper()
	p := b.prepare(o)
	p.negotiate()
	b.desk.wait(b.t, "up", p.user, 1)
	return p
}

func (b *bed) prepare(o peerOptions) *peer {
	b.t.Helper()
	if o.user == uuid.Nil {
		o.user = uuid.New()
	}
	p := &peer{b: b, user: o.user, stop: make(chan struct{}), got: map[string][]*rtp.Packet{}, rtcps: map[string][]rtcp.Packet{}, more: make(chan struct{})}
	p.link = b.dial()
	p.session = p.connect(b.desk.token(b.zone, o.user), "").Session
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	s.SetICEMulticastDNSMode(1)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	s.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	s.LoggerFactory = pionLog{b.log}
	if o.setting != nil {
		o.setting(&s)
	}
	m := &webrtc.MediaEngine{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		b.t.Fatal(err)
	}
	reg := &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptors(m, reg); err != nil {
		b.t.Fatal(err)
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(s), webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(reg)).NewPeerConnection(o.config)
	if err != nil {
		b.t.Fatal(err)
	}
	p.pc = pc
	b.t.Cleanup(p.leave)
	pc.OnTrack(func(track *webrtc.TrackRemote, r *webrtc.RTPReceiver) { p.receive(track, r) })
	if o.mic {
		p.mic = p.uplink(webrtc.MimeTypeOpus, o)
	}
	if o.camera {
		p.camera = p.uplink(webrtc.MimeTypeVP8, o)
	}
	for range o.audio {
		p.slot(webrtc.RTPCodecTypeAudio)
	}
	for range o.video {
		p.slot(webrtc.RTPCodecTypeVideo)
	}
	return p
}

func (p *peer) slot(kind webrtc.RTPCodecType) {
	if _, err := p.pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) negotiate() {
	p.t.Helper()
	p.negotiateWith(nil)
}

func (p *peer) negotiateWith(o *webrtc.OfferOptions) {
	p.t.Helper()
	offer, err := p.pc.CreateOffer(o)
	if err != nil {
		p.t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(offer); err != nil {
		p.t.Fatal(err)
	}
	<-gathered
	answer := p.offer(p.pc.LocalDescription().SDP)
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) receive(track *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
	mid := r.RTPTransceiver().Mid()
	p.wg.Add(2)
	go func() {
		defer p.wg.Done()
		for {
			pk, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			p.pmu.Lock()
			p.got[mid] = append(p.got[mid], pk)
			close(p.more)
			p.more = make(chan struct{})
			p.pmu.Unlock()
		}
	}()
	go func() {
		defer p.wg.Done()
		for {
			pkts, _, err := r.ReadRTCP()
			if err != nil {
				return
			}
			p.pmu.Lock()
			p.rtcps[mid] = append(p.rtcps[mid], pkts...)
			close(p.more)
			p.more = make(chan struct{})
			p.pmu.Unlock()
		}
	}()
}

// waitFor looks at what came in a slot until ok.
func (p *peer) waitFor(what, mid string, ok func([]*rtp.Packet) bool) []*rtp.Packet {
	p.t.Helper()
	late := time.After(patience)
	for {
		p.pmu.Lock()
		got, more := append([]*rtp.Packet(nil), p.got[mid]...), p.more
		p.pmu.Unlock()
		if ok(got) {
			return got
		}
		select {
		case <-more:
		case <-late:
			p.t.Fatalf("slot %q never: %s (%d packets)", mid, what, len(got))
		}
	}
}

func (p *peer) leave() {
	select {
	case <-p.stop:
		return
	default:
	}
	close(p.stop)
	_ = p.pc.GracefulClose()
	p.wg.Wait()
}

// source sends numbered packets every few milliseconds and a key frame when it is asked.
type source struct {
	p     *peer
	track *webrtc.TrackLocalStaticRTP
	video bool

	mu      sync.Mutex
	sent    map[string]bool // payloads
	paused  bool
	plis    int
	key     bool
	seq     uint16
	ts      uint32
	pic     uint16
	tl0     uint8
	counter uint32
}

func (p *peer) uplink(mime string, o peerOptions) *source {
	p.t.Helper()
	kind, clock := "audio", uint32(48000)
	if mime == webrtc.MimeTypeVP8 {
		kind, clock = "video", 90000
	}
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime, ClockRate: clock}, kind, p.user.String())
	if err != nil {
		p.t.Fatal(err)
	}
	tr, err := p.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		p.t.Fatal(err)
	}
	id := binary.BigEndian.Uint32(p.user[:4])
	s := &source{p: p, track: track, video: kind == "video", sent: map[string]bool{}, key: true,
		seq: uint16(id), ts: id, pic: uint16(id) & 0x7fff, tl0: uint8(id), paused: o.noMedia}
	p.wg.Add(2)
	go s.readRTCP(tr.Sender())
	go s.run()
	return s
}

func (s *source) readRTCP(sender *webrtc.RTPSender) {
	defer s.p.wg.Done()
	for {
		pkts, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, pk := range pkts {
			if _, ok := pk.(*rtcp.PictureLossIndication); ok {
				s.mu.Lock()
				s.plis++
				s.key = true
				s.mu.Unlock()
			}
		}
	}
}

func (s *source) run() {
	defer s.p.wg.Done()
	every := 5 * time.Millisecond
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-s.p.stop:
			return
		case <-t.C:
			s.frame()
		}
	}
}

func (s *source) pause(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = on
}

func (s *source) keyRequests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plis
}

func (s *source) wasSent(payload []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent[string(payload)]
}

// frame sends one packet of audio or a frame of two packets of video.
func (s *source) frame() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paused {
		return
	}
	if !s.video {
		s.ts += 240
		s.packet(append([]byte(fmt.Sprintf("opus %s ", s.p.user)), binary.BigEndian.AppendUint32(nil, s.next())...), s.counter == 1)
		return
	}
	s.ts += 450
	s.pic = (s.pic + 1) & 0x7fff
	s.tl0++
	first := []byte{0x90, 0xc0, 0x80 | byte(s.pic>>8), byte(s.pic), s.tl0}
	if s.key {
		s.key = false
		first = append(first, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 48, 0)
	} else {
		first = append(first, 0x11, 0, 0)
	}
	first = append(first, fmt.Sprintf("vp8 %s ", s.p.user)...)
	s.packet(binary.BigEndian.AppendUint32(first, s.next()), false)
	rest := append([]byte{0x80, 0xc0, 0x80 | byte(s.pic>>8), byte(s.pic), s.tl0}, fmt.Sprintf("rest %s ", s.p.user)...)
	s.packet(binary.BigEndian.AppendUint32(rest, s.next()), true)
}

func (s *source) next() uint32 { s.counter++; return s.counter }

func (s *source) packet(payload []byte, marker bool) {
	s.seq++
	s.sent[string(payload)] = true
	_ = s.track.WriteRTP(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: s.seq, Timestamp: s.ts, Marker: marker}, Payload: payload})
}

// content is a payload without the descriptor, which a slot may renumber.
func content(p *rtp.Packet, video bool) string {
	if !video {
		return string(p.Payload)
	}
	d, ok := parseVP8(p.Payload)
	if !ok {
		return "malformed"
	}
	return string(p.Payload[d.size:])
}

// counterOf reads the number that a source wrote at the end.
func counterOf(p *rtp.Packet) uint32 { return binary.BigEndian.Uint32(p.Payload[len(p.Payload)-4:]) }

// continuous checks that sequence numbers have no gap and timestamps never go back.
func continuous(t testing.TB, got []*rtp.Packet) {
	t.Helper()
	for i := 1; i < len(got); i++ {
		if got[i].SequenceNumber != got[i-1].SequenceNumber+1 {
			t.Fatalf("packet %d: sequence number %d after %d", i, got[i].SequenceNumber, got[i-1].SequenceNumber)
		}
		if int32(got[i].Timestamp-got[i-1].Timestamp) < 0 {
			t.Fatalf("packet %d: timestamp %d after %d", i, got[i].Timestamp, got[i-1].Timestamp)
		}
	}
}
