package forward

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	"github.com/pion/sdp/v3"
	"github.com/pion/srtp/v3"
	"github.com/pion/stun/v3"
	"golang.org/x/sys/unix"
)

// Payload types, header extension ids and SSRCs of what a member sends.
const (
	audioPT, videoPT, rtxPT        = 111, 96, 97
	midID, levelID, wideID         = 1, 2, 3
	audioSSRC, videoSSRC    uint32 = 0x0A, 0x0B
)

// certificate is everybody's: making one takes longer than a handshake.
var certificate = sync.OnceValues(func() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	return selfsign.SelfSign(key)
})

// media is a member's transport: one UDP socket, with ICE as the controlling agent (or a full one, full.go), DTLS as the
// client, and SRTP.
type media struct {
	kind      Kind
	full      bool // has a candidate, and answers the server's checks
	ufrag     string
	pwd       string
	cert      tls.Certificate
	conn      *quietConn
	dtls      *dtls.Conn
	fd        int
	remote    iceServer
	wide      byte // id of the extension in which the SFU numbers packets transport-wide; 0: it does not
	in, out   *srtp.Context
	slotSSRCs map[uint32]bool
	slotTypes [128]bool // payload types of the slots' packets, without those of retransmissions
}

// iceServer is the SFU, as its answer has it.
type iceServer struct {
	addr        *net.UDPAddr
	ufrag, pwd  string
	fingerprint string
}

func newMedia(k Kind) (*media, error) {
	cert, err := certificate()
	if err != nil {
		return nil, fmt.Errorf("forward: certificate: %w", err)
	}
	return &media{kind: k, ufrag: uuid.NewString()[:8], pwd: strings.ReplaceAll(uuid.NewString(), "-", ""), cert: cert, fd: -1}, nil
}

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return strings.ToUpper(strings.Join(strings.Split(strings.TrimSpace(fmt.Sprintf("% x", sum)), " "), ":"))
}

// offer is what a browser would offer, without what the SFU takes no notice of.
func (m *media) offer(setup string) string {
	var b, bundle strings.Builder
	mid := 0
	section := func(kind, direction string, ssrc uint32) {
		pts := "111"
		if kind == "video" {
			pts = "96 97"
		}
		fmt.Fprintf(&bundle, " %d", mid)
		fmt.Fprintf(&b, "m=%s 9 UDP/TLS/RTP/SAVPF %s\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 %s\r\na=setup:%s\r\na=mid:%d\r\na=%s\r\na=rtcp-mux\r\na=rtcp-rsize\r\n",
			kind, pts, m.ufrag, m.pwd, fingerprint(m.cert.Certificate[0]), setup, mid, direction)
		fmt.Fprintf(&b, "a=extmap:%d %s\r\na=extmap:%d %s\r\n", midID, sdp.SDESMidURI, wideID, sdp.TransportCCURI)
		if kind == "audio" {
			fmt.Fprintf(&b, "a=extmap:%d %s\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtcp-fb:111 transport-cc\r\n", levelID, sdp.AudioLevelURI)
		} else {
			b.WriteString("a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 transport-cc\r\na=rtcp-fb:96 ccm fir\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n")
		}
		if ssrc != 0 {
			fmt.Fprintf(&b, "a=msid:s %s\r\na=ssrc:%d cname:bench\r\n", kind, ssrc)
		}
		mid++
	}
	if m.kind.Mic {
		section("audio", "sendonly", audioSSRC)
	}
	if m.kind.Camera {
		section("video", "sendonly", videoSSRC)
	}
	for range m.kind.Audio {
		section("audio", "recvonly", 0)
	}
	for range m.kind.Video {
		section("video", "recvonly", 0)
	}
	return m.session(bundle.String(), b.String())
}

// session is a description with these sections, which are one bundle.
func (m *media) session(bundle, sections string) string {
	if m.full { // in the section that stands for the bundle (RFC 8843, section 7.1.3)
		first, others, several := strings.Cut(sections, "\r\nm=")
		if sections = strings.TrimSuffix(first, "\r\n") + "\r\n" + m.candidate(); several {
			sections += "m=" + others
		}
	}
	return "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE" + bundle + "\r\na=msid-semantic: WMS *\r\n" + sections
}

