package turn_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	pion "github.com/pion/turn/v4"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"atrium/topology"
	"atrium/turn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 5 * time.Second

// office is a small authority: a membership table with a quota, and credentials by HMAC as the controller makes
// them.
type office struct {
	secret []byte

	mu      sync.Mutex
	members map[uuid.UUID]map[uuid.UUID]bool
	epoch   topology.Epoch // the one that is good for new allocations
	quota   int
	ahead   time.Duration // how far its clock, and the server's, is ahead
}

func newOffice() *office {
	return &office{secret: []byte("a secret of at least thirty-two bytes"), members: map[uuid.UUID]map[uuid.UUID]bool{}, epoch: 1, quota: 6}
}

func (o *office) now() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return time.Now().Add(o.ahead)
}

func (o *office) advance(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ahead += d
}

func (o *office) set(f func(o *office)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f(o)
}

func (o *office) join(zone, user uuid.UUID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.members[zone] == nil {
		o.members[zone] = map[uuid.UUID]bool{}
	}
	o.members[zone][user] = true
}

// leave ends the membership and then says so, with its lock held as the controller does.
func (o *office) leave(s *turn.Server, zone, user uuid.UUID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.members[zone], user)
	s.EndAllocations(zone, user, o.epoch)
}

func (o *office) credentials(zone, user uuid.UUID, epoch topology.Epoch, ttl time.Duration) (string, string) {
	username := fmt.Sprintf("%d:%s:%s:%d", o.now().Add(ttl).Unix(), user, zone, epoch)
	return username, o.password(username)
}

func (o *office) password(username string) string {
	h := hmac.New(sha1.New, o.secret)
	h.Write([]byte(username))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func (o *office) TURNPassword(username string) (topology.TURNIdentity, string, error) {
	var id topology.TURNIdentity
	parts := strings.Split(username, ":")
	if len(parts) != 4 {
		return id, "", errors.New("a username is expiry:user:zone:epoch")
	}
	expiry, err1 := strconv.ParseInt(parts[0], 10, 64)
	user, err2 := uuid.Parse(parts[1])
	zone, err3 := uuid.Parse(parts[2])
	epoch, err4 := strconv.ParseUint(parts[3], 10, 64)
	id = topology.TURNIdentity{Expiry: time.Unix(expiry, 0), User: user, Zone: zone, Epoch: topology.Epoch(epoch)}
	return id, o.password(username), errors.Join(err1, err2, err3, err4)
}

func (o *office) MayAllocate(id topology.TURNIdentity, now time.Time) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.members[id.Zone][id.User] || id.Epoch != o.epoch || now.After(id.Expiry) {
		return 0, topology.ErrRefused
	}
	return o.quota, nil
}

func (o *office) MayHold(zone, user uuid.UUID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.members[zone][user]
}

// house is a running server on loopback.
type house struct {
	*office
	server   *turn.Server
	udp      *net.UDPAddr
	tcp      *net.TCPAddr
	registry *prometheus.Registry
}

func open(t testing.TB, change ...func(*turn.Options)) *house {
	t.Helper()
	h := &house{office: newOffice(), registry: prometheus.NewRegistry()}
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.udp, h.tcp = udp.LocalAddr().(*net.UDPAddr), tcp.Addr().(*net.TCPAddr)
	o := turn.Options{UDP: []net.PacketConn{udp}, TCP: []net.Listener{tcp}, Authority: h.office, Registerer: h.registry, Now: h.now}
	for _, f := range change {
		f(&o)
	}
	if h.server, err = turn.New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.server.Close(); err != nil {
			t.Error(err)
		}
		if n := h.server.Allocations(); n != 0 {
			t.Errorf("%d allocations are left", n)
		}
	})
	return h
}

// dial starts a pion client over a transport, "udp" or "tcp".
func (h *house) dial(t testing.TB, transport, username, password string) *pion.Client {
	t.Helper()
	var conn net.PacketConn
	var addr string
	if transport == "tcp" {
		c, err := net.Dial("tcp4", h.tcp.String())
		if err != nil {
			t.Fatal(err)
		}
		conn, addr = pion.NewSTUNConn(c), h.tcp.String()
	} else {
		c, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		conn, addr = c, h.udp.String()
	}
	client, err := pion.NewClient(&pion.ClientConfig{
		STUNServerAddr: addr, TURNServerAddr: addr, Conn: conn, Username: username, Password: password, RTO: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		conn.Close()
	})
	return client
}

// end is one end of the relay: a member's client with an allocation.
type end struct {
	net.PacketConn
	client *pion.Client
	zone   uuid.UUID
	user   uuid.UUID
	name   netip.AddrPort
}

// allocate brings a member into a zone and gives it an allocation.
func (h *house) allocate(t testing.TB, transport string, zone, user uuid.UUID) *end {
	t.Helper()
	h.join(zone, user)
	username, password := h.credentials(zone, user, 1, time.Hour)
	c := h.dial(t, transport, username, password)
	relay, err := c.Allocate()
	if err != nil {
		t.Fatalf("allocating over %s: %v", transport, err)
	}
	t.Cleanup(func() { relay.Close() })
	return &end{relay, c, zone, user, relay.LocalAddr().(*net.UDPAddr).AddrPort()}
}

// permit lets packets of another end in.
func (e *end) permit(t testing.TB, peers ...*end) {
	t.Helper()
	for _, p := range peers {
		if err := e.client.CreatePermission(p.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
}

// expect reads one packet and compares it.
func (e *end) expect(t testing.TB, want string, from net.Addr) {
	t.Helper()
	_ = e.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 2000)
	n, addr, err := e.ReadFrom(b)
	if err != nil {
		t.Fatalf("waiting for %.40q: %v", want, err)
	}
	if string(b[:n]) != want || addr.String() != from.String() {
		t.Fatalf("got %.40q from %v, want %.40q from %v", b[:n], addr, want, from)
	}
}

func (e *end) send(t testing.TB, what string, to net.Addr) {
	t.Helper()
	if _, err := e.WriteTo([]byte(what), to); err != nil {
		t.Fatalf("sending %.40q to %v: %v", what, to, err)
	}
}

// eventually waits for a condition that another goroutine brings about.
func eventually(t testing.TB, what string, within time.Duration, f func() bool) {
	t.Helper()
	end := time.NewTimer(within)
	defer end.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-end.C:
			t.Fatalf("not within %v: %s", within, what)
		case <-tick.C:
		}
	}
}

// counted sums a counter, over the labels that have the value given.
func (h *house) counted(t testing.TB, name, label string) float64 {
	t.Helper()
	families, err := h.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if label == "" || len(m.GetLabel()) > 0 && m.GetLabel()[0].GetValue() == label {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}
