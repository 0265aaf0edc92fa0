package peer

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

var (
	opusCodec = webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
	}
	vp8Codec = webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeVP8, ClockRate: 90000,
		RTCPFeedback: []webrtc.RTCPFeedback{{Type: "ccm", Parameter: "fir"}, {Type: "nack"}, {Type: "nack", Parameter: "pli"}},
	}
	rtxCodec = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: "apt=96"}
)

// newAPI gives Pion with the two codecs that every member decodes, so that an offer with many slots stays small.
func newAPI(o *Options) (*webrtc.API, error) {
	media := &webrtc.MediaEngine{}
	for _, c := range []struct {
		cap  webrtc.RTPCodecCapability
		pt   webrtc.PayloadType
		kind webrtc.RTPCodecType
	}{
		{opusCodec, 111, webrtc.RTPCodecTypeAudio},
		{vp8Codec, 96, webrtc.RTPCodecTypeVideo},
		{rtxCodec, 97, webrtc.RTPCodecTypeVideo},
	} {
		if err := media.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: c.cap, PayloadType: c.pt}, c.kind); err != nil {
			return nil, fmt.Errorf("peer: register %s: %w", c.cap.MimeType, err)
		}
	}
	registry := &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptorsWithOptions(media, registry, webrtc.WithTWCCOptions(twcc.SendInterval(o.FeedbackEvery))); err != nil {
		return nil, fmt.Errorf("peer: interceptors: %w", err)
	}
	se := webrtc.SettingEngine{LoggerFactory: pionLog{o.Logger}}
	se.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6})
	// A synthetic peer knows its network: nothing better comes by waiting.
	se.SetHostAcceptanceMinWait(0)
	se.SetPrflxAcceptanceMinWait(0)
	se.SetSrflxAcceptanceMinWait(0)
	se.SetRelayAcceptanceMinWait(0)
	// RFC 6347 begins at one second, browsers (BoringSSL in WebRTC) at 50 ms; a handshake on a lossy path should not cost a second per flight.
	se.SetDTLSRetransmissionInterval(100 * time.Millisecond)
	if o.Loopback {
		se.SetIncludeLoopbackCandidate(true)
		se.SetIPFilter(func(ip net.IP) bool { return ip.IsLoopback() && ip.To4() != nil })
	}
	if o.Net != nil {
		se.SetNet(o.Net)
		// Pion dials ICE-TCP past its Net; whoever brings a Net wants everything on it.
		se.DisableActiveTCP(true)
	}
	if o.Setting != nil {
		o.Setting(&se)
	}
	return webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(se)), nil
}

// configuration is that of a PeerConnection, with the relay where it is wanted.
func (p *Peer) configuration(relay bool) webrtc.Configuration {
	c := webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle, RTCPMuxPolicy: webrtc.RTCPMuxPolicyRequire}
	if p.opts.ForceRelay {
		c.ICETransportPolicy = webrtc.ICETransportPolicyRelay
	} else if len(p.stun) > 0 && !p.opts.Loopback {
		c.ICEServers = []webrtc.ICEServer{{URLs: p.stun}}
	}
	if (relay || p.opts.ForceRelay) && p.turn != nil {
		var urls []string
		for _, u := range p.turn.URLs {
			if p.opts.RelayProtocol == "" || relayProtocol(u) == p.opts.RelayProtocol {
				urls = append(urls, u)
			}
		}
		if len(urls) > 0 {
			c.ICEServers = append(c.ICEServers, webrtc.ICEServer{
				URLs: urls, Username: p.turn.Username, Credential: p.turn.Credential,
				CredentialType: webrtc.ICECredentialTypePassword,
			})
		}
	}
	return c
}

// relayProtocol reads the transport of a TURN URL (RFC 7065, section 3.1): UDP where none is named, TCP for turns.
func relayProtocol(url string) string {
	if _, after, ok := strings.Cut(url, "transport="); ok {
		t, _, _ := strings.Cut(after, "&")
		return t
	}
	if strings.HasPrefix(url, "turns:") {
		return "tcp"
	}
	return "udp"
}

// inlet is where one incoming stream ends: a slot of the SFU, or one of the two streams of a pair.
type inlet struct {
	// Static after construction.
	kind Kind
	way  Way
	mid  string
	// told is called, from the stream's goroutine, when it has delivered after having been armed.
	told func(*inlet)

	from  atomic.Pointer[uuid.UUID]
	armed atomic.Bool
}

func newInlet(kind Kind, way Way, mid string, from uuid.UUID, told func(*inlet)) *inlet {
	in := &inlet{kind: kind, way: way, mid: mid, told: told}
	in.from.Store(&from)
	in.armed.Store(true)
	return in
}