// read takes from the server's description what is needed to connect and to know the slots' packets.
func (m *media) read(description string) error {
	var d sdp.SessionDescription
	if err := d.UnmarshalString(description); err != nil {
		return fmt.Errorf("forward: the server's description: %w", err)
	}
	m.slotSSRCs = make(map[uint32]bool)
	take := func(attrs []sdp.Attribute) {
		retransmits := map[uint32]bool{}
		for _, a := range attrs {
			if f := strings.Fields(a.Value); a.Key == "ssrc-group" && len(f) == 3 {
				n, _ := strconv.ParseUint(f[2], 10, 32)
				retransmits[uint32(n)] = true
			}
		}
		for _, a := range attrs {
			f := strings.Fields(a.Value)
			switch {
			case a.Key == "ice-ufrag":
				m.remote.ufrag = a.Value
			case a.Key == "ice-pwd":
				m.remote.pwd = a.Value
			case a.Key == "fingerprint" && len(f) == 2:
				m.remote.fingerprint = f[1]
			case a.Key == "candidate" && len(f) > 7 && strings.EqualFold(f[2], "udp") && m.remote.addr == nil:
				m.remote.addr, _ = net.ResolveUDPAddr("udp", net.JoinHostPort(f[4], f[5]))
			case a.Key == "extmap" && len(f) > 1 && f[1] == sdp.TransportCCURI && m.kind.receives():
				n, _ := strconv.ParseUint(strings.Split(f[0], "/")[0], 10, 4)
				m.wide = byte(n)
			case a.Key == "rtpmap" && len(f) > 1 && !strings.HasPrefix(strings.ToLower(f[1]), "rtx/"):
				n, _ := strconv.ParseUint(f[0], 10, 7)
				m.slotTypes[n] = true
			case a.Key == "ssrc":
				n, _ := strconv.ParseUint(f[0], 10, 32)
				if !retransmits[uint32(n)] {
					m.slotSSRCs[uint32(n)] = true
				}
			}
		}
	}
	take(d.Attributes)
	for _, x := range d.MediaDescriptions {
		take(x.Attributes)
	}
	if m.remote.addr == nil || m.remote.pwd == "" || m.remote.fingerprint == "" {
		return errors.New("forward: the server's description has no UDP candidate, ICE password or fingerprint")
	}
	return nil
}

// connect does ICE as the controlling agent, and DTLS.
func (m *media) connect(ctx context.Context) error {
	udp, err := net.DialUDP("udp", nil, m.remote.addr)
	if err != nil {
		return fmt.Errorf("forward: %w", err)
	}
	m.conn = &quietConn{UDPConn: udp, quiet: make(chan struct{})}
	if err := m.nominate(ctx); err != nil {
		return err
	}
	return m.secure(ctx)
}

// secure does DTLS on the socket that ICE has found, and takes it out of Go's poller.
func (m *media) secure(ctx context.Context) error {
	var err error
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	m.dtls, err = dtls.ClientWithOptions(m.conn, m.remote.addr,
		dtls.WithCertificates(m.cert), dtls.WithInsecureSkipVerify(true), dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80),
		dtls.WithVerifyPeerCertificate(func(certs [][]byte, _ [][]*x509.Certificate) error {
			if len(certs) == 0 || !strings.EqualFold(fingerprint(certs[0]), m.remote.fingerprint) {
				return errors.New("forward: the server's certificate is not that of its description")
			}
			return nil
		}))
	if err != nil {
		return fmt.Errorf("forward: DTLS: %w", err)
	}
	if err := m.dtls.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("forward: DTLS: %w", err)
	}
	state, ok := m.dtls.ConnectionState()
	if !ok {
		return errors.New("forward: DTLS has no state")
	}
	profile, _ := m.dtls.SelectedSRTPProtectionProfile()
	c := srtp.Config{Profile: srtp.ProtectionProfile(profile)} // both are numbered as RFC 5764 and RFC 7714 do
	if err := c.ExtractSessionKeysFromDTLS(&state, true); err != nil {
		return fmt.Errorf("forward: SRTP keys: %w", err)
	}
	if m.out, err = srtp.CreateContext(c.Keys.LocalMasterKey, c.Keys.LocalMasterSalt, c.Profile); err != nil {
		return fmt.Errorf("forward: SRTP: %w", err)
	}
	if m.in, err = srtp.CreateContext(c.Keys.RemoteMasterKey, c.Keys.RemoteMasterSalt, c.Profile); err != nil {
		return fmt.Errorf("forward: SRTP: %w", err)
	}
	m.fd, err = m.conn.take()
	return err
}

