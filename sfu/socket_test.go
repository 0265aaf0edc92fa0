package sfu

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/pion/srtp/v3"
)

// post is a socket with its batch, and receivers that are real sockets.
type post struct {
	t    testing.TB
	sock *mediaSocket
	b    *batch
	out  []*transport
	in   []*net.UDPConn
}

func newPost(t testing.TB, receivers int) *post {
	t.Helper()
	p := &post{t: t, sock: newSocket(loopback(t), &metrics{}, time.Now())}
	p.b = p.sock.in
	for range receivers {
		c := loopback(t)
		_ = c.SetReadBuffer(4 << 20)
		p.in = append(p.in, c)
		p.out = append(p.out, p.to(c.LocalAddr().(*net.UDPAddr).AddrPort()))
	}
	return p
}

// to is a transport that reaches an address.
func (p *post) to(addr netip.AddrPort) *transport {
	_, out := contexts(p.t, srtp.ProtectionProfileAeadAes128Gcm)
	t := &transport{sock: p.sock, out: out}
	d := &dest{addr: addr}
	p.sock.resolve(d)
	t.to.Store(d)
	return t
}

// put leaves a packet of size bytes with a number for a receiver, as it is.
func (p *post) put(t *transport, number uint32, size int) {
	p.b.room()
	t.outMu.Lock()
	defer t.outMu.Unlock()
	binary.BigEndian.PutUint32(p.b.reserve(), number)
	p.b.add(t, t.to.Load(), size)
}

// got reads n packets of a receiver: their numbers and sizes.
func (p *post) got(i, n int) (numbers []uint32, sizes []int) {
	p.t.Helper()
	b := make([]byte, 64<<10)
	_ = p.in[i].SetReadDeadline(time.Now().Add(patience))
	for range n {
		k, err := p.in[i].Read(b)
		if err != nil {
			p.t.Fatalf("receiver %d after %d of %d packets: %v", i, len(numbers), n, err)
		}
		numbers, sizes = append(numbers, binary.BigEndian.Uint32(b)), append(sizes, k)
	}
	return numbers, sizes
}

// none checks that a receiver has nothing more: what is written next is the next that it reads.
func (p *post) none(i int) {
	p.t.Helper()
	p.put(p.out[i], 1<<31, 33)
	p.b.flush()
	if numbers, sizes := p.got(i, 1); numbers[0] != 1<<31 || sizes[0] != 33 {
		p.t.Errorf("receiver %d has a packet too many: %d of %d bytes", i, numbers[0], sizes[0])
	}
}

// A batch of many sizes to many receivers: everybody has its packets, whole and in order.
func TestBatchKeepsPacketsAndTheirOrder(t *testing.T) {
	p := newPost(t, 5)
	sizes := []int{1200, 1200, 1200, 700, 1200, 1201, 1200, 90, 90, 90, 91, 4, 1500, 1500, 10, 1200, 1200}
	const rounds = 20
	for r := range rounds {
		for k, size := range sizes {
			for _, to := range p.out {
				p.put(to, uint32(r*len(sizes)+k), size)
			}
		}
	}
	p.b.flush()
	for i := range p.in {
		numbers, got := p.got(i, rounds*len(sizes))
		for k := range numbers {
			if numbers[k] != uint32(k) || got[k] != sizes[k%len(sizes)] {
				t.Fatalf("receiver %d, packet %d: number %d, %d bytes; want %d bytes", i, k, numbers[k], got[k], sizes[k%len(sizes)])
			}
		}
		p.none(i)
	}
}

// More than fits into the memory of a batch, or into one run, leaves all the same.
func TestBatchOfMoreThanItHolds(t *testing.T) {
	p := newPost(t, 2)
	const n = 1000
	for k := range uint32(n) {
		p.put(p.out[0], k, 1300)
		if k%10 == 0 {
			p.put(p.out[1], k/10, 1300)
		}
	}
	p.b.flush()
	for i, n := range []int{n, n / 10} {
		numbers, _ := p.got(i, n)
		for k := range numbers {
			if numbers[k] != uint32(k) {
				t.Fatalf("receiver %d: number %d at place %d", i, numbers[k], k)
			}
		}
	}
}

