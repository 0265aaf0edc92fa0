package sfu

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
)

var (
	_ net.PacketConn           = (*mediaSocket)(nil)
	_ ice.AddrPortReaderWriter = (*mediaSocket)(nil)
)

const (
	injectQueue = 1024            // packets from the relay that wait for the reader; full: the newest is dropped
	injectBytes = 2048            // longest packet taken from the relay; media stays under 1,500
	replyAddrs  = 4096            // relayed names whose way back is remembered
	waitedMost  = 2 * time.Second // in the kernel; the socket's buffer is full before
)

// mediaSocket is the one UDP socket of all media, under Pion's ICE mux. Packets that the relay hands over come out of the
// same reads as those of the network, and packets to a relayed name go to the relay instead of the kernel, so that the
// mux above sees one socket. It is also the seam for a batched socket: all reads and writes of media pass here.
type mediaSocket struct {
	// Static after construction.
	udp   *net.UDPConn
	began time.Time // the SFU's clock begins
	six   bool      // an IPv6 socket, which takes IPv4 as well where it is bound to all addresses
	m     *metrics

	relay atomic.Pointer[relayBox]

	// Packets of the relay. waking is true from the moment a writer set out to wake the reader until the reader has
	// taken notice; pending counts what is queued, so that the common read costs one atomic load.
	waking  atomic.Bool
	pending atomic.Int32
	mu      sync.Mutex
	queue   [injectQueue]injected
	head    int
	free    [][]byte

	// sessions says whose media an address sends.
	sessionMu sync.RWMutex
	sessions  map[netip.AddrPort]*transport

	// Owned by the reader.
	in   *batch
	rd   reader
	next int   // which of what was read comes next
	wall int64 // in.at by the wall clock, nanoseconds since 1970
	due  int64 // when what waits in the batch must leave; 0: nothing does
	held bool  // the reader has slept for the rest of a picture already

	batches sync.Pool // for who is not the reader

	// from says to which of our addresses a relayed name last sent: the relay answers only from there.
	fromMu sync.RWMutex
	from   map[netip.AddrPort]netip.AddrPort
}

type relayBox struct{ Relay }

type injected struct {
	p    []byte
	from netip.AddrPort
}

func newSocket(udp *net.UDPConn, m *metrics, began time.Time) *mediaSocket {
	s := &mediaSocket{udp: udp, m: m, began: began, from: make(map[netip.AddrPort]netip.AddrPort), sessions: make(map[netip.AddrPort]*transport)}
	if a, ok := udp.LocalAddr().(*net.UDPAddr); ok {
		s.six = a.IP.To4() == nil
	}
	s.rd.init(udp)
	s.in = &batch{sock: s, arena: make([]byte, batchBytes)}
	s.batches.New = func() any { return &batch{sock: s, arena: make([]byte, 16*packetSpace)} }
	return s
}

// batch lends a batch to who is not the reader; done writes it.
func (s *mediaSocket) batch() *batch {
	b := s.batches.Get().(*batch)
	b.at = s.now()
	return b
}

// now is the SFU's clock, monotonic, in nanoseconds.
func (s *mediaSocket) now() int64 { return int64(time.Since(s.began)) }

func (s *mediaSocket) done(b *batch) {
	b.finish()
	s.batches.Put(b)
}

// link says whose media comes from an address; the last who proves an address has it.
func (s *mediaSocket) link(addr netip.AddrPort, t *transport) {
	s.sessionMu.Lock()
	defer s.sessionMu.Unlock()
	s.sessions[addr] = t
}

func (s *mediaSocket) unlink(addr netip.AddrPort, t *transport) {
	s.sessionMu.Lock()
	defer s.sessionMu.Unlock()
	if s.sessions[addr] == t {
		delete(s.sessions, addr)
	}
}

// taken hands a packet of media to its session, with when it came; false: it is Pion's.
func (s *mediaSocket) taken(p []byte, from netip.AddrPort, at int64) bool {
	if !isMedia(p) {
		return false
	}
	s.sessionMu.RLock()
	t := s.sessions[from]
	s.sessionMu.RUnlock()
	if t == nil {
		return false // Pion drops it
	}
	t.receive(s.in, p, at)
	return true
}

func (s *mediaSocket) isRelayed(a netip.AddrPort) bool {
	r := s.relay.Load()
	return r != nil && r.Owns(a)
}

// writeOne writes one packet. An error is the packet's own.
func (s *mediaSocket) writeOne(to *dest, p []byte) {
	var err error
	if to.tcp.conn != nil {
		_, err = to.tcp.conn.WriteTo(p, to.tcp.addr)
	} else {
		_, err = s.WriteToAddrPort(p, to.addr)
	}
	if err != nil {
		s.m.drop(dropWrite)
	}
}

func (s *mediaSocket) setRelay(r Relay) {
	if r == nil {
		s.relay.Store(nil)
		return
	}
	s.relay.Store(&relayBox{r})
}

