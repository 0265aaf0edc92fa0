package sfu

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/sdp/v3"
	"github.com/pion/transport/v4/stdnet"
	"github.com/pion/webrtc/v4"
)

const (
	// Pion sees the client's checks only, not its media; browsers check every 2.5 to 6 s (RFC 7675, section 5.1).
	iceDisconnected = 8 * time.Second
	iceFailed       = 7 * time.Second  // after that: the client is given the grace to restart ICE
	iceKeepalive    = 4 * time.Second  // a lite agent keeps nothing alive: so often it looks whether the client has been heard
	tcpFirstCheck   = 10 * time.Second // a TCP connection that brings no valid check by then is closed
)

// engine makes the PeerConnections: one UDP and one TCP mux, one certificate, one setting for all of them.
type engine struct {
	sock    *mediaSocket
	udp     *ice.UDPMuxDefault
	tcp     ice.TCPMux // nil: no ICE-TCP
	setting webrtc.SettingEngine
	media   *webrtc.MediaEngine
	config  webrtc.Configuration
	public  netip.Addr

	// What interfaces there are, for all sessions of a moment: a list takes a netlink request and 14 KB. Guarded by netMu.
	netMu  sync.Mutex
	net    *stdnet.Net
	netOld time.Time
}

func newEngine(o *Options, sock *mediaSocket, log *slog.Logger) (*engine, error) {
	lf := pionLog{log}
	e := &engine{sock: sock, public: o.PublicIP}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("sfu: a key for DTLS: %w", err)
	}
	cert, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return nil, fmt.Errorf("sfu: a certificate for DTLS: %w", err)
	}
	e.config = webrtc.Configuration{Certificates: []webrtc.Certificate{*cert}, BundlePolicy: webrtc.BundlePolicyMaxBundle}

	s := webrtc.SettingEngine{LoggerFactory: lf}
	// Lite: the SFU answers checks and never sends any, so no packet goes to an address that did not prove itself by a
	// check with the session's password (RFC 8445, section 2.5). Clients' candidates are not even read.
	s.SetLite(true)
	s.SetICETimeouts(iceDisconnected, iceFailed, iceKeepalive)
	s.SetIncludeLoopbackCandidate(true)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6})
	// The DTLS server chooses the SRTP profile, and AES-GCM costs a third of AES-CM with HMAC-SHA1 where there is AES-NI.
	if err := s.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
		return nil, fmt.Errorf("sfu: DTLS role: %w", err)
	}
	s.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	s.SetDTLSInsecureSkipHelloVerify(true) // ICE has verified the address already: a round trip less
	if e.public.IsValid() {
		rule := webrtc.ICEAddressRewriteRule{External: []string{e.public.String()}, AsCandidateType: webrtc.ICECandidateTypeHost, Mode: webrtc.ICEAddressRewriteReplace}
		if err := s.SetICEAddressRewriteRules(rule); err != nil {
			return nil, fmt.Errorf("sfu: public address %s: %w", e.public, err)
		}
	}

	if e.media, err = codecs(); err != nil {
		return nil, err
	}
	e.udp = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: sock, Logger: lf.NewLogger("udpmux")})
	s.SetICEUDPMux(e.udp)
	if o.TCP != nil {
		e.tcp = newTCPMux(o.TCP, lf, e.public.IsValid())
		// Pion makes a candidate, with goroutines and buffers, for every address of the machine, whatever the listener hears.
		if udp, tcp := boundTo(sock.LocalAddr()), boundTo(o.TCP.Addr()); udp.IsValid() && tcp.IsValid() {
			s.SetIPFilter(func(ip net.IP) bool {
				a, ok := netip.AddrFromSlice(ip)
				return ok && (a.Unmap() == udp || a.Unmap() == tcp)
			})
		}
	}
	e.setting = s
	return e, nil
}

// newPeerConnection makes a PeerConnection whose ICE and DTLS are Pion's and whose media t carries. The hooks are each
// session's own, so the API that holds them is too. There are no interceptors: no media passes them.
func (e *engine) newPeerConnection(t *transport) (*webrtc.PeerConnection, error) {
	s := e.setting
	keys := &handshakeKeys{ready: t.keys, failed: func(err error) { t.s.log.Error("no SRTP keys", "error", err) }}
	s.SetDTLSServerHelloMessageHook(keys.hello)
	s.SetDTLSKeyLogWriter(keys)
	s.SetICEBindingRequestHandler(t.check)
	if e.tcp != nil {
		s.SetICETCPMux(tapMux{e.tcp, t})
	}
	n, err := e.interfaces()
	if err != nil {
		return nil, err
	}
	s.SetNet(n)
	return webrtc.NewAPI(webrtc.WithMediaEngine(e.media), webrtc.WithInterceptorRegistry(&interceptor.Registry{}), webrtc.WithSettingEngine(s)).NewPeerConnection(e.config)
}

