//go:build !linux

package batch

import (
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// Socket is a UDP socket. Its methods may be called at the same time.
type Socket struct {
	udp    *net.UDPConn
	closed atomic.Bool
}

// Open takes over a socket, which must not be used any more.
func Open(c *net.UDPConn) (*Socket, error) { return &Socket{udp: c}, nil }

// LocalAddr is the socket's address.
func (s *Socket) LocalAddr() net.Addr { return s.udp.LocalAddr() }

// SetReadBuffer asks for room for so many bytes.
func (s *Socket) SetReadBuffer(bytes int) { _ = s.udp.SetReadBuffer(bytes) }

// segments says whether runs leave as one message.
func (s *Socket) segments() bool { return false }

// WriteTo writes one datagram at once.
func (s *Socket) WriteTo(p []byte, to netip.AddrPort) error {
	if _, err := s.udp.WriteToUDPAddrPort(p, to); err != nil {
		return fmt.Errorf("batch: writing to %v: %w", to, err)
	}
	return nil
}

// Close ends reads and writes.
func (s *Socket) Close() error {
	s.closed.Store(true)
	return s.udp.Close()
}

// Dest is where a socket's datagrams go.
type Dest struct {
	socket *Socket
	to     netip.AddrPort
}

// Dest makes a destination for this socket.
func (s *Socket) Dest(to netip.AddrPort) *Dest { return &Dest{s, to} }

// Reader reads datagrams into a buffer of its own. Use it from one goroutine at a time.
type Reader struct {
	socket *Socket
	buf    []byte
	n      int
	from   netip.AddrPort
}

// NewReader makes a Reader of datagrams of up to size bytes; the rest of a longer one is lost. It reads one at a time.
func NewReader(s *Socket, _, size int, _ time.Duration) *Reader {
	return &Reader{socket: s, buf: make([]byte, size)}
}

// Read waits for datagrams and gives how many there are. What it gave before is lost.
func (r *Reader) Read() (int, error) {
	n, from, err := r.socket.udp.ReadFromUDPAddrPort(r.buf)
	if r.socket.closed.Load() {
		return 0, net.ErrClosed
	}
	if err != nil {
		return 0, fmt.Errorf("batch: reading: %w", err)
	}
	r.n, r.from = n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	return 1, nil
}

// At gives a datagram and where it came from. It is the caller's until the next Read.
func (r *Reader) At(int) ([]byte, netip.AddrPort) { return r.buf[:r.n], r.from }

type sysWriter struct{}

func (sysWriter) init(*Writer, int) {}

func (w *Writer) write() {
	for i := range w.runs {
		w.stats.Calls++
		if _, err := w.socket.udp.WriteToUDPAddrPort(w.queue[w.runs[i].first].p, w.runs[i].to.to); err != nil {
			w.stats.Failed++
			continue
		}
		w.stats.Messages++
		w.stats.Datagrams++
	}
}
