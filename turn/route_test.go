package turn

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"

	"atrium/topology"
)

// nowhere is a client that takes packets and does nothing with them.
type nowhere struct{ got int }

func (n *nowhere) write(frame []byte, _ *round) { n.got += len(frame) - channelHeader }
func (n *nowhere) holds(*port)                  {}
func (n *nowhere) lost(*port)                   {}

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

// frame is ChannelData with its header.
func frame(channel uint16, p []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, channel)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(p))), p...)
}

func TestPassingOnDoesNotAllocate(t *testing.T) {
	a, b, out := pair(t)
	a.channel(b.name, 0x4001)
	p := make([]byte, 1200)
	f, r := frame(0x4001, p), newRound(a.relay.metrics)
	if n := testing.AllocsPerRun(1000, func() {
		binary.BigEndian.PutUint16(f, 0x4001) // the receiver's number was put there
		if !a.relay.shortcut(a, f, r) {
			t.Fatal("not taken")
		}
		r.end()
	}); n != 0 {
		t.Errorf("%v allocations per packet by channel", n)
	}
	if out.got != 1001*len(p) {
		t.Fatalf("the client got %d bytes", out.got)
	}
	if raceEnabled {
		return // the race detector makes sync.Pool forget
	}
	if n := testing.AllocsPerRun(1000, func() { _, _ = a.WriteTo(p, b.addr) }); n != 0 {
		t.Errorf("%v allocations per packet of an indication", n)
	}
	a, b, _ = pair(t) // the first of it has no channel
	buf := make([]byte, maxPacket)
	if n := testing.AllocsPerRun(1000, func() {
		_, _ = b.WriteTo(p, a.addr)
		if n, from, err := a.ReadFrom(buf); n != len(p) || from != b.addr || err != nil {
			t.Fatal(n, from, err)
		}
	}); n >= 1 {
		t.Errorf("%v allocations per packet by the queue", n)
	}
}

// The shortcut takes what pion/turn would pass on, to where it would, and leaves it the rest to judge.
func TestShortcut(t *testing.T) {
	a, b, out := pair(t)
	r := newRound(a.relay.metrics)
	try := func(what string, src *port, f []byte, taken bool, arrives int) {
		t.Helper()
		out.got = 0
		if got := a.relay.shortcut(src, f, r); got != taken {
			t.Errorf("%s: taken %v", what, got)
		}
		if out.got != arrives {
			t.Errorf("%s: %d bytes arrived, want %d", what, out.got, arrives)
		}
		r.end()
	}
	hello := []byte("hello")
	try("a channel that is not bound", a, frame(0x4001, hello), false, 0)
	a.channel(b.name, 0x4001)
	try("a bound channel", a, frame(0x4001, hello), true, 5)
	try("another number", a, frame(0x4002, hello), false, 0)
	try("another client's", nil, frame(0x4001, hello), false, 0)
	try("padded", a, append(frame(0x4001, hello), 0, 0, 0), true, 5)
	try("nothing in it", a, frame(0x4001, nil), true, 0)
	try("cut off", a, frame(0x4001, hello)[:8], false, 0)
	try("half a header", a, frame(0x4001, hello)[:3], false, 0)
	a.channel(netip.MustParseAddrPort("127.0.0.1:53"), 0x4003)
	try("a channel to somewhere else", a, frame(0x4003, hello), true, 0)
	a.unchannel(b.name, 0x4001)
	try("a channel that ran out", a, frame(0x4001, hello), false, 0)
	a.channel(b.name, 0x4004)
	try("bound again", a, frame(0x4004, hello), true, 5)
	a.relay.endPort(b)
	try("the receiver has left", a, frame(0x4004, hello), true, 0)
	a.relay.endPort(a)
	try("the sender has left", a, frame(0x4004, hello), true, 0)
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

func BenchmarkPassOn(b *testing.B) {
	from, to, _ := pair(b)
	from.channel(to.name, 0x4001)
	f, r := frame(0x4001, make([]byte, 1200)), newRound(from.relay.metrics)
	b.ReportAllocs()
	b.SetBytes(1200)
	for b.Loop() {
		binary.BigEndian.PutUint16(f, 0x4001)
		from.relay.shortcut(from, f, r)
		r.end()
	}
}
