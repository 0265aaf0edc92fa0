package sfu

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/transport/v4/deadline"

	"atrium/sfu/offer"
)

const (
	pathQueue      = 16                     // datagrams of a handshake that wait; more are dropped, and come again
	pathBytes      = 8 << 10                // longest
	flightEvery    = 300 * time.Millisecond // for the first repetition of a flight, then twice as long
	handshakesMost = 4                      // that may fail before the session is given up
	finalEvery     = 50 * time.Millisecond  // between two repetitions of the last flight
	alertWithin    = time.Second            // for so long it is looked at what may be alerts
)

// association is a session's DTLS. It is there for its handshake, which makes the SRTP keys and proves who the client is; it
// carries no data. So what stays of it afterwards is what is needed to answer the client: the last flight, for a client that
// has not got it (RFC 6347, section 4.2.4), and the state, out of which a connection is made again to say goodbye, or to
// understand the client's. A connection that waits would keep two goroutines and their buffers.
type association struct {
	// Static after construction.
	t *transport

	// Guarded by mu.
	mu      sync.Mutex
	phase   phase
	peer    []offer.Fingerprint // of the client's certificate, any of them
	path    *dtlsPath           // what the client sends goes there; nil: nowhere
	cancel  context.CancelFunc  // ends the handshake
	failed  int                 // handshakes
	state   *dtls.State
	final   []byte // the last flight
	finalAt int64
	left    bool // the client has said goodbye
}

type phase int8

const (
	waiting phase = iota // for the client, which begins
	shaking
	agreed
	over
)

const (
	recordAlert     = 21 // RFC 6347, section 4.1
	recordHandshake = 22
	recordHeader    = 13
)

// isDTLS tells DTLS from the rest (RFC 7983, section 7).
func isDTLS(p []byte) bool { return len(p) >= recordHeader && p[0] >= 20 && p[0] <= 63 }

// receive takes a datagram of the client, which is valid during the call.
func (a *association) receive(p []byte, now int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch a.phase {
	case waiting:
		if p[0] != recordHandshake || !a.t.s.track(1) {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), upWithin)
		a.phase, a.path, a.cancel = shaking, newDTLSPath(a.t), cancel
		close(a.path.ready)
		a.path.put(p)
		go a.shake(ctx, a.path, a.peer)
	case shaking:
		a.path.put(p)
	case agreed:
		a.after(p, now)
	}
}

// after looks at what comes when the handshake is over. It is encrypted; what is not is nobody's.
func (a *association) after(p []byte, now int64) {
	for r := p; len(r) >= recordHeader; {
		kind, epoch, n := r[0], binary.BigEndian.Uint16(r[3:]), int(binary.BigEndian.Uint16(r[11:]))
		if len(r) < recordHeader+n {
			return
		}
		r = r[recordHeader+n:]
		switch {
		case epoch != 1:
		case kind == recordHandshake && now-a.finalAt > int64(finalEvery):
			// The same records once more, not new ones: who has them already drops them.
			a.finalAt = now
			a.t.writeDTLS(a.final)
		case kind != recordAlert:
		case a.path != nil:
			a.path.put(p)
			return
		case a.t.s.track(1):
			a.path = newDTLSPath(a.t)
			a.path.put(p)
			go a.listen(a.path)
			return
		}
	}
}

// shake is the handshake.
func (a *association) shake(ctx context.Context, path *dtlsPath, peer []offer.Fingerprint) {
	defer a.t.s.untrack()
	k, err := a.handshake(ctx, path, peer)
	a.mu.Lock()
	a.cancel()
	a.path = nil
	switch {
	case a.phase == over:
	case err != nil:
		a.phase = waiting // for another try: whoever can forge an address can spoil a handshake
		if a.failed++; a.failed >= handshakesMost || errors.Is(err, errNotTheOffers) {
			a.phase = over
		}
		a.t.s.log.Info("a DTLS handshake failed", "error", err)
	default:
		a.phase, a.state, a.final = agreed, k.state, path.final()
	}
	up := a.phase == agreed
	a.mu.Unlock()
	if up {
		a.t.keys(k.in, k.out)
		a.t.verify()
	}
	a.t.s.wakeup()
}

func (a *association) handshake(ctx context.Context, path *dtlsPath, peer []offer.Fingerprint) (*dtlsKeys, error) {
	conn, err := dtls.ServerWithOptions(path, nowhere, a.t.s.f.engine.server(peer)...)
	if err != nil {
		return nil, err
	}
	err = conn.HandshakeContext(ctx)
	// From here nothing is written by it any more, so that the state's numbers of records stay true. A goodbye is written by
	// none but the one who ends the session.
	if err == nil {
		path.mute()
	}
	defer conn.Close()
	if err != nil {
		return nil, err
	}
	return keysOf(conn)
}

