package sfu

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

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
	user         uuid.UUID
	mic, camera  bool
	audio, video int
	setting      func(*webrtc.SettingEngine)
	config       webrtc.Configuration
	noMedia      bool   // uplinks are offered but nothing is sent
	h264         bool   // the camera sends that in place of VP8
	only         string // of video, nothing else is offered
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
	if o.only != "" {
		for _, c := range []webrtc.RTPCodecParameters{
			{PayloadType: 111, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}},
			{PayloadType: 96, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: o.only, ClockRate: 90000}},
		} {
			kind := webrtc.RTPCodecTypeVideo
			if c.MimeType == webrtc.MimeTypeOpus {
				kind = webrtc.RTPCodecTypeAudio
			}
			if err := m.RegisterCodec(c, kind); err != nil {
				b.t.Fatal(err)
			}
		}
	} else if err := m.RegisterDefaultCodecs(); err != nil {
		b.t.Fatal(err)
	}
	if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: dependencyURI}, webrtc.RTPCodecTypeVideo); err != nil {
		b.t.Fatal(err)
	}
	reg := &interceptor.Registry{}
	// Without transport-wide feedback: to a receiver that the race detector slows down a full processor looks like a full
	// link, and the SFU would rightly send it less.
	for _, err := range []error{
		webrtc.ConfigureNack(m, reg), webrtc.ConfigureRTCPReports(reg), webrtc.ConfigureSimulcastExtensionHeaders(m),
	} {
		if err != nil {
			b.t.Fatal(err)
		}
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
		mime := webrtc.MimeTypeVP8
		if o.h264 {
			mime = webrtc.MimeTypeH264
		}
		p.camera = p.uplink(mime, o)
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
	sends *webrtc.RTPSender
	video bool

	mu      sync.Mutex
	track   *webrtc.TrackLocalStaticRTP
	h264    bool
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
	if mime != webrtc.MimeTypeOpus {
		kind, clock = "video", 90000
	}
	track := p.track(mime, kind, clock)
	tr, err := p.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		p.t.Fatal(err)
	}
	id := binary.BigEndian.Uint32(p.user[:4])
	s := &source{p: p, track: track, sends: tr.Sender(), video: kind == "video", h264: mime == webrtc.MimeTypeH264, sent: map[string]bool{}, key: true,
		seq: uint16(id), ts: id, pic: uint16(id) & 0x7fff, tl0: uint8(id), paused: o.noMedia}
	p.wg.Add(2)
	go s.readRTCP(tr.Sender())
	go s.run()
	return s
}

func (p *peer) track(mime, kind string, clock uint32) *webrtc.TrackLocalStaticRTP {
	p.t.Helper()
	fmtp := ""
	if mime == webrtc.MimeTypeH264 {
		fmtp = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
	}
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime, ClockRate: clock, SDPFmtpLine: fmtp}, kind, p.user.String())
	if err != nil {
		p.t.Fatal(err)
	}
	return track
}

// become lets a camera go on in H264, on the same SSRC and numbering.
func (s *source) become(mime string) {
	track := s.p.track(mime, "video", 90000)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.sends.ReplaceTrack(track); err != nil {
		s.p.t.Fatal(err)
	}
	s.track, s.h264, s.key = track, mime == webrtc.MimeTypeH264, true
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

// wasSent looks at what follows a picture's descriptor: a slot renumbers its pictures when it was paused or switched.
func (s *source) wasSent(payload []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent[content(&rtp.Packet{Payload: payload}, s.video)]
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
	if s.h264 {
		unit := []byte{0x41, 0x9a}
		if s.key {
			s.key = false
			unit = []byte{0x78, 0, 4, 0x67, 0x42, 0xc0, 0x15, 0, 4, 0x68, 0xce, 0x3c, 0x80, 0, 42 + 5, 0x65}
		}
		unit = append(unit, fmt.Sprintf("h264 %s ", s.p.user)...)
		s.packet(binary.BigEndian.AppendUint32(unit, s.next()), true)
		return
	}
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
	s.sent[content(&rtp.Packet{Payload: payload}, s.video)] = true
	_ = s.track.WriteRTP(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: s.seq, Timestamp: s.ts, Marker: marker}, Payload: payload})
}

// content is a payload without the descriptor, which a slot may renumber.
func content(p *rtp.Packet, video bool) string {
	if !video {
		return string(p.Payload)
	}
	d, ok := parseVP8(p.Payload)
	if h, isH264 := parseH264(p.Payload); isH264 && bytes.Contains(p.Payload, []byte("h264 ")) {
		d, ok = h, true
	}
	if !ok {
		return "malformed"
	}
	return string(p.Payload[d.size:])
}

// counterOf reads the number that a source wrote at the end.
func counterOf(p *rtp.Packet) uint32 { return binary.BigEndian.Uint32(p.Payload[len(p.Payload)-4:]) }

// continuous checks that sequence numbers have no gap and timestamps never go back. A packet that comes again is a probe's.
func continuous(t testing.TB, got []*rtp.Packet) {
	t.Helper()
	seen := map[uint16]bool{}
	var last *rtp.Packet
	for i, p := range got {
		if seen[p.SequenceNumber] {
			continue
		}
		seen[p.SequenceNumber] = true
		if last != nil && p.SequenceNumber != last.SequenceNumber+1 {
			t.Fatalf("packet %d: sequence number %d after %d", i, p.SequenceNumber, last.SequenceNumber)
		}
		if last != nil && int32(p.Timestamp-last.Timestamp) < 0 {
			t.Fatalf("packet %d: timestamp %d after %d", i, p.Timestamp, last.Timestamp)
		}
		last = p
	}
}
