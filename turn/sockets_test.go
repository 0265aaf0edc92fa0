package turn_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pion/stun/v3"
	pion "github.com/pion/turn/v4"

	"atrium/turn"
)

// attach starts a client on a socket of one's own.
func (h *house) attach(t *testing.T, conn net.PacketConn, server string, zone, user uuid.UUID) *end {
	t.Helper()
	h.join(zone, user)
	username, password := h.credentials(zone, user, 1, time.Hour)
	c, err := pion.NewClient(&pion.ClientConfig{TURNServerAddr: server, STUNServerAddr: server, Conn: conn, Username: username, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		conn.Close()
	})
	relay, err := c.Allocate()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { relay.Close() })
	return &end{relay, c, zone, user, relay.LocalAddr().(*net.UDPAddr).AddrPort()}
}

// talk sends both ways until packets go by channel.
func (h *house) talk(t *testing.T, x, y *end) {
	t.Helper()
	x.permit(t, y)
	y.permit(t, x)
	before := h.counted(t, "atrium_turn_packets_passed_total", "channel")
	n := 0
	eventually(t, "packets go by channel both ways", patience, func() bool {
		n++
		x.send(t, fmt.Sprint("there ", n), y.LocalAddr())
		y.expect(t, fmt.Sprint("there ", n), x.LocalAddr())
		y.send(t, fmt.Sprint("back ", n), x.LocalAddr())
		x.expect(t, fmt.Sprint("back ", n), y.LocalAddr())
		return h.counted(t, "atrium_turn_packets_passed_total", "channel") >= before+10
	})
}

// A socket on all addresses, of both families: a client of each gets the same IPv4 relay.
func TestWildcardSocketOfBothFamilies(t *testing.T) {
	wild, err := net.ListenPacket("udp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	port := wild.LocalAddr().(*net.UDPAddr).Port
	h := open(t, func(o *turn.Options) { o.UDP = append(o.UDP, wild) })
	zone := uuid.New()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x := h.attach(t, conn, fmt.Sprintf("127.0.0.1:%d", port), zone, uuid.New())
	h.talk(t, x, h.allocate(t, "udp", zone, uuid.New()))

	user := uuid.New()
	h.join(zone, user)
	username, password := h.credentials(zone, user, 1, time.Hour)
	six := h.raw(t, username, password)
	if six.conn, err = net.Dial("udp6", fmt.Sprintf("[::1]:%d", port)); err != nil {
		t.Logf("no IPv6 on this machine: %v", err)
		return
	}
	t.Cleanup(func() { six.conn.Close() })
	name := six.allocate()
	x.permit(t, &end{PacketConn: named{x.PacketConn, name}})
	if c := code(six.request(stun.MethodCreatePermission, peer{at: x.name})); c != 0 {
		t.Fatal(c)
	}
	six.indicate("from the other family", peer{at: x.name})
	x.expect(t, "from the other family", net.UDPAddrFromAddrPort(name))
}

// TURN over TLS is a listener like another; a handshake that never comes ends like a silent connection.
func TestTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp4", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	if err != nil {
		t.Fatal(err)
	}
	h := open(t, func(o *turn.Options) {
		o.TCP = append(o.TCP, l)
		o.Limits.Unauthenticated = 300 * time.Millisecond
	})
	c, err := tls.Dial("tcp4", l.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	zone := uuid.New()
	x := h.attach(t, pion.NewSTUNConn(c), l.Addr().String(), zone, uuid.New())
	h.talk(t, x, h.allocate(t, "udp", zone, uuid.New()))
	silent, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ends(t, silent)
}

// flood signs CreatePermission requests for ever new peers, without waiting for answers.
func (r *raw) flood(from, to int) {
	for i := from; i < to; i++ {
		at := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 1)
		m := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodCreatePermission, stun.ClassRequest),
			r.username, stun.NewRealm("atrium"), r.nonce, peer{at: at}, r.key)
		if _, err := r.conn.Write(m.Raw); err != nil {
			return
		}
	}
}

// Members leave while their permissions are being made, the moment at which pion/turn alone would read a timer that
// is not there yet.
func TestLeavingWhilePermissionsAreMade(t *testing.T) {
	h := open(t)
	zone := uuid.New()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 25 {
				user := uuid.New()
				h.join(zone, user)
				username, password := h.credentials(zone, user, 1, time.Hour)
				r := h.raw(t, username, password)
				r.allocate()
				done := make(chan struct{})
				go func() {
					defer close(done)
					r.flood(0, 40)
				}()
				r.flood(40, 50)
				h.leave(h.server, zone, user)
				<-done
			}
		})
	}
	all.Wait()
	eventually(t, "nothing is left", patience, func() bool { return h.server.Open() == 0 && h.server.Members() == 0 })
}

func TestPermissionsAndChannelsAreBounded(t *testing.T) {
	h := open(t)
	zone, user := uuid.New(), uuid.New()
	h.join(zone, user)
	username, password := h.credentials(zone, user, 1, time.Hour)
	r := h.raw(t, username, password)
	r.allocate()
	for n := 0; h.server.Allocations() == 1; n += 64 {
		if n > 2000 {
			t.Fatal("2000 permissions were given to one allocation")
		}
		r.flood(n, n+64)
		r.do(stun.MustBuild(stun.TransactionID, stun.BindingRequest)) // all of them have been handled
	}
	r = h.raw(t, username, password)
	r.allocate()
	for n := range 300 {
		number := stun.RawAttribute{Type: stun.AttrChannelNumber, Value: append(binary.BigEndian.AppendUint16(nil, uint16(0x4000+n)), 0, 0)}
		m := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodChannelBind, stun.ClassRequest), r.username, stun.NewRealm("atrium"), r.nonce,
			number, peer{at: netip.AddrPortFrom(turn.DefaultRelayIP, uint16(2000+n))}, r.key)
		if _, err := r.conn.Write(m.Raw); err != nil {
			t.Fatal(err)
		}
		r.do(stun.MustBuild(stun.TransactionID, stun.BindingRequest))
	}
	if n := h.server.Allocations(); n != 0 {
		t.Fatal("300 channels were given to one allocation")
	}
}
