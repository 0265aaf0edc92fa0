package turn

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// socket is a UDP socket as pion/turn sees it: refusals are answered here, and a read error does not end it.
type socket struct {
	net.PacketConn
	udp     *net.UDPConn // nil for other implementations, such as a virtual network's
	relay   *relay
	log     *slog.Logger
	metrics *metrics

	// handling is held from one ReadFrom's return to the next one's call: while pion/turn handles a request.
	handling sync.Mutex
	holds    bool // owned by the reader

	closing sync.Once
	closed  chan struct{}
}

var (
	_ net.PacketConn = (*socket)(nil)
	_ door           = (*socket)(nil)
)

func newSocket(c net.PacketConn, r *relay, log *slog.Logger, m *metrics) *socket {
	udp, _ := c.(*net.UDPConn)
	return &socket{PacketConn: c, udp: udp, relay: r, log: log, metrics: m, closed: make(chan struct{})}
}

// ReadFrom returns an error only once the socket is closed, because pion/turn's read loop ends at the first.
func (s *socket) ReadFrom(b []byte) (int, net.Addr, error) {
	if s.holds {
		s.holds = false
		s.handling.Unlock()
	}
	for {
		n, from, err := s.PacketConn.ReadFrom(b)
		if err != nil {
			select {
			case <-s.closed:
				return 0, nil, net.ErrClosed
			default:
			}
			if errors.Is(err, net.ErrClosed) {
				return 0, nil, err
			}
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				s.log.Warn("turn: reading the UDP socket", "address", s.LocalAddr(), "error", err)
			}
			if !pause(s.closed) {
				return 0, nil, net.ErrClosed
			}
			continue
		}
		if no := refusal(b[:n]); no != nil {
			s.metrics.refused.WithLabelValues("request").Inc()
			_, _ = s.PacketConn.WriteTo(no, from)
			continue
		}
		s.handling.Lock()
		s.holds = true
		return n, from, nil
	}
}

// WriteTo sends an answer or a relayed packet of pion/turn's.
func (s *socket) WriteTo(b []byte, to net.Addr) (int, error) {
	if d, ok := granted(b); ok {
		if from, ok := addrPort(to); ok {
			s.relay.granted(clientKey{s, from}, d)
		}
	}
	return s.PacketConn.WriteTo(b, to)
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

// Close closes the socket.
func (s *socket) Close() error {
	err := net.ErrClosed
	s.closing.Do(func() {
		close(s.closed)
		err = s.PacketConn.Close()
	})
	return err
}

func (s *socket) client(from netip.AddrPort) client {
	return &datagrams{socket: s, to: from, addr: net.UDPAddrFromAddrPort(from)}
}

func (s *socket) gate(netip.AddrPort) *sync.Mutex { return &s.handling }

func (s *socket) settled(netip.AddrPort, bool) {}

// datagrams is a client behind a UDP socket.
type datagrams struct {
	socket *socket
	to     netip.AddrPort
	addr   *net.UDPAddr
}

// writeChannelData writes a ChannelData message (RFC 8656, section 12.4), over UDP without padding.
func (d *datagrams) writeChannelData(channel uint16, p []byte) {
	k := packets.Get().(*packet)
	defer packets.Put(k)
	n := putChannelData(k.buf[:], channel, p)
	if d.socket.udp != nil {
		// An AddrPort is written without allocating. A socket that listens on IPv6 takes IPv4 only mapped; the
		// net package does that by itself.
		_, _ = d.socket.udp.WriteToUDPAddrPort(k.buf[:n], d.to)
		return
	}
	_, _ = d.socket.PacketConn.WriteTo(k.buf[:n], d.addr)
}

// putChannelData writes header and data and gives their length.
func putChannelData(b []byte, channel uint16, p []byte) int {
	b[0], b[1], b[2], b[3] = byte(channel>>8), byte(channel), byte(len(p)>>8), byte(len(p))
	return 4 + copy(b[4:], p)
}