// receive reads a stream until its connection ends. It runs in Pion's goroutine of the track.
func (p *Peer) receive(pc *webrtc.PeerConnection, track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver, in *inlet) {
	if !p.enter() {
		return
	}
	defer p.wg.Done()
	if p.enter() {
		go func() { // Interceptors see RTCP only if somebody reads it.
			defer p.wg.Done()
			buf := make([]byte, 1500)
			for {
				if _, _, err := receiver.Read(buf); err != nil {
					return
				}
			}
		}()
	}
	var (
		buf    = make([]byte, 1600)
		frames = newFrames()
		asked  time.Time
	)
	for {
		n, _, err := track.Read(buf)
		if err != nil {
			return
		}
		now := time.Now()
		var pkt rtp.Packet
		if err := pkt.Unmarshal(buf[:n]); err != nil {
			continue
		}
		if len(pkt.Payload) == 0 { // padding of a probe
			continue
		}
		if p.opts.Hooks.Packet != nil {
			p.opts.Hooks.Packet(Packet{
				From: *in.from.Load(), Kind: in.kind, Way: in.way, Mid: in.mid, SSRC: pkt.SSRC, RTP: &pkt, At: now,
			})
		}
		delivered := true
		if in.kind == Video {
			decoded, needKey := frames.push(&pkt, now)
			delivered = decoded
			// Half a second lets an answer come before it is asked for again.
			if needKey && now.Sub(asked) > 500*time.Millisecond {
				asked = now
				_ = pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(track.SSRC())}})
			}
		}
		if delivered && in.armed.CompareAndSwap(true, false) {
			in.told(in)
		}
	}
}

// watch tells of an uplink, then reads its RTCP and tells of wanted key frames.
func (p *Peer) watch(sender *webrtc.RTPSender, way Way, to uuid.UUID, kind Kind) {
	if p.opts.Hooks.Uplink != nil {
		for _, e := range sender.GetParameters().Encodings {
			p.opts.Hooks.Uplink(Uplink{Way: way, To: to, Kind: kind, SSRC: uint32(e.SSRC)})
		}
	}
	if !p.enter() {
		return
	}
	go func() {
		defer p.wg.Done()
		buf := make([]byte, 1500)
		for {
			n, _, err := sender.Read(buf)
			if err != nil {
				return
			}
			pkts, err := rtcp.Unmarshal(buf[:n])
			if err != nil {
				continue
			}
			for _, pkt := range pkts {
				switch pkt.(type) {
				case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
					if p.opts.Hooks.KeyFrame != nil {
						p.opts.Hooks.KeyFrame(kind)
					}
				}
			}
		}
	}()
}

// WriteRTP sends a packet by every way that is open. Pion sets SSRC and payload type for each; the sequence number and the
// timestamp stay as given. It may be called from one goroutine per kind.
func (p *Peer) WriteRTP(kind Kind, pkt *rtp.Packet) error {
	if (kind == Audio && p.opts.Muted) || (kind == Video && p.opts.NoCamera) {
		return fmt.Errorf("peer: this peer has no %s to send", kind)
	}
	return p.tracks[kind].WriteRTP(pkt)
}

// candidates names the two ends of the pair that a connection uses, as in "host/udp" or "relay/tcp".
func candidates(pc *webrtc.PeerConnection) (local, remote string) {
	for _, t := range pc.GetTransceivers() {
		var dtls *webrtc.DTLSTransport
		if r := t.Receiver(); r != nil {
			dtls = r.Transport()
		} else if s := t.Sender(); s != nil {
			dtls = s.Transport()
		}
		if dtls == nil {
			continue
		}
		chosen, err := dtls.ICETransport().GetSelectedCandidatePair()
		if err != nil || chosen == nil {
			return "", ""
		}
		l, r := chosen.Local, chosen.Remote
		local, remote = l.Typ.String()+"/"+l.Protocol.String(), r.Typ.String()+"/"+r.Protocol.String()
		if l.Typ == webrtc.ICECandidateTypeRelay {
			// What a relay candidate's own protocol says is between relay and peer; the way to the relay stands in the statistics.
			for _, s := range pc.GetStats() {
				if c, ok := s.(webrtc.ICECandidateStats); ok && c.Type == webrtc.StatsTypeLocalCandidate &&
					c.CandidateType == webrtc.ICECandidateTypeRelay && c.RelayProtocol != "" && c.Port == int32(l.Port) {
					local = "relay/" + c.RelayProtocol
				}
			}
		}
		return local, remote
	}
	return "", ""
}
