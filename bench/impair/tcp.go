package impair

import (
	"io"
	"net"
	"sync"
	"time"

	"github.com/pion/transport/v4"
)

// tcpConn is a TCP connection behind the two links of its host.
type tcpConn struct {
	transport.TCPConn
	net *Net
	in  *inlet
	out chan item

	once sync.Once

	// Owned by the writer (callers serialise, as with any stream whose messages matter).
	mu      sync.Mutex
	lastOut time.Time
}

var _ transport.TCPConn = (*tcpConn)(nil)

func newTCP(n *Net, c transport.TCPConn) *tcpConn {
	t := &tcpConn{TCPConn: c, net: n, in: newInlet(), out: make(chan item, queueLen)}
	go t.pump()
	go t.drain()
	return t
}

// due is when a segment arrives: a lost one is sent again a round trip later, and nothing overtakes it.
func (t *tcpConn) due(l Link, last time.Time) time.Time {
	at := time.Now().Add(l.Delay)
	if t.net.loses(l) {
		at = at.Add(2 * (t.net.opts.Out.Delay + t.net.opts.In.Delay))
	}
	if at.Before(last) {
		return last
	}
	return at
}

func (t *tcpConn) pump() {
	buf := make([]byte, 65536)
	var last time.Time
	for {
		n, err := t.TCPConn.Read(buf)
		if n > 0 {
			last = t.due(t.net.opts.In, last)
			// A full queue stops the reading, and TCP's window does the rest.
			select {
			case t.in.items <- item{due: last, data: append([]byte(nil), buf[:n]...)}:
			case <-t.in.closed:
				return
			}
		}
		if err != nil {
			select {
			case t.in.items <- item{due: last, err: err}:
			case <-t.in.closed:
			}
			return
		}
	}
}

func (t *tcpConn) drain() {
	defer t.TCPConn.Close()
	send := func(it item) bool {
		until(it.due, nil)
		_, err := t.TCPConn.Write(it.data)
		return err == nil
	}
	for {
		select {
		case it := <-t.out:
			if !send(it) {
				_ = t.Close()
				return
			}
		case <-t.in.closed:
			_ = t.TCPConn.SetWriteDeadline(time.Now().Add(time.Second))
			for {
				select {
				case it := <-t.out:
					if !send(it) {
						return
					}
				default:
					return
				}
			}
		}
	}
}

func (t *tcpConn) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastOut = t.due(t.net.opts.Out, t.lastOut)
	select {
	case t.out <- item{due: t.lastOut, data: append([]byte(nil), p...)}:
		return len(p), nil
	case <-t.in.closed:
		return 0, net.ErrClosed
	}
}

func (t *tcpConn) Read(p []byte) (int, error) {
	it, err := t.in.next()
	if err != nil {
		return 0, err
	}
	n := copy(p, it.data)
	if n == len(it.data) {
		t.in.head = nil
	} else {
		it.data = it.data[n:]
	}
	return n, nil
}

// ReadFrom implements io.ReaderFrom through Write, for the embedded one would go past the queue.
func (t *tcpConn) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{t}, r)
}

func (t *tcpConn) SetReadDeadline(at time.Time) error { t.in.deadline.Set(at); return nil }

// SetWriteDeadline has no effect before the queue is full, and a full one waits for Close.
func (t *tcpConn) SetWriteDeadline(time.Time) error { return nil }

func (t *tcpConn) SetDeadline(at time.Time) error { return t.SetReadDeadline(at) }

func (t *tcpConn) Close() error {
	t.once.Do(func() { close(t.in.closed) })
	return nil
}
