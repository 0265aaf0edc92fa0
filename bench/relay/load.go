package relay

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Target is a TURN server under measurement.
type Target struct {
	Name   string
	Server map[Transport]string // host:port
	// Credentials are those of two users that may reach each other.
	Credentials [2]Credentials
}

// Load says what is sent.
type Load struct {
	Transport Transport
	Pairs     int // of clients; both of a pair send
	Rate      int // packets a second over all
	Size      int // bytes in a packet
	Pacing    Pacing
	For       time.Duration
}

// Figures are what came of it.
type Figures struct {
	Sent, Got int
	Latency   []time.Duration // in order of size
}

// minSize is what a stamp takes.
const minSize = 16

// firstChannel is the lowest channel number (RFC 8656, section 12). Every client has one peer, and so one channel.
const firstChannel = 0x4000

// settle is how long packets may be on their way after the last was sent.
const settle = 300 * time.Millisecond

// Session is pairs of clients with their allocations.
type Session struct {
	Load Load

	clients []*client // i and i^1 are a pair
	ends    []end     // of the same index
	readers sync.WaitGroup
}

// end is the receiving side of a client.
type end struct {
	fd int // UDP: the socket, read in intervals

	// Owned by who reads the client's connection; Run takes them over when it has waited.
	mu      sync.Mutex
	got     int
	latency []time.Duration
	err     error

	sequence uint32 // owned by the sender
}

// Open makes the allocations and binds the channels.
func Open(ctx context.Context, t Target, l Load) (*Session, error) {
	switch {
	case l.Size < minSize:
		return nil, fmt.Errorf("relay: packets of %d bytes; a stamp alone takes %d", l.Size, minSize)
	case l.Pairs < 1:
		return nil, fmt.Errorf("relay: %d pairs; one is the least", l.Pairs)
	case t.Server[l.Transport] == "":
		return nil, fmt.Errorf("relay: %s has no %s port", t.Name, l.Transport)
	}
	s := &Session{Load: l}
	for i := range 2 * l.Pairs {
		c, err := dial(l.Transport, t.Server[l.Transport], t.Credentials[i%2])
		if err == nil {
			s.clients = append(s.clients, c)
			err = c.allocate()
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return nil, errors.Join(fmt.Errorf("relay: client %d of %s: %w", i, t.Name, err), s.Close())
		}
	}
	for i, c := range s.clients {
		if err := c.bind(firstChannel, s.clients[i^1].relayed); err != nil {
			return nil, errors.Join(fmt.Errorf("relay: channel of client %d of %s: %w", i, t.Name, err), s.Close())
		}
	}
	s.ends = make([]end, len(s.clients))
	for i := range s.ends {
		s.ends[i].fd = -1
	}
	for i, c := range s.clients {
		e, err := &s.ends[i], error(nil)
		if !c.stream {
			if e.fd, err = unpolled(c.conn); err != nil {
				return nil, errors.Join(err, s.Close())
			}
			continue
		}
		s.readers.Go(func() { e.read(c) })
	}
	return s, nil
}

// Close gives the allocations back.
func (s *Session) Close() error {
	var errs []error
	for i, c := range s.clients {
		if c.stream { // its reader has the connection: closing it ends the allocation
			errs = append(errs, c.conn.Close())
			continue
		}
		if len(s.ends) > i && s.ends[i].fd >= 0 {
			conn, err := polled(s.ends[i].fd)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			c.conn = conn
		}
		errs = append(errs, c.release())
	}
	s.readers.Wait()
	return errors.Join(errs...)
}

// Run sends for the time given, calls ended when the last packet has come, and says what came. It uses one thread.
func (s *Session) Run(ctx context.Context) (Figures, error) {
	l := s.Load
	events, err := timeline(l.Pacing, len(s.clients), l.Rate)
	if err != nil {
		return Figures{}, err
	}
	for i := range s.ends {
		e := &s.ends[i]
		e.mu.Lock()
		e.got, e.latency = 0, make([]time.Duration, 0, int(l.For.Seconds()+1)*(l.Rate/len(s.clients)+1))
		e.mu.Unlock()
	}
	// A thread of its own, with precise sleep.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1000, 0, 0, 0)
	defer unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) // 0: the thread's default

	var f Figures
	frame := make([]byte, 4+(l.Size+3)&^3)
	binary.BigEndian.PutUint16(frame, firstChannel)
	binary.BigEndian.PutUint16(frame[2:], uint16(l.Size))
	if l.Transport == UDP {
		frame = frame[:4+l.Size]
	}
	buf := make([]byte, 2048)
	drained := time.Now()
	drain := func() {
		if drained = time.Now(); l.Transport == UDP {
			for i := range s.ends {
				s.ends[i].drain(buf)
			}
		}
	}
	start := time.Now()
	for second := time.Duration(0); second < l.For; second += time.Second {
		for _, e := range events {
			if ctx.Err() != nil {
				return f, ctx.Err()
			}
			due := start.Add(second + e.at)
			if second+e.at >= l.For {
				break
			}
			for {
				if time.Since(drained) >= interval {
					drain()
				}
				wait := min(time.Until(due), interval)
				if wait <= 0 {
					break
				}
				ts := unix.NsecToTimespec(int64(wait))
				_ = unix.Nanosleep(&ts, nil)
			}
			from := &s.ends[e.flow]
			for range e.n {
				binary.BigEndian.PutUint32(frame[4:], from.sequence)
				from.sequence++
				binary.BigEndian.PutUint64(frame[8:], uint64(time.Now().UnixNano()))
				if _, err := s.write(e.flow, frame); err != nil {
					return f, fmt.Errorf("relay: sending: %w", err)
				}
				f.Sent++
			}
		}
	}
	for end := time.Now().Add(settle); time.Now().Before(end); drain() {
		ts := unix.NsecToTimespec(int64(interval))
		_ = unix.Nanosleep(&ts, nil)
	}
	for i := range s.ends {
		e := &s.ends[i]
		e.mu.Lock()
		f.Got += e.got
		f.Latency = append(f.Latency, e.latency...)
		err = errors.Join(err, e.err)
		e.mu.Unlock()
	}
	slices.Sort(f.Latency)
	return f, err
}

// interval is how often the clients' UDP sockets are read.
const interval = time.Millisecond

func (s *Session) write(i int, frame []byte) (int, error) {
	if s.clients[i].stream {
		return s.clients[i].conn.Write(frame)
	}
	n, err := unix.Write(s.ends[i].fd, frame)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ECONNREFUSED) {
		return 0, nil // it counts as lost
	}
	return n, err
}

// note takes a packet that came at a time.
func (e *end) note(p []byte, at int64) {
	if len(p) < minSize {
		return
	}
	e.got++
	e.latency = append(e.latency, time.Duration(at-int64(binary.BigEndian.Uint64(p[4:]))))
}
