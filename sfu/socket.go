package sfu

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"atrium/sfu/ice"
)

const (
	injectQueue = 1024            // packets from the relay that wait for the reader; full: the newest is dropped
	injectBytes = 2048            // longest packet taken from the relay; media stays under 1,500
	replyAddrs  = 4096            // relayed names whose way back is remembered
	waitedMost  = 2 * time.Second // in the kernel; the socket's buffer is full before
)

// mediaSocket is the one UDP socket of all sessions. Its reader takes what has come, answers checks, and hands DTLS and media
// to the session whose address it comes from. Packets that the relay hands over come out of the same reads as those of the
// network, and packets to a relayed name go to the relay instead of the kernel.
type mediaSocket struct {
	// Static after construction.
	udp   *net.UDPConn
	began time.Time // the SFU's clock begins
	six   bool      // an IPv6 socket, which takes IPv4 as well where it is bound to all addresses
	m     *metrics
	// handle takes each packet, which is valid during the call, with when it came.
	handle func(b *batch, p []byte, from netip.AddrPort, at int64)
	reads  bool          // there is a reader
	ended  chan struct{} // closed when it has ended

	relay atomic.Pointer[relayBox]

	// Packets of the relay. waking is true from the moment a writer set out to wake the reader until the reader has
	// taken notice; pending counts what is queued, so that the common read costs one atomic load.
	waking  atomic.Bool
	pending atomic.Int32
	mu      sync.Mutex
	queue   [injectQueue]injected
	head    int
	free    [][]byte

	// sessions says whose packets an address sends, expected whom a check is for that names a user fragment.
	sessionMu sync.RWMutex
	sessions  map[netip.AddrPort]*transport
	expected  map[string]*transport

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

var errQueueFull = errors.New("sfu: a TCP client's queue is full")

type relayBox struct{ Relay }

type injected struct {
	p    []byte
	from netip.AddrPort
}

func newSocket(udp *net.UDPConn, m *metrics, began time.Time) *mediaSocket {
	s := &mediaSocket{udp: udp, m: m, began: began, from: make(map[netip.AddrPort]netip.AddrPort), sessions: make(map[netip.AddrPort]*transport),
		expected: make(map[string]*transport), ended: make(chan struct{})}
	s.handle = s.dispatch
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

// linked says whether packets from an address are a session's.
func (s *mediaSocket) linked(addr netip.AddrPort, t *transport) bool {
	s.sessionMu.RLock()
	defer s.sessionMu.RUnlock()
	return s.sessions[addr] == t
}

// expect says whom checks are for that name a user fragment.
func (s *mediaSocket) expect(ufrag string, t *transport) {
	s.sessionMu.Lock()
	defer s.sessionMu.Unlock()
	s.expected[ufrag] = t
}

func (s *mediaSocket) unexpect(ufrag string) {
	s.sessionMu.Lock()
	defer s.sessionMu.Unlock()
	delete(s.expected, ufrag)
}

// dispatch tells the packets of one port from each other (RFC 7983, section 7).
func (s *mediaSocket) dispatch(b *batch, p []byte, from netip.AddrPort, at int64) {
	if ice.IsSTUN(p) {
		if answer := s.check(p, from, nil); answer != nil {
			if _, err := s.WriteToAddrPort(answer, from); err != nil {
				s.m.drop(dropWrite)
			}
		}
		return
	}
	s.sessionMu.RLock()
	t := s.sessions[from]
	s.sessionMu.RUnlock()
	switch {
	case t == nil: // of nobody who has proved that it is there
		s.m.drop(dropUnknown)
	case isMedia(p):
		t.receive(b, p, at)
	case isDTLS(p):
		t.arrivesDTLS(p, from, at)
	}
}

// check finds whom a check is for, and gives the answer to it; nil: none.
func (s *mediaSocket) check(p []byte, from netip.AddrPort, conn *tcpConn) []byte {
	c, ok := ice.Read(p)
	if !ok {
		return nil
	}
	s.sessionMu.RLock()
	t := s.expected[string(c.To())]
	s.sessionMu.RUnlock()
	if t == nil {
		return nil
	}
	return t.check(&c, from, conn)
}

func (s *mediaSocket) isRelayed(a netip.AddrPort) bool {
	r := s.relay.Load()
	return r != nil && r.Owns(a)
}

// writeOne writes one packet. An error is the packet's own.
func (s *mediaSocket) writeOne(to *dest, p []byte) {
	var err error
	if to.tcp != nil {
		if !to.tcp.send(p) {
			err = errQueueFull
		}
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

// start begins to read. It is called once, before Close.
func (s *mediaSocket) start() {
	s.reads = true
	go s.run()
}

// run is the reader: it carries media from its read to the slots, and what the slots wrote to the kernel, until the socket is
// closed.
func (s *mediaSocket) run() {
	defer close(s.ended)
	injected := make([]byte, injectBytes)
	for {
		for s.next < s.rd.n {
			p, from := s.rd.packet(s.next)
			at := s.in.at - int64(s.rd.waited(s.next, s.wall)) // in the kernel while this process was busy: no one's delay but ours
			s.next++
			if len(p) == 0 {
				s.m.drop(dropMalformed)
				continue
			}
			s.handle(s.in, p, from, at)
		}
		if n, from, ok := s.take(injected); ok {
			s.handle(s.in, injected[:n], from, s.in.at)
			if len(s.in.arrived) >= arrivedMost {
				s.in.hand()
			}
			continue
		}
		if err := s.turn(); err != nil {
			return
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
	// An ICMP error of one destination (ECONNREFUSED) is no failure of the socket.
	s.m.drop(dropSocketRead)
	return nil
}

// WriteToAddrPort writes one packet to the network or the relay.
func (s *mediaSocket) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if r := s.relay.Load(); r != nil {
		if name := netip.AddrPortFrom(to.Addr().Unmap(), to.Port()); r.Owns(name) {
			r.Send(func(pass passRelay) { s.toRelay(pass, b, name) })
			return len(b), nil // like the network: a packet that nobody takes is lost, not an error
		}
	}
	return s.udp.WriteToUDPAddrPort(b, to)
}

// LocalAddr is where the socket hears.
func (s *mediaSocket) LocalAddr() net.Addr { return s.udp.LocalAddr() }

// Close closes the socket, and waits for the reader where there is one.
func (s *mediaSocket) Close() error {
	err := s.udp.Close()
	if s.reads {
		<-s.ended
	}
	return err
}
