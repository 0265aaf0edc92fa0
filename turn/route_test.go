package turn

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"

	"atrium/topology"
)

// nowhere is a client that takes packets and does nothing with them.
type nowhere struct{ got int }

func (n *nowhere) writeChannelData(_ uint16, p []byte) { n.got += len(p) }

// pair gives two bound ports of one zone, the second with a channel to the first.
func pair(tb testing.TB) (a, b *port, out *nowhere) {
	tb.Helper()
	r := newRelay(DefaultRelayIP, nil, nil, Limits{}.withDefaults(), time.Now, newMetrics())
	out = &nowhere{}
	zone := uuid.New()
	var all [2]*port
	for i := range all {
		c, addr, err := r.AllocatePacketConn("udp4", 0)
		if err != nil {
			tb.Fatal(err)
		}
		all[i] = c.(*port)
		from := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(i+1))
		if _, ok := r.bind(addr.(*net.UDPAddr).AddrPort(), topology.TURNIdentity{Zone: zone, User: uuid.New()}, clientKey{nil, from}, out); !ok {
			tb.Fatal("not bound")
		}
	}
	all[1].channel(all[0].name, 0x4000)
	return all[0], all[1], out
}

func TestHandingOverDoesNotAllocate(t *testing.T) {
	a, b, out := pair(t)
	p := make([]byte, 1200)
	if n := testing.AllocsPerRun(1000, func() { _, _ = a.WriteTo(p, b.addr) }); n != 0 {
		t.Errorf("%v allocations per packet by channel", n)
	}
	if out.got != 1001*len(p) {
		t.Fatalf("the client got %d bytes", out.got)
	}
	buf := make([]byte, maxPacket)
	if n := testing.AllocsPerRun(1000, func() {
		_, _ = b.WriteTo(p, a.addr)
		if n, from, err := a.ReadFrom(buf); n != len(p) || from != b.addr || err != nil {
			t.Fatal(n, from, err)
		}
	}); n >= 1 && !raceEnabled { // the race detector makes sync.Pool forget
		t.Errorf("%v allocations per packet by the queue", n)
	}
}

// A full queue drops the newest and keeps the order of what waits.
func TestFullQueueDropsTheNewest(t *testing.T) {
	a, b, _ := pair(t)
	most := cap(a.queue)
	for i := range most + 10 {
		_, _ = b.WriteTo([]byte{byte(i)}, a.addr)
	}
	buf := make([]byte, maxPacket)
	for i := range most {
		if n, _, err := a.ReadFrom(buf); n != 1 || buf[0] != byte(i) || err != nil {
			t.Fatalf("packet %d: %v, %v", i, buf[:n], err)
		}
	}
	if len(a.queue) != 0 {
		t.Fatal("more than fits was queued")
	}
}

// A port that nobody is bound to passes nothing, and its name is free again at once.
func TestUnboundPort(t *testing.T) {
	a, _, _ := pair(t)
	c, addr, err := a.relay.AllocatePacketConn("udp4", 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = c.WriteTo([]byte("out"), a.addr)
	_, _ = a.WriteTo([]byte("in"), addr)
	if len(a.queue) != 0 || len(c.(*port).queue) != 0 {
		t.Fatal("an unbound port passed a packet")
	}
	_ = c.Close()
	again, _, err := a.relay.AllocatePacketConn("udp4", addr.(*net.UDPAddr).Port)
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Close()
}

func BenchmarkHandOver(b *testing.B) {
	from, to, _ := pair(b)
	p := make([]byte, 1200)
	b.ReportAllocs()
	b.SetBytes(int64(len(p)))
	for b.Loop() {
		_, _ = from.WriteTo(p, to.addr)
	}
}