// deliver queues a packet of the relay for the reader. It never blocks.
func (s *mediaSocket) deliver(p []byte, from, to netip.AddrPort) {
	if len(p) == 0 || len(p) > injectBytes {
		s.m.drop(dropRelayIn)
		return
	}
	s.remember(from, to)
	s.mu.Lock()
	n := int(s.pending.Load())
	if n == injectQueue {
		s.mu.Unlock()
		s.m.drop(dropRelayIn)
		return
	}
	var b []byte
	if k := len(s.free); k > 0 {
		b, s.free = s.free[k-1], s.free[:k-1]
	} else {
		b = make([]byte, 0, injectBytes)
	}
	s.queue[(s.head+n)%injectQueue] = injected{append(b[:0], p...), from}
	s.pending.Add(1)
	s.mu.Unlock()
	// The reader sleeps in the kernel; a deadline in the past wakes it. It clears the deadline before it lowers waking
	// and looks into the queue after, so no packet is left behind however the two interleave.
	if s.waking.CompareAndSwap(false, true) {
		_ = s.udp.SetReadDeadline(time.Unix(1, 0))
	}
}

func (s *mediaSocket) remember(from, to netip.AddrPort) {
	s.fromMu.RLock()
	known := s.from[from] == to
	s.fromMu.RUnlock()
	if known {
		return
	}
	s.fromMu.Lock()
	defer s.fromMu.Unlock()
	if len(s.from) >= replyAddrs {
		for old := range s.from { // any: the next packet of a live one brings it back
			delete(s.from, old)
			break
		}
	}
	s.from[from] = to
}

func (s *mediaSocket) take(b []byte) (int, netip.AddrPort, bool) {
	if s.pending.Load() == 0 {
		return 0, netip.AddrPort{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.queue[s.head]
	s.queue[s.head] = injected{}
	s.head = (s.head + 1) % injectQueue
	s.pending.Add(-1)
	n := copy(b, in.p)
	if len(s.free) < 64 {
		s.free = append(s.free, in.p)
	}
	return n, in.from, true
}

// holdMessages is how many messages must be at stake for the reader to sleep until the rest of a picture has come.
const holdMessages = 16

// flushWithin is how long packets may wait for more that go the same ways.
const flushWithin = 500 * time.Microsecond

// ReadFromAddrPort implements ice.AddrPortReaderWriter: it gives what Pion takes, and on the way carries media from its
// read to the slots, and what the slots wrote to the kernel. The mux has one reader.
func (s *mediaSocket) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		for s.next < s.rd.n {
			p, from := s.rd.packet(s.next)
			at := s.in.at - int64(s.rd.waited(s.next, s.wall)) // in the kernel while this process was busy: no one's delay but ours
			s.next++
			switch {
			case len(p) == 0:
				s.m.drop(dropMalformed)
			case !s.taken(p, from, at):
				return copy(b, p), from, nil
			}
		}
		if n, from, ok := s.take(b); ok {
			if s.taken(b[:n], from, s.in.at) {
				continue
			}
			return n, from, nil
		}
		if err := s.turn(); err != nil {
			return 0, netip.AddrPort{}, err
		}
	}
}

// turn ends one round of reading and begins the next. While the slots' packets were made, more may have come that goes the
// same ways, as the rest of a frame does: it is taken in before the batch is written, unless that has waited for long.
func (s *mediaSocket) turn() error {
	s.in.hand()
	wait := s.in.empty()
	switch {
	case wait:
		s.due = 0
	case s.due == 0:
		s.due = s.in.at + int64(flushWithin)
	case s.in.at > s.due:
		s.in.flush()
		wait, s.due = true, 0
	}
	s.next = 0
	err := s.rd.read(s, wait)
	now := time.Now()
	s.in.at, s.wall = int64(now.Sub(s.began)), now.UnixNano()
	switch {
	case err == nil:
		switch {
		case s.rd.n > 0:
			s.held = false
		case s.in.partial && !s.held && len(s.in.msgs) >= holdMessages:
			s.held = true
			hold()
		default: // nothing more came
			s.in.flush()
			s.due, s.held = 0, false
		}
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded): // the relay wakes the reader
		_ = s.udp.SetReadDeadline(time.Time{})
		s.waking.Store(false)
		return nil
	case errors.Is(err, net.ErrClosed):
		return err
	}
	// An ICMP error of one destination (ECONNREFUSED) is no failure of the socket; the mux would end on it.
	s.m.drop(dropSocketRead)
	return nil
}

// WriteToAddrPort implements ice.AddrPortReaderWriter.
func (s *mediaSocket) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if r := s.relay.Load(); r != nil {
		if name := netip.AddrPortFrom(to.Addr().Unmap(), to.Port()); r.Owns(name) {
			r.Send(func(pass passRelay) { s.toRelay(pass, b, name) })
			return len(b), nil // like the network: a packet that nobody takes is lost, not an error
		}
	}
	return s.udp.WriteToUDPAddrPort(b, to)
}

// ReadFrom implements net.PacketConn.
func (s *mediaSocket) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := s.ReadFromAddrPort(b)
	if err != nil {
		return n, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// WriteTo implements net.PacketConn.
func (s *mediaSocket) WriteTo(b []byte, to net.Addr) (int, error) {
	a, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, &net.AddrError{Err: "not a UDP address", Addr: to.String()}
	}
	return s.WriteToAddrPort(b, a.AddrPort())
}

// LocalAddr implements net.PacketConn.
func (s *mediaSocket) LocalAddr() net.Addr { return s.udp.LocalAddr() }

// Close implements net.PacketConn.
func (s *mediaSocket) Close() error { return s.udp.Close() }

// SetDeadline does nothing: the socket is everyone's, and the mux arms a deadline when one peer closes.
func (s *mediaSocket) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing; the read deadline is the relay's wake-up.
func (s *mediaSocket) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing; see SetDeadline.
func (s *mediaSocket) SetWriteDeadline(time.Time) error { return nil }
