package turn

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// listener takes TCP (or TLS) connections for pion/turn, which itself knows neither bounds nor deadlines and leaves
// accepted connections open when it is closed.
type listener struct {
	net.Listener

	// Static after construction.
	relay   *relay
	limits  Limits
	log     *slog.Logger
	metrics *metrics
	stopped chan struct{}

	// Guarded by mu.
	mu      sync.Mutex
	closed  bool
	streams map[netip.AddrPort]*stream
	each    map[netip.Addr]int
	running sync.WaitGroup // the streams' writers
}

var (
	_ net.Listener = (*listener)(nil)
	_ door         = (*listener)(nil)
)

func newListener(l net.Listener, r *relay, limits Limits, log *slog.Logger, m *metrics) *listener {
	return &listener{
		Listener: l, relay: r, limits: limits, log: log, metrics: m, stopped: make(chan struct{}),
		streams: make(map[netip.AddrPort]*stream), each: make(map[netip.Addr]int),
	}
}

// Accept returns an error only once the listener is closed: pion/turn stops accepting at the first, and running out
// of file descriptors passes.
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			select {
			case <-l.stopped:
				return nil, net.ErrClosed
			default:
			}
			l.log.Warn("turn: accepting a TCP connection", "address", l.Addr(), "error", err)
			if !pause(l.stopped) {
				return nil, net.ErrClosed
			}
			continue
		}
		if s := l.admit(c); s != nil {
			return s, nil
		}
		_ = c.Close()
	}
}

// admit takes a connection within the bounds.
func (l *listener) admit(c net.Conn) *stream {
	from, ok := addrPort(c.RemoteAddr())
	if !ok {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// The same remote address twice: two local addresses of a wildcard listener. pion/turn tells them apart, its
	// handlers cannot.
	if l.closed || l.streams[from] != nil || len(l.streams) >= l.limits.Connections || l.each[from.Addr()] >= l.limits.PerAddress {
		l.metrics.connections.WithLabelValues("bound").Inc()
		return nil
	}
	s := newStream(l, c, from)
	l.streams[from] = s
	l.each[from.Addr()]++
	l.running.Add(1)
	go s.writeLoop()
	return s
}

// forget takes a closed stream out.
func (l *listener) forget(s *stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.streams[s.from] != s {
		return
	}
	delete(l.streams, s.from)
	if l.each[s.from.Addr()]--; l.each[s.from.Addr()] == 0 {
		delete(l.each, s.from.Addr())
	}
}

func (l *listener) stream(from netip.AddrPort) *stream {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.streams[from]
}

func (l *listener) client(from netip.AddrPort) client {
	if s := l.stream(from); s != nil {
		return s
	}
	return nil
}

func (l *listener) gate(from netip.AddrPort) *sync.Mutex {
	if s := l.stream(from); s != nil {
		return &s.handling
	}
	return nil
}

func (l *listener) settled(from netip.AddrPort, holds bool) {
	if s := l.stream(from); s != nil {
		s.settle(holds)
	}
}

func (l *listener) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.streams)
}

// Close closes the listener and every connection that it accepted.
func (l *listener) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return net.ErrClosed
	}
	l.closed = true
	close(l.stopped)
	open := make([]*stream, 0, len(l.streams))
	for _, s := range l.streams {
		open = append(open, s)
	}
	l.mu.Unlock()
	err := l.Listener.Close()
	for _, s := range open {
		_ = s.Close()
	}
	return err
}

// wait waits for the streams' writers.
func (l *listener) wait(d time.Duration) {
	done := make(chan struct{})
	go func() {
		l.running.Wait()
		close(done)
	}()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
}
