package turn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// stream is an accepted TCP connection. What its client sends on its channels is passed on here, where it was read; pion/turn
// gets the rest by Read, a whole frame each (RFC 8656, section 2.1: STUN messages and ChannelData one after the other), so
// that its own deframer, which spins on a message length of 65516 and keeps what it cannot read, never sees anything else.
// Writes go to a bounded queue.
type stream struct {
	net.Conn

	// Static after construction.
	listener *listener
	from     netip.AddrPort
	direct   *direct       // nil: only writeLoop can write without being in the way
	wake     chan struct{} // one place: there is something to write
	done     chan struct{} // closed by Close

	// handling is held from one Read's return to the next one's call: while pion/turn handles a request.
	handling sync.Mutex

	port atomic.Pointer[port] // of the client

	// Owned by the reader.
	in      []byte // in[next:till] was read and not yet looked at
	next    int
	till    int
	heard   bool   // since the last read of the connection
	round   *round // nil: nothing was passed on since the last read
	handles bool

	// Guarded by mu.
	mu       sync.Mutex
	closed   bool
	settled  bool      // it holds an allocation
	deadline time.Time // as it was last set
	out      []byte    // frames to write
	spare    []byte    // what out was before, for the next time
	writing  bool      // somebody writes what out was; who finds it set leaves out to them
	listed   bool      // a round is going to push
}

var (
	_ net.Conn = (*stream)(nil)
	_ client   = (*stream)(nil)
)

// A reader begins with the smaller buffer and doubles it as long as reads fill it.
const (
	smallRead = 4 << 10
	largeRead = 32 << 10
)

func newStream(l *listener, c net.Conn, from netip.AddrPort) *stream {
	s := &stream{
		Conn: c, listener: l, from: from, direct: newDirect(c), wake: make(chan struct{}, 1), done: make(chan struct{}),
		in: make([]byte, smallRead),
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
	if s.settled == holds || s.closed {
		return
	}
	s.settled = holds
	d := s.listener.limits.Unauthenticated
	if holds {
		d = s.listener.limits.Idle
	}
	s.deadline = time.Now().Add(d)
	_ = s.SetReadDeadline(s.deadline)
}

// prolong moves the deadline of a connection that holds an allocation: a whole frame came. A timer is touched once in
// a sixteenth of the time, not once per packet.
func (s *stream) prolong() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.settled || s.closed {
		return
	}
	idle := s.listener.limits.Idle
	if next := time.Now().Add(idle); next.Sub(s.deadline) > idle/16 {
		s.deadline = next
		_ = s.SetReadDeadline(next)
	}
}

// Read passes on what needs nobody else, and gives pion/turn the next frame that does.
func (s *stream) Read(b []byte) (int, error) {
	if s.handles {
		s.handles = false
		s.handling.Unlock()
	}
	for {
		size, err := frameSize(s.in[s.next:s.till])
		// pion/turn drops what fills its buffer.
		if err == nil && (size >= maxPacket || size > len(b)) {
			err = fmt.Errorf("turn: a frame of %d bytes; at most %d are taken", size, maxPacket-1)
		}
		if err == nil && (size == 0 || size > s.till-s.next) {
			if err = s.fill(); err == nil {
				continue
			}
		}
		if err != nil {
			s.endRound()
			s.ended(err)
			return 0, err
		}
		frame := s.in[s.next : s.next+size]
		s.next += size
		if !s.heard {
			s.heard = true
			s.prolong()
		}
		if isChannelData(frame) && s.port.Load() != nil {
			if s.round == nil {
				s.round = s.listener.relay.rounds.take()
			}
			if s.listener.relay.shortcut(s.port.Load(), frame, s.round) {
				continue
			}
		}
		if no := s.listener.relay.refusal(clientKey{s.listener, s.from}, frame); no != nil {
			s.listener.metrics.refused.WithLabelValues("request").Inc()
			if _, err := s.Write(no); err != nil {
				return 0, err
			}
			continue
		}
		s.endRound() // nobody waits for what pion/turn does
		s.handling.Lock()
		s.handles = true
		return copy(b, frame), nil
	}
}

func (s *stream) endRound() {
	if s.round != nil {
		s.listener.relay.rounds.end(s.round)
		s.round = nil
	}
}