// listen makes the connection again to understand what may be alerts.
func (a *association) listen(path *dtlsPath) {
	defer a.t.s.untrack()
	for {
		left := a.leaves(path)
		a.mu.Lock()
		if !left && a.phase == agreed && len(path.in) > 0 { // which came when it was not listened to any more
			path = path.again()
			a.path = path
			a.mu.Unlock()
			continue
		}
		a.path = nil
		if left = left && a.phase == agreed; left {
			a.phase, a.left, a.state = over, true, nil
		}
		a.mu.Unlock()
		if left {
			a.t.s.wakeup()
		}
		return
	}
}

// leaves says whether the client says goodbye.
func (a *association) leaves(path *dtlsPath) (left bool) {
	conn, err := a.resume(path)
	if err != nil {
		return false
	}
	end := time.Now().Add(alertWithin)
	_ = conn.SetReadDeadline(end)
	for b := make([]byte, pathBytes); !left && time.Now().Before(end); {
		_, err := conn.Read(b)
		left = errors.Is(err, io.EOF) // it has answered, too
	}
	path.mute()
	_ = conn.Close()
	return left
}

// resume makes the connection that the handshake made once more. It reads nothing before it is there: it would take an alert
// for the end of a handshake.
func (a *association) resume(path *dtlsPath) (*dtls.Conn, error) {
	a.mu.Lock()
	state := a.state
	a.mu.Unlock()
	if state == nil {
		return nil, net.ErrClosed
	}
	conn, err := dtls.ResumeWithOptions(state, path, nowhere, a.t.s.f.engine.resumed()...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), alertWithin)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	close(path.ready)
	return conn, nil
}

// gone says whether the client has ended the association.
func (a *association) gone() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.left
}

// close says goodbye, so that the client knows at once, and ends what is under way.
func (a *association) close() {
	a.mu.Lock()
	say := a.phase == agreed
	a.phase = over
	if a.cancel != nil {
		a.cancel()
	}
	if a.path != nil {
		_ = a.path.Close()
	}
	a.mu.Unlock()
	if !say {
		return
	}
	if conn, err := a.resume(newDTLSPath(a.t)); err == nil {
		_ = conn.Close()
	}
	a.mu.Lock()
	a.state, a.final = nil, nil
	a.mu.Unlock()
}

// nowhere is the peer's address as DTLS is told it: where its packets go is ICE's affair.
var nowhere = &net.UDPAddr{}

// dtlsPath is the way between a DTLS connection and the client.
type dtlsPath struct {
	// Static after construction.
	t      *transport
	in     chan []byte
	ready  chan struct{} // closed when it may be read
	closed chan struct{}
	late   *deadline.Deadline
	once   sync.Once

	// Guarded by mu, which is held while a datagram is written: after mute none is.
	mu    sync.Mutex
	muted bool
	last  []byte
}

var _ net.PacketConn = (*dtlsPath)(nil)

func newDTLSPath(t *transport) *dtlsPath {
	return &dtlsPath{t: t, in: make(chan []byte, pathQueue), ready: make(chan struct{}), closed: make(chan struct{}), late: deadline.New()}
}

// again is a path with the queue of this one.
func (c *dtlsPath) again() *dtlsPath {
	d := newDTLSPath(c.t)
	d.in = c.in
	return d
}

// put queues a datagram. It never blocks.
func (c *dtlsPath) put(p []byte) {
	if len(p) > pathBytes || len(c.in) == cap(c.in) {
		return
	}
	select {
	case c.in <- append([]byte(nil), p...):
	default:
	}
}

func (c *dtlsPath) mute() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.muted = true
}

// final is the last flight: of a server it is one datagram.
func (c *dtlsPath) final() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// ReadFrom implements net.PacketConn.
func (c *dtlsPath) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case <-c.late.Done():
		return 0, nil, c.late.Err()
	default:
	}
	select {
	case <-c.ready:
	case <-c.late.Done():
		return 0, nil, c.late.Err()
	case <-c.closed:
		return 0, nil, net.ErrClosed
	}
	select {
	case p := <-c.in:
		return copy(b, p), nowhere, nil
	case <-c.late.Done():
		return 0, nil, c.late.Err()
	case <-c.closed:
		return 0, nil, net.ErrClosed
	}
}

// WriteTo implements net.PacketConn.
func (c *dtlsPath) WriteTo(b []byte, _ net.Addr) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.muted {
		c.last = append([]byte(nil), b...)
		c.t.writeDTLS(b)
	}
	return len(b), nil
}

// Close implements net.PacketConn.
func (c *dtlsPath) Close() error { c.once.Do(func() { close(c.closed) }); return nil }

// LocalAddr implements net.PacketConn.
func (c *dtlsPath) LocalAddr() net.Addr { return nowhere }

// SetDeadline implements net.PacketConn.
func (c *dtlsPath) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetReadDeadline implements net.PacketConn.
func (c *dtlsPath) SetReadDeadline(t time.Time) error { c.late.Set(t); return nil }

// SetWriteDeadline does nothing: a write never waits.
func (c *dtlsPath) SetWriteDeadline(time.Time) error { return nil }