// check is a connectivity check that nominates, which is the consent of RFC 7675 too.
func (m *media) check() (*stun.Message, error) {
	return stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername(m.remote.ufrag+":"+m.ufrag),
		stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{0x6e, 0, 1, 0xff}},
		stun.RawAttribute{Type: stun.AttrICEControlling, Value: make([]byte, 8)},
		stun.RawAttribute{Type: stun.AttrUseCandidate},
		stun.NewShortTermIntegrity(m.remote.pwd), stun.Fingerprint)
}

// nominate repeats a check until it is answered.
func (m *media) nominate(ctx context.Context) error {
	buf := make([]byte, 1500)
	for end := time.Now().Add(patience); time.Now().Before(end) && ctx.Err() == nil; {
		req, err := m.check()
		if err != nil {
			return fmt.Errorf("forward: check: %w", err)
		}
		if _, err := m.conn.Write(req.Raw); err != nil {
			return fmt.Errorf("forward: check: %w", err)
		}
		_ = m.conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		n, err := m.conn.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err != nil {
			return fmt.Errorf("forward: check: %w", err)
		}
		res := &stun.Message{Raw: append([]byte(nil), buf[:n]...)}
		if res.Decode() == nil && res.Type == stun.BindingSuccess && res.TransactionID == req.TransactionID {
			return m.conn.SetReadDeadline(time.Time{})
		}
	}
	return errors.Join(errors.New("forward: the SFU answers no check"), ctx.Err())
}

func (m *media) close() error {
	if m.conn == nil {
		return nil
	}
	// Without a word, so that the SFU is not told by an alert: the links are closed next, which ends the session.
	m.conn.end()
	var err error
	if m.dtls != nil {
		err = m.dtls.Close()
	}
	if m.fd >= 0 {
		_ = unix.Close(m.fd)
	}
	return err
}

// quietConn is the socket as DTLS sees it: when the handshake is over it has nothing more to read.
type quietConn struct {
	*net.UDPConn
	other func([]byte) // takes what is not DTLS; nil: nobody does
	quiet chan struct{}
	once  sync.Once
	mu    sync.Mutex
	taken bool
}

// ReadFrom implements net.PacketConn.
func (c *quietConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, addr, err := c.UDPConn.ReadFrom(b)
		c.mu.Lock()
		taken := c.taken
		c.mu.Unlock()
		if taken {
			<-c.quiet
			return 0, nil, net.ErrClosed
		}
		if err == nil && n > 0 && (b[0] < 20 || b[0] > 63) { // not DTLS (RFC 7983)
			if c.other != nil {
				c.other(b[:n])
			}
			continue
		}
		return n, addr, err
	}
}

// WriteTo implements net.PacketConn.
func (c *quietConn) WriteTo(b []byte, _ net.Addr) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.taken {
		return len(b), nil
	}
	return c.UDPConn.Write(b)
}

// take gives the socket to who reads it from now on.
func (c *quietConn) take() (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, fmt.Errorf("forward: %w", err)
	}
	fd, failed := -1, error(nil)
	// Not by File, whose Fd makes the socket a blocking one, under the read that DTLS has on it.
	if err := raw.Control(func(f uintptr) { fd, failed = unix.FcntlInt(f, unix.F_DUPFD_CLOEXEC, 0) }); err != nil || failed != nil {
		return -1, fmt.Errorf("forward: %w", errors.Join(err, failed))
	}
	c.mu.Lock()
	c.taken = true
	c.mu.Unlock()
	_ = c.UDPConn.Close()
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return -1, fmt.Errorf("forward: timestamps of datagrams: %w", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<20)
	return fd, nil
}

// Close implements net.PacketConn; the socket may be somebody else's by now.
func (c *quietConn) Close() error { c.end(); return nil }

func (c *quietConn) end() { c.once.Do(func() { close(c.quiet); _ = c.UDPConn.Close() }) }
