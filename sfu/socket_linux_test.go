package sfu

import (
	"net"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Packets of one size to one receiver are one message, whose last packet may be shorter, and one call writes many messages.
func TestRunsAreOneMessage(t *testing.T) {
	p := newPost(t, 3)
	for k := range uint32(5) {
		for _, to := range p.out {
			p.put(to, k, 1000)
		}
	}
	for _, to := range p.out {
		p.put(to, 5, 400) // ends the run
		p.put(to, 6, 400) // and this begins one
	}
	p.b.flush()
	m := p.sock.m
	if calls, msgs, packets := m.writeCalls.Load(), m.writeMessages.Load(), m.writtenPackets.Load(); calls != 1 || msgs != 6 || packets != 21 {
		t.Errorf("%d packets in %d messages by %d calls, want 21 in 6 by 1", packets, msgs, calls)
	}
	for i := range p.in {
		numbers, sizes := p.got(i, 7)
		if !slices.Equal(numbers, []uint32{0, 1, 2, 3, 4, 5, 6}) || !slices.Equal(sizes, []int{1000, 1000, 1000, 1000, 1000, 400, 400}) {
			t.Errorf("receiver %d: %v %v", i, numbers, sizes)
		}
		p.none(i)
	}
}

// Where the kernel refuses runs, their packets go by themselves, all of them, and no further run is tried. A socket that makes
// no checksums is such a case: the kernel refuses UDP_SEGMENT on it with EIO.
func TestRefusedRunsGoPacketByPacket(t *testing.T) {
	p := newPost(t, 2)
	raw, err := p.sock.udp.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_NO_CHECK, 1) }); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	for round := range 3 {
		for k := range uint32(5) {
			for _, to := range p.out {
				p.put(to, k, 1000)
			}
		}
		p.b.flush()
		for i := range p.in {
			if numbers, _ := p.got(i, 5); !slices.Equal(numbers, []uint32{0, 1, 2, 3, 4}) {
				t.Fatalf("round %d: receiver %d has %v", round, i, numbers)
			}
			if p.out[i].to.Load().runs() {
				t.Errorf("round %d: runs are still made for receiver %d", round, i)
			}
		}
	}
	m := p.sock.m
	if n := m.runsRefused.Load(); n != 2 {
		t.Errorf("%d receivers refused runs, want 2", n)
	}
	if n := m.drops[dropWrite].Load(); n != 0 {
		t.Errorf("%d packets were dropped", n)
	}
	for i := range p.in {
		p.none(i)
	}
}

// The kernel says when a packet came, however late it is read.
func TestWhenAPacketCame(t *testing.T) {
	s := newSocket(loopback(t), &metrics{}, time.Now())
	c, err := net.DialUDP("udp4", nil, s.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var before, after [3]int64
	for i := range before {
		before[i] = time.Now().UnixNano()
		if _, err := c.Write([]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		after[i] = time.Now().UnixNano()
	}
	if err := s.rd.read(s, true); err != nil || s.rd.n != len(before) {
		t.Fatal(s.rd.n, err)
	}
	wall := time.Now().UnixNano()
	for i := range before {
		if at := wall - int64(s.rd.waited(i, wall)); at < before[i] || at > after[i] {
			t.Errorf("packet %d came %v after it was sent, which took %v", i, time.Duration(at-before[i]), time.Duration(after[i]-before[i]))
		}
	}
	if d := s.rd.waited(0, before[0]-int64(time.Hour)); d != 0 {
		t.Errorf("it waited %v by a clock that was set back", d)
	}
}