// A receiver that cannot be written to costs no other a packet, wherever it stands in the batch.
func TestBadDestinationCostsItsOwnPacketsOnly(t *testing.T) {
	p := newPost(t, 3)
	six := p.to(netip.MustParseAddrPort("[2001:db8::1]:9")) // an IPv4 socket has no way there
	zero := p.to(netip.MustParseAddrPort("127.0.0.1:0"))
	for _, at := range []int{0, 1, 3} {
		for k := range uint32(4) {
			for i, to := range p.out {
				if i == at {
					p.put(six, k, 600)
					p.put(zero, k, 600)
				}
				p.put(to, k, 600)
			}
			if at == 3 {
				p.put(six, k, 600)
				p.put(zero, k, 600)
			}
		}
		p.b.flush()
		for i := range p.in {
			if numbers, _ := p.got(i, 4); !slices.Equal(numbers, []uint32{0, 1, 2, 3}) {
				t.Errorf("bad ones before receiver %d: receiver %d has %v", at, i, numbers)
			}
		}
	}
	if n := p.sock.m.drops[dropWrite].Load(); n != 3*2*4 {
		t.Errorf("%d packets were dropped, want 24", n)
	}
}

// Media of an address that has proved itself goes to its session, in the order in which it came; what is not STUN and comes
// from elsewhere goes nowhere, and is not answered.
func TestReaderHearsOnlyWhoHasProvedItself(t *testing.T) {
	p := newPost(t, 1)
	c := p.in[0]
	to := p.sock.LocalAddr().(*net.UDPAddr).AddrPort()
	known := &transport{s: &session{f: &SFU{m: p.sock.m}}, sock: p.sock}
	p.sock.link(c.LocalAddr().(*net.UDPAddr).AddrPort(), known)
	seen := make(chan struct{}, 16)
	handle := p.sock.handle
	p.sock.handle = func(b *batch, q []byte, from netip.AddrPort, at int64) { handle(b, q, from, at); seen <- struct{}{} }
	p.sock.start()
	t.Cleanup(func() { p.sock.Close() })
	other := loopback(t)
	rtp := func(seq byte) []byte { return append([]byte{0x80, 96, 0, seq}, make([]byte, 20)...) }
	stun := append([]byte{0, 1, 0, 0}, make([]byte, 16)...)
	dtls := append([]byte{22, 254, 253}, make([]byte, 20)...)
	sent := []struct {
		from *net.UDPConn
		p    []byte
	}{{c, rtp(1)}, {c, rtp(2)}, {c, stun}, {c, rtp(3)}, {other, rtp(9)}, {other, dtls}, {other, stun}, {c, rtp(4)}, {c, stun}}
	for _, x := range sent {
		if _, err := x.from.WriteToUDPAddrPort(x.p, to); err != nil {
			t.Fatal(err)
		}
		select {
		case <-seen:
		case <-time.After(patience):
			t.Fatal("a packet was not read")
		}
	}
	known.inMu.Lock()
	defer known.inMu.Unlock()
	if n := len(known.early); n != 4 { // its handshake is not over: they wait
		t.Fatalf("the session has %d packets, want 4", n)
	}
	for i, q := range known.early {
		if q[3] != byte(i+1) {
			t.Errorf("packet %d is number %d", i, q[3])
		}
	}
	if n := p.sock.m.drops[dropUnknown].Load(); n != 2 {
		t.Errorf("%d packets of nobody, want 2", n)
	}
	if n := p.sock.m.writtenPackets.Load(); n != 0 {
		t.Errorf("%d packets were written", n)
	}
}
