package sfu

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	"github.com/pion/stun/v3"
	"github.com/pion/transport/v4/deadline"

	"atrium/sfu/ice"
	"atrium/sfu/offer"
)

// bare is a client that does by hand what a browser's ICE and DTLS do, so that it can do it otherwise.
type bare struct {
	*link
	b          *bed
	user       uuid.UUID
	session    string
	cert       tls.Certificate
	ufrag, pwd string // its own
	print      string
	remote     netip.AddrPort
	to, toPwd  string // the SFU's
	answer     string
}

var bareCert = sync.OnceValues(func() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	return selfsign.SelfSign(key)
})

func (b *bed) bare() *bare {
	b.t.Helper()
	cert, err := bareCert()
	if err != nil {
		b.t.Fatal(err)
	}
	c := &bare{b: b, user: uuid.New(), cert: cert, ufrag: "bare", pwd: "the client's password, long", print: offer.FingerprintOf(cert.Certificate[0])}
	c.link = b.dial()
	c.session = c.connect(b.desk.token(b.zone, c.user), "").Session
	return c
}

func (c *bare) offerText() string {
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=recvonly\r\na=rtpmap:111 opus/48000/2\r\n"+
		"a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:%s\r\na=setup:actpass\r\na=rtcp-mux\r\n", c.ufrag, c.pwd, c.print)
}

// negotiate offers and takes the SFU's credentials and address out of the answer.
func (c *bare) negotiate() {
	c.t.Helper()
	c.answer = c.offer(c.offerText())
	value := func(key string) string {
		_, rest, _ := strings.Cut(c.answer, "a="+key+":")
		v, _, _ := strings.Cut(rest, "\r\n")
		return v
	}
	c.to, c.toPwd = value("ice-ufrag"), value("ice-pwd")
	f := strings.Fields(value("candidate"))
	if len(f) < 6 {
		c.t.Fatalf("no candidate:\n%s", c.answer)
	}
	c.remote = netip.MustParseAddrPort(f[4] + ":" + f[5])
}

// check is a connectivity check as the offer has it.
func (c *bare) check(more ...stun.Setter) *stun.Message {
	c.t.Helper()
	return c.checkBy(c.to, c.toPwd, more...)
}

func (c *bare) checkBy(to, pwd string, more ...stun.Setter) *stun.Message {
	c.t.Helper()
	setters := append([]stun.Setter{stun.TransactionID, stun.BindingRequest, stun.NewUsername(to + ":" + c.ufrag)}, more...)
	m, err := stun.Build(append(setters, stun.NewShortTermIntegrity(pwd), stun.Fingerprint)...)
	if err != nil {
		c.t.Fatal(err)
	}
	return m
}

var nominate = stun.RawAttribute{Type: stun.AttrUseCandidate}

// spot is one of the client's sockets, whose reader tells STUN from the rest.
type spot struct {
	*net.UDPConn
	t          testing.TB
	stun, rest chan []byte
	late       *deadline.Deadline
}

func (c *bare) spot() *spot {
	c.t.Helper()
	udp, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(c.remote))
	if err != nil {
		c.t.Fatal(err)
	}
	s := &spot{UDPConn: udp, t: c.t, stun: make(chan []byte, 64), rest: make(chan []byte, 64), late: deadline.New()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(s.rest)
		b := make([]byte, 2048)
		for {
			n, err := udp.Read(b)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			to := s.rest
			if ice.IsSTUN(b[:n]) {
				to = s.stun
			}
			select {
			case to <- append([]byte(nil), b[:n]...):
			default:
			}
		}
	}()
	c.b.t.Cleanup(func() { udp.Close(); <-done })
	return s
}

func (s *spot) send(p []byte) {
	s.t.Helper()
	if _, err := s.Write(p); err != nil {
		s.t.Fatal(err)
	}
}

// next is the next STUN packet that comes.
func (s *spot) next() []byte {
	s.t.Helper()
	select {
	case p := <-s.stun:
		return p
	case <-time.After(patience):
		s.t.Fatal("nothing comes")
	}
	return nil
}

// answered sends a check and wants its success to be the next packet: what was sent before was not answered.
func (s *spot) answered(m *stun.Message) {
	s.t.Helper()
	s.send(m.Raw)
	got := &stun.Message{Raw: s.next()}
	if err := got.Decode(); err != nil || got.TransactionID != m.TransactionID || got.Type != stun.BindingSuccess {
		s.t.Fatalf("%v, %v is not the answer to %v", err, got, m)
	}
}

// shake does the DTLS handshake. The options are more than the usual ones.
func (c *bare) shake(conn net.PacketConn, more ...dtls.ClientOption) (*dtls.Conn, error) {
	c.t.Helper()
	options := append([]dtls.ClientOption{dtls.WithCertificates(c.cert), dtls.WithInsecureSkipVerify(true), dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM),
		dtls.WithFlightInterval(50 * time.Millisecond)}, more...)
	d, err := dtls.ClientWithOptions(conn, net.UDPAddrFromAddrPort(c.remote), options...)
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return d, d.HandshakeContext(ctx)
}

// lossy is a spot as DTLS takes it. lose says which datagrams of the SFU do not come.
type lossy struct {
	*spot
	lose func(p []byte) bool
}

func (l *lossy) WriteTo(p []byte, _ net.Addr) (int, error) { return l.Write(p) }
func (l *lossy) SetReadDeadline(t time.Time) error         { l.late.Set(t); return nil }
func (l *lossy) SetDeadline(t time.Time) error             { return l.SetReadDeadline(t) }

func (l *lossy) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		select {
		case p, ok := <-l.rest:
			if !ok {
				return 0, nil, net.ErrClosed
			}
			if l.lose == nil || !l.lose(p) {
				return copy(b, p), l.RemoteAddr(), nil
			}
		case <-l.late.Done():
			return 0, nil, l.late.Err()
		}
	}
}

// up is all of it, as a browser does.
func (c *bare) up() (*spot, *dtls.Conn) {
	c.t.Helper()
	c.negotiate()
	s := c.spot()
	s.answered(c.check(nominate))
	d, err := c.shake(&lossy{spot: s})
	if err != nil {
		c.t.Fatal(err)
	}
	c.b.desk.wait(c.t, "up", c.user, 1)
	return s, d
}