// fill reads more. What was looked at has been passed on by then.
func (s *stream) fill() error {
	s.endRound()
	to := s.in
	if s.till == len(s.in) && len(s.in) < largeRead {
		to = make([]byte, 2*len(s.in))
	}
	s.till = copy(to, s.in[s.next:s.till])
	s.in, s.next, s.heard = to, 0, false
	n, err := s.Conn.Read(s.in[s.till:])
	s.till += n
	if n > 0 {
		return nil // an error comes again
	}
	return err
}

const (
	stunHeader  = 20
	magicCookie = 0x2112A442
)

var errFrame = errors.New("turn: neither a STUN message nor ChannelData")

// frameSize says how long the frame is that begins with b, with what pads it; 0: not enough is there to say.
func frameSize(b []byte) (int, error) {
	if len(b) < channelHeader {
		return 0, nil
	}
	kind, size := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
	switch {
	case kind < 0x4000: // STUN: the first two bits are zero
		if len(b) < stunHeader {
			return 0, nil
		}
		if binary.BigEndian.Uint32(b[4:]) != magicCookie || size%4 != 0 {
			return 0, errFrame
		}
		return stunHeader + size, nil
	case kind < 0x8000: // a channel number; over TCP the message is padded (RFC 8656, section 12.5)
		return channelHeader + (size+3)&^3, nil
	}
	return 0, errFrame
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
	if s.closed {
		s.mu.Unlock()
		return 0, net.ErrClosed
	}
	queued := s.queue(b, 0)
	s.mu.Unlock()
	if queued {
		s.push()
	}
	return len(b), nil
}

// write queues a frame, padded to four bytes (RFC 8656, section 12.5).
func (s *stream) write(frame []byte, r *round) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || !s.queue(frame, -len(frame)&3) || s.listed {
		return
	}
	s.listed = true
	r.streams = append(r.streams, s)
}

var zeros [3]byte

// queue appends to what is to be written; false: it is full, and the frame is dropped. The caller holds mu.
func (s *stream) queue(frame []byte, pad int) bool {
	if len(s.out)+len(frame)+pad > s.listener.limits.WriteQueue {
		s.listener.metrics.drop(dropStream)
		return false
	}
	s.out = append(s.out, frame...)
	s.out = append(s.out, zeros[:pad]...)
	return true
}

func (s *stream) holds(p *port) { s.port.Store(p) }
func (s *stream) lost(p *port)  { s.port.CompareAndSwap(p, nil) }

// signal wakes the writer. The caller holds mu.
func (s *stream) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// push writes what was queued, at the end of a round. The connection takes it here and now, as far as it has room; what
// is left is writeLoop's, which waits.
func (s *stream) push() {
	s.mu.Lock()
	s.listed = false
	if s.direct == nil {
		s.signal()
		s.mu.Unlock()
		return
	}
	batch := s.take()
	s.mu.Unlock()
	if len(batch) == 0 {
		return
	}
	n := s.direct.write(batch)
	s.mu.Lock()
	if n < len(batch) {
		s.out = append(append(s.spare[:0], batch[n:]...), s.out...)
		s.spare = nil
	}
	s.took(batch)
	s.mu.Unlock()
}

// take gives what is queued to who is going to write it; nothing while another one writes. The caller holds mu.
func (s *stream) take() []byte {
	if s.writing || s.closed || len(s.out) == 0 {
		return nil
	}
	s.writing = true
	batch := s.out
	s.out, s.spare = s.spare[:0], nil
	return batch
}

// took ends what take began. The caller holds mu.
func (s *stream) took(batch []byte) {
	s.writing = false
	if cap(batch) <= keepBuffer { // one burst must not cost its memory for good
		if s.out == nil {
			s.out = batch[:0]
		} else {
			s.spare = batch[:0]
		}
	}
	if len(s.out) > 0 {
		s.signal()
	}
}

// writeLoop writes all that is queued at once, and ends the connection when the client does not take it in time.
func (s *stream) writeLoop() {
	defer s.listener.running.Done()
	for {
		select {
		case <-s.done:
			return
		case <-s.wake:
		}
		s.mu.Lock()
		batch := s.take()
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
		s.mu.Lock()
		s.took(batch)
		s.mu.Unlock()
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
