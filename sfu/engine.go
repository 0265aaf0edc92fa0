package sfu

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	"github.com/pion/logging"

	"atrium/sfu/ice"
	"atrium/sfu/offer"
)

// engine is what all sessions share: the sockets, the certificate, the addresses.
type engine struct {
	// Static after construction.
	sock   *mediaSocket
	tcp    *tcpPort     // nil: no ICE-TCP
	tcpAt  net.Listener // nil: no ICE-TCP
	public netip.Addr
	cert   tls.Certificate
	print  string // of the certificate, as answers have it
	quiet  logging.LoggerFactory

	// The addresses of the machine. Guarded by addrsMu.
	addrsMu sync.Mutex
	all     []netip.Addr
	looked  time.Time
}

const addrsFor = 10 * time.Second // the machine's addresses are looked at again

func newEngine(o *Options, sock *mediaSocket, log *slog.Logger) (*engine, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("sfu: a key for DTLS: %w", err)
	}
	e := &engine{sock: sock, tcpAt: o.TCP, public: o.PublicIP, quiet: pionLog{log}}
	if e.cert, err = selfsign.SelfSign(key); err != nil {
		return nil, fmt.Errorf("sfu: a certificate for DTLS: %w", err)
	}
	e.print = offer.FingerprintOf(e.cert.Certificate[0])
	return e, nil
}

// start begins to read.
func (e *engine) start() {
	if e.tcpAt != nil {
		e.tcp = newTCPPort(e.tcpAt, e.sock)
	}
	e.sock.start()
}

// server are the options of a handshake with a client whose certificate is one of those.
func (e *engine) server(peer []offer.Fingerprint) []dtls.ServerOption {
	return []dtls.ServerOption{
		dtls.WithCertificates(e.cert),
		// The DTLS server chooses the SRTP profile, and AES-GCM costs a third of AES-CM with HMAC-SHA1 where there is AES-NI.
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80),
		dtls.WithExtendedMasterSecret(dtls.RequestExtendedMasterSecret),
		dtls.WithClientAuth(dtls.RequireAnyClientCert),
		dtls.WithInsecureSkipVerifyHello(true), // a check has proved the address already: a round trip less
		dtls.WithFlightInterval(flightEvery),
		dtls.WithLoggerFactory(e.quiet),
		dtls.WithVerifyPeerCertificate(func(certs [][]byte, _ [][]*x509.Certificate) error {
			for _, f := range peer {
				if len(certs) > 0 && f.Is(certs[0]) {
					return nil
				}
			}
			return errNotTheOffers
		}),
	}
}

// resumed are the options of a connection whose handshake is over.
func (e *engine) resumed() []dtls.Option {
	return []dtls.Option{dtls.WithCertificates(e.cert), dtls.WithLoggerFactory(e.quiet)}
}

// candidates are those of an answer.
func (e *engine) candidates() []string {
	var tcp []netip.AddrPort
	if e.tcpAt != nil {
		tcp = e.advertised(e.tcpAt.Addr())
	}
	return ice.Candidates(e.addrs(), tcp)
}

// addrs are the advertised UDP addresses.
func (e *engine) addrs() []netip.AddrPort { return e.advertised(e.sock.LocalAddr()) }

// advertised are the addresses under which a socket of ours is reached.
func (e *engine) advertised(a net.Addr) []netip.AddrPort {
	at, err := netip.ParseAddrPort(a.String())
	switch {
	case err != nil:
		return nil
	case e.public.IsValid():
		return []netip.AddrPort{netip.AddrPortFrom(e.public, at.Port())}
	case !at.Addr().IsUnspecified():
		return []netip.AddrPort{netip.AddrPortFrom(at.Addr().Unmap().WithZone(""), at.Port())}
	}
	var all []netip.AddrPort
	for _, ip := range e.machine() {
		if ip.Is4() || at.Addr().Is6() { // an IPv6 socket for all addresses hears IPv4 as well
			all = append(all, netip.AddrPortFrom(ip, at.Port()))
		}
	}
	return all
}

// machine are the addresses of the machine, of loopback as well: tests and demos are there.
func (e *engine) machine() []netip.Addr {
	e.addrsMu.Lock()
	defer e.addrsMu.Unlock()
	if e.looked.IsZero() || time.Since(e.looked) > addrsFor {
		e.looked, e.all = time.Now(), e.all[:0:0]
		all, _ := net.InterfaceAddrs() // none: only a configured address can be told
		for _, a := range all {
			n, ok := a.(*net.IPNet)
			if !ok {
				continue
			}
			if ip, ok := netip.AddrFromSlice(n.IP); ok && !ip.IsLinkLocalUnicast() {
				e.all = append(e.all, ip.Unmap())
			}
		}
	}
	return e.all
}

func (e *engine) close() {
	_ = e.sock.Close()
	if e.tcp != nil {
		e.tcp.close()
	}
}
