package turn

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"atrium/turn/batch"
)

// readBuffer is asked for a UDP socket: what comes while its reader is not running waits there. It is 1,800 packets of
// 1,200 bytes, as the kernel counts them.
const readBuffer = 4 << 20

// gather is how long packets may gather while they come so fast that waking for each costs more than passing it on: the
// most that the relay adds to their way.
const gather = 100 * time.Microsecond

// socket is a UDP socket as pion/turn sees it. What clients send on their channels is passed on here; pion/turn reads the
// rest. Refusals are answered here, and a read error does not end it.
type socket struct {
	// Static after construction.
	conn    net.PacketConn // as it was given
	udp     *batch.Socket  // which has taken conn over; nil for other implementations, such as a virtual network's
	relay   *relay
	log     *slog.Logger
	metrics *metrics

	// handling is held from one ReadFrom's return to the next one's call: while pion/turn handles a request.
	handling sync.Mutex

	// Owned by the reader.
	in      source
	n, next int // datagrams of in, and the first that was not looked at
	round   *round
	holds   bool

	// Guarded by mu: the ports of the clients that are reached through this socket.
	mu    sync.RWMutex
	ports map[netip.AddrPort]*port

	closing sync.Once
	closed  chan struct{}
}

var (
	_ net.PacketConn = (*socket)(nil)
	_ door           = (*socket)(nil)
)

// source reads datagrams, some at a time; they stay as they are until the next read.
type source interface {
	Read() (int, error)
	At(i int) ([]byte, netip.AddrPort)
}

// newSocket takes a socket over.
func newSocket(c net.PacketConn, r *relay, log *slog.Logger, m *metrics) (*socket, error) {
	s := &socket{
		conn: c, relay: r, log: log, metrics: m, round: newRound(m),
		ports: make(map[netip.AddrPort]*port), closed: make(chan struct{}),
	}
	udp, ok := c.(*net.UDPConn)
	if !ok {
		s.in = &single{conn: c}
		return s, nil
	}
	var err error
	if s.udp, err = batch.Open(udp); err != nil {
		return nil, err
	}
	s.udp.SetReadBuffer(readBuffer)
	s.in = batch.NewReader(s.udp, roundPackets, maxPacket, gather)
	return s, nil
}

// ReadFrom passes on what needs nobody else, and gives pion/turn the next datagram that does. It returns an error only
// once the socket is closed, because pion/turn's read loop ends at the first.
func (s *socket) ReadFrom(b []byte) (int, net.Addr, error) {
	if s.holds {
		s.holds = false
		s.handling.Unlock()
	}
	for {
		for s.next < s.n {
			p, from := s.in.At(s.next)
			s.next++
			if isChannelData(p) && s.relay.shortcut(s.port(from), p, s.round) {
				continue
			}
			if no := s.relay.refusal(clientKey{s, from}, p); no != nil {
				s.metrics.refused.WithLabelValues("request").Inc()
				_ = s.write(no, from)
				continue
			}
			s.round.end() // nobody waits for what pion/turn does
			s.handling.Lock()
			s.holds = true
			return copy(b, p), net.UDPAddrFromAddrPort(from), nil
		}
		s.round.end()
		n, err := s.in.Read()
		s.n, s.next = n, 0
		if err == nil {
			continue
		}
		if s.isClosed() || errors.Is(err, net.ErrClosed) {
			return 0, nil, net.ErrClosed
		}
		s.log.Warn("turn: reading the UDP socket", "address", s.LocalAddr(), "error", err)
		if !pause(s.closed) {
			return 0, nil, net.ErrClosed
		}
	}
}

// isChannelData tells ChannelData from STUN by its first two bits (RFC 8656, section 12).
func isChannelData(b []byte) bool { return len(b) >= channelHeader && b[0]&0xC0 == 0x40 }

// WriteTo sends an answer or a relayed packet of pion/turn's.
func (s *socket) WriteTo(b []byte, to net.Addr) (int, error) {
	at, ok := addrPort(to)
	if !ok {
		return 0, &net.AddrError{Err: "not a UDP address", Addr: to.String()}
	}
	if d, ok := granted(b); ok {
		s.relay.granted(clientKey{s, at}, d)
	}
	return len(b), s.write(b, at)
}

func (s *socket) write(b []byte, to netip.AddrPort) error {
	if s.udp != nil {
		return s.udp.WriteTo(b, to)
	}
	_, err := s.conn.WriteTo(b, net.UDPAddrFromAddrPort(to))
	return err
}

// pause keeps an error that stays from turning a loop into a hot one. False: closed meanwhile.
func pause(closed <-chan struct{}) bool {
	t := time.NewTimer(20 * time.Millisecond)
	defer t.Stop()
	select {
	case <-closed:
		return false
	case <-t.C:
		return true
	}
}

func (s *socket) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// LocalAddr is the address that clients see.
func (s *socket) LocalAddr() net.Addr { return s.conn.LocalAddr() }

// SetDeadline and its kin do nothing: pion/turn sets none.
func (s *socket) SetDeadline(time.Time) error      { return nil }
func (s *socket) SetReadDeadline(time.Time) error  { return nil }
func (s *socket) SetWriteDeadline(time.Time) error { return nil }

// Close closes the socket.
func (s *socket) Close() error {
	err := net.ErrClosed
	s.closing.Do(func() {
		close(s.closed)
		if s.udp != nil {
			err = s.udp.Close()
		} else {
			err = s.conn.Close()
		}
	})
	return err
}

// port gives the port of a client.
func (s *socket) port(from netip.AddrPort) *port {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.ports[from]
}

func (s *socket) client(from netip.AddrPort) client {
	d := &datagrams{socket: s, from: from}
	if s.udp != nil {
		d.to = s.udp.Dest(from)
	}
	return d
}

func (s *socket) gate(netip.AddrPort) *sync.Mutex { return &s.handling }

func (s *socket) settled(netip.AddrPort, bool) {}

// datagrams is a client behind a UDP socket.
type datagrams struct {
	socket *socket
	from   netip.AddrPort
	to     *batch.Dest // nil where the socket is not batched
}

func (d *datagrams) write(frame []byte, r *round) {
	if d.to != nil {
		r.out.Add(d.to, frame)
		return
	}
	_ = d.socket.write(frame, d.from)
}

func (d *datagrams) holds(p *port) {
	d.socket.mu.Lock()
	defer d.socket.mu.Unlock()
	d.socket.ports[d.from] = p
}

func (d *datagrams) lost(p *port) {
	d.socket.mu.Lock()
	defer d.socket.mu.Unlock()
	if d.socket.ports[d.from] == p {
		delete(d.socket.ports, d.from)
	}
}

// single reads a socket that is not batched.
type single struct {
	conn net.PacketConn
	buf  [maxPacket]byte
	n    int
	from netip.AddrPort
}

func (s *single) Read() (int, error) {
	n, from, err := s.conn.ReadFrom(s.buf[:])
	if err != nil {
		return 0, err
	}
	a, ok := addrPort(from)
	if !ok {
		return 0, nil
	}
	s.n, s.from = n, a
	return 1, nil
}

func (s *single) At(int) ([]byte, netip.AddrPort) { return s.buf[:s.n], s.from }
