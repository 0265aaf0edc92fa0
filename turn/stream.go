package turn

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// stream is an accepted TCP connection. Each Read gives one whole frame (RFC 8656, section 2.1: STUN messages and
// ChannelData one after the other), so that pion/turn's own deframer, which spins on a message length of 65516 and
// keeps what it cannot read, never sees anything else. Writes go to a bounded queue.
type stream struct {
	net.Conn

	// Static after construction.
	listener *listener
	from     netip.AddrPort
	wake     chan struct{} // one place: there is something to write
	done     chan struct{} // closed by Close

	// handling is held from one Read's return to the next one's call: while pion/turn handles a request.
	handling sync.Mutex

	// Owned by the reader.
	r       *bufio.Reader
	handles bool

	// Guarded by mu.
	mu       sync.Mutex
	closed   bool
	holds    bool      // an allocation
	deadline time.Time // as it was last set
	out      []byte    // frames to write
}

var (
	_ net.Conn = (*stream)(nil)
	_ client   = (*stream)(nil)
)

func newStream(l *listener, c net.Conn, from netip.AddrPort) *stream {
	s := &stream{
		Conn: c, listener: l, from: from, wake: make(chan struct{}, 1), done: make(chan struct{}),
		r: bufio.NewReaderSize(c, 4096),
	}
	// Absolute: trickling bytes do not prolong it.
	s.deadline = time.Now().Add(l.limits.Unauthenticated)
	_ = c.SetReadDeadline(s.deadline)
	return s
}

// settle notes that the connection holds an allocation, or holds none any more.
func (s *stream) settle(holds bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.holds == holds || s.closed {
		return
	}
	s.holds = holds
	d := s.listener.limits.Unauthenticated
	if holds {
		d = s.listener.limits.Idle
	}
	s.deadline = time.Now().Add(d)
	_ = s.SetReadDeadline(s.deadline)
}

// heard moves the deadline of a connection that holds an allocation: a whole frame came. A timer is touched once in
// a sixteenth of the time, not once per packet.
func (s *stream) heard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.holds || s.closed {
		return
	}
	idle := s.listener.limits.Idle
	if next := time.Now().Add(idle); next.Sub(s.deadline) > idle/16 {
		s.deadline = next
		_ = s.SetReadDeadline(next)
	}
}

// Read gives the next frame.
func (s *stream) Read(b []byte) (int, error) {
	if s.handles {
		s.handles = false
		s.handling.Unlock()
	}
	for {
		n, err := s.frame(b)
		if err != nil {
			s.ended(err)
			return 0, err
		}
		s.heard()
		if no := refusal(b[:n]); no != nil {
			s.listener.metrics.refused.WithLabelValues("request").Inc()
			if _, err := s.Write(no); err != nil {
				return 0, err
			}
			continue
		}
		s.handling.Lock()
		s.handles = true
		return n, nil
	}
}

const (
	stunHeader  = 20
	magicCookie = 0x2112A442
)

// frame reads one frame into b.
func (s *stream) frame(b []byte) (int, error) {
	head, err := s.r.Peek(4)
	if err != nil {
		return 0, err
	}
	kind, size := binary.BigEndian.Uint16(head), int(binary.BigEndian.Uint16(head[2:]))
	switch {
	case kind < 0x4000: // STUN: the first two bits are zero
		if head, err = s.r.Peek(stunHeader); err != nil {
			return 0, err
		}
		if binary.BigEndian.Uint32(head[4:]) != magicCookie || size%4 != 0 {
			return 0, errors.New("turn: neither a STUN message nor ChannelData")
		}
		size += stunHeader
	case kind < 0x8000: // a channel number; over TCP the message is padded (RFC 8656, section 12.5)
		size = 4 + (size+3)&^3
	default:
		return 0, errors.New("turn: neither a STUN message nor ChannelData")
	}
	// pion/turn drops what fills its buffer.
	if size >= maxPacket || size > len(b) {
		return 0, fmt.Errorf("turn: a frame of %d bytes; at most %d are taken", size, maxPacket-1)
	}
	return io.ReadFull(s.r, b[:size])
}

// ended counts why the server ends a connection.
func (s *stream) ended(err error) {
	why := "protocol"
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrUnexpectedEOF):
		return
	case errors.Is(err, os.ErrDeadlineExceeded):
		why = "idle"
	}
	s.listener.metrics.connections.WithLabelValues(why).Inc()
}

// Write queues one frame. It never blocks: a client that stops reading loses what does not fit.
func (s *stream) Write(b []byte) (int, error) {
	if d, ok := granted(b); ok {
		s.listener.relay.granted(clientKey{s.listener, s.from}, d)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, net.ErrClosed
	}
	if len(s.out)+len(b) > s.listener.limits.WriteQueue {
		s.listener.metrics.drop(dropStream)
		return len(b), nil
	}
	s.out = append(s.out, b...)
	s.signal()
	return len(b), nil
}

// writeChannelData queues a ChannelData message, padded to four bytes (RFC 8656, section 12.5).
func (s *stream) writeChannelData(channel uint16, p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	pad := -len(p) & 3
	if s.closed {
		return
	}
	if len(s.out)+4+len(p)+pad > s.listener.limits.WriteQueue {
		s.listener.metrics.drop(dropStream)
		return
	}
	s.out = append(s.out, byte(channel>>8), byte(channel), byte(len(p)>>8), byte(len(p)))
	s.out = append(s.out, p...)
	s.out = append(s.out, make([]byte, pad)...)
	s.signal()
}

// signal wakes the writer. The caller holds mu.
func (s *stream) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// writeLoop writes all that is queued at once, and ends the connection when the client does not take it in time.
func (s *stream) writeLoop() {
	defer s.listener.running.Done()
	var batch []byte
	for {
		select {
		case <-s.done:
			return
		case <-s.wake:
		}
		s.mu.Lock()
		batch, s.out = s.out, batch[:0]
		s.mu.Unlock()
		if len(batch) == 0 {
			continue
		}
		if err := s.flush(batch); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				s.listener.metrics.connections.WithLabelValues("unread").Inc()
			}
			_ = s.Close()
			return
		}
		if cap(batch) > keepBuffer {
			batch = nil // one burst must not cost its memory for good
		}
	}
}

const (
	keepBuffer = 32 << 10
	chunk      = 16 << 10
)

// flush writes a batch in pieces, each with its own deadline, so that a slow reader lives and one that stopped does
// not.
func (s *stream) flush(b []byte) error {
	for len(b) > 0 {
		piece := b[:min(len(b), chunk)]
		if err := s.SetWriteDeadline(time.Now().Add(s.listener.limits.WriteTimeout)); err != nil {
			return err
		}
		if _, err := s.Conn.Write(piece); err != nil {
			return err
		}
		b = b[len(piece):]
	}
	return nil
}

// Close ends the connection; pion/turn's read loop then drops its allocation.
func (s *stream) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.done)
	s.mu.Unlock()
	s.listener.forget(s)
	return s.Conn.Close()
}