const interfacesFor = 10 * time.Second

func (e *engine) interfaces() (*stdnet.Net, error) {
	e.netMu.Lock()
	defer e.netMu.Unlock()
	if e.net == nil || time.Since(e.netOld) > interfacesFor {
		n, err := stdnet.NewNet()
		if err != nil {
			return nil, fmt.Errorf("sfu: interfaces: %w", err)
		}
		e.net, e.netOld = n, time.Now()
	}
	return e.net, nil
}

// boundTo is the one address that a socket hears; zero: all of the machine's.
func boundTo(a net.Addr) (ip netip.Addr) {
	switch a := a.(type) {
	case *net.UDPAddr:
		ip = a.AddrPort().Addr().Unmap()
	case *net.TCPAddr:
		ip = a.AddrPort().Addr().Unmap()
	}
	if ip.IsUnspecified() {
		return netip.Addr{}
	}
	return ip
}

// codecs are what every member can decode, until codecs are chosen per receiver: VP8 and Opus.
func codecs() (*webrtc.MediaEngine, error) {
	m := &webrtc.MediaEngine{}
	tcc := webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBTransportCC}
	video := []webrtc.RTCPFeedback{{Type: "ccm", Parameter: "fir"}, {Type: "nack"}, {Type: "nack", Parameter: "pli"}, tcc}
	for _, c := range []struct {
		webrtc.RTPCodecParameters
		kind webrtc.RTPCodecType
	}{
		{webrtc.RTPCodecParameters{PayloadType: 111, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: audioRate, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1", RTCPFeedback: []webrtc.RTCPFeedback{tcc}}}, webrtc.RTPCodecTypeAudio},
		{webrtc.RTPCodecParameters{PayloadType: 96, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeVP8, ClockRate: videoRate, RTCPFeedback: video}}, webrtc.RTPCodecTypeVideo},
		{webrtc.RTPCodecParameters{PayloadType: 97, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeRTX, ClockRate: videoRate, SDPFmtpLine: "apt=96"}}, webrtc.RTPCodecTypeVideo},
	} {
		if err := m.RegisterCodec(c.RTPCodecParameters, c.kind); err != nil {
			return nil, fmt.Errorf("sfu: codec %s: %w", c.MimeType, err)
		}
	}
	up := webrtc.RTPTransceiverDirectionRecvonly
	for _, x := range []struct {
		uri   string
		audio bool
		video bool
		only  []webrtc.RTPTransceiverDirection
	}{
		{sdp.SDESMidURI, true, true, nil},
		{sdp.SDESRTPStreamIDURI, false, true, []webrtc.RTPTransceiverDirection{up}},
		{sdp.SDESRepairRTPStreamIDURI, false, true, []webrtc.RTPTransceiverDirection{up}},
		{sdp.AudioLevelURI, true, false, nil},
		{sdp.TransportCCURI, true, true, nil},
	} {
		for kind, on := range map[webrtc.RTPCodecType]bool{webrtc.RTPCodecTypeAudio: x.audio, webrtc.RTPCodecTypeVideo: x.video} {
			if !on {
				continue
			}
			if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: x.uri}, kind, x.only...); err != nil {
				return nil, fmt.Errorf("sfu: header extension %s: %w", x.uri, err)
			}
		}
	}
	return m, nil
}

// addrs are the advertised UDP addresses.
func (e *engine) addrs() []netip.AddrPort {
	port := e.sock.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	if e.public.IsValid() {
		return []netip.AddrPort{netip.AddrPortFrom(e.public, port)}
	}
	var all []netip.AddrPort
	for _, a := range e.udp.GetListenAddresses() {
		if u, ok := a.(*net.UDPAddr); ok {
			ap := u.AddrPort()
			all = append(all, netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()))
		}
	}
	return all
}

func (e *engine) close() {
	_ = e.udp.Close()
	_ = e.sock.Close()
	if e.tcp != nil {
		_ = e.tcp.Close()
	}
}
