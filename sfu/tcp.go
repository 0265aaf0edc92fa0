package sfu

import (
	"bufio"
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/netutil"

	"atrium/sfu/ice"
)

const (
	tcpConns     = 4096 // ICE-TCP connections at once; more wait in the listener's backlog
	tcpConnsMost = 8    // of one session; the oldest is closed

	tcpFirstCheck  = 10 * time.Second // a connection that brings no valid check by then is closed
	tcpWriteWithin = 10 * time.Second // a client that takes nothing for so long is
	tcpQueue       = 512 << 10        // bytes that wait for a client: half a second of 8 Mbit/s; full: its packets are dropped
	tcpKeep        = 16 << 10         // bytes of a queue's memory that are kept when it is empty
	tcpRead        = 8 << 10          // longest frame
)

// tcpConn is a client's TCP connection: packets in frames (RFC 4571), to us as the passive side (RFC 6544). Its reader takes
// them where the socket's reader takes those of UDP. What goes out waits in a queue of bytes, which a writer takes as a whole,
// so that a client that stops reading holds up nobody.
type tcpConn struct {
	// Static after construction.
	net.Conn
	sock *mediaSocket
	from netip.AddrPort
	wake chan struct{}

	t atomic.Pointer[transport] // whose it is: a check has proved it; nil: nobody's yet

	// Guarded by mu.
	mu     sync.Mutex
	queue  []byte
	closed bool
}

// tcpPort takes TCP connections.
type tcpPort struct {
	// Static after construction.
	l    net.Listener
	sock *mediaSocket
	wg   sync.WaitGroup

	// Guarded by mu.
	mu     sync.Mutex
	conns  map[*tcpConn]struct{}
	closed bool
}

func newTCPPort(l net.Listener, sock *mediaSocket) *tcpPort {
	p := &tcpPort{l: netutil.LimitListener(l, tcpConns), sock: sock, conns: make(map[*tcpConn]struct{})}
	p.wg.Add(1)
	go p.accept()
	return p
}

func (p *tcpPort) accept() {
	defer p.wg.Done()
	for {
		conn, err := p.l.Accept()
		if err != nil {
			p.mu.Lock()
			closed := p.closed
			p.mu.Unlock()
			if closed {
				return
			}
			p.sock.m.drop(dropSocketRead)
			time.Sleep(acceptAgain) // out of file descriptors: they come back
			continue
		}
		p.begin(conn)
	}
}

const acceptAgain = 50 * time.Millisecond

func (p *tcpPort) begin(conn net.Conn) {
	c := &tcpConn{Conn: conn, sock: p.sock, wake: make(chan struct{}, 1)}
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		ap := a.AddrPort()
		c.from = netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = conn.Close()
		return
	}
	p.conns[c] = struct{}{}
	p.wg.Add(2)
	_ = conn.SetReadDeadline(time.Now().Add(tcpFirstCheck))
	go func() {
		defer p.wg.Done()
		c.read()
		c.Close()
		if t := c.t.Load(); t != nil {
			t.forget(c)
		}
		p.mu.Lock()
		delete(p.conns, c)
		p.mu.Unlock()
	}()
	go func() { defer p.wg.Done(); c.write(); c.Close() }()
}

func (p *tcpPort) close() {
	p.mu.Lock()
	p.closed = true
	for c := range p.conns {
		c.Close()
	}
	p.mu.Unlock()
	_ = p.l.Close()
	p.wg.Wait()
}

// proved lets the connection live: a check has come by it.
func (c *tcpConn) proved() { _ = c.SetReadDeadline(time.Time{}) }

// read takes frames until the connection ends, those that have come together with one batch.
func (c *tcpConn) read() {
	r := bufio.NewReaderSize(c.Conn, tcpRead+2)
	var b *batch
	defer func() {
		if b != nil {
			c.sock.done(b)
		}
	}()
	for {
		if b != nil && !hasFrame(r) {
			c.sock.done(b)
			b = nil
		}
		head, err := r.Peek(2)
		if err != nil {
			return
		}
		n := int(binary.BigEndian.Uint16(head))
		if n > tcpRead {
			return
		}
		frame, err := r.Peek(2 + n)
		if err != nil {
			return
		}
		if b == nil {
			b = c.sock.batch()
		}
		if !c.take(b, frame[2:]) {
			return
		}
		_, _ = r.Discard(2 + n) // it is there
	}
}

// hasFrame says whether the next frame has come.
func hasFrame(r *bufio.Reader) bool {
	if r.Buffered() < 2 {
		return false
	}
	head, _ := r.Peek(2)
	return r.Buffered() >= 2+int(binary.BigEndian.Uint16(head))
}

// take takes a frame. False: who sends it speaks something else.
func (c *tcpConn) take(b *batch, p []byte) bool {
	t := c.t.Load()
	switch {
	case ice.IsSTUN(p):
		if answer := c.sock.check(p, c.from, c); answer != nil {
			c.send(answer)
		}
	case t == nil:
		return false // a check comes first
	case isMedia(p):
		t.receive(b, p, b.at)
	case isDTLS(p):
		t.from.Store(&dest{addr: c.from, tcp: c})
		t.dtls.receive(p, b.at)
	}
	return true
}

// send queues a packet. False: the queue is full, or the connection has ended.
func (c *tcpConn) send(p []byte) bool {
	c.mu.Lock()
	if c.closed || len(c.queue)+2+len(p) > tcpQueue || len(p) > 1<<16-1 {
		c.mu.Unlock()
		return false
	}
	c.queue = binary.BigEndian.AppendUint16(c.queue, uint16(len(p)))
	c.queue = append(c.queue, p...)
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return true
}

// write writes what waits, until the connection ends.
func (c *tcpConn) write() {
	var out []byte
	for range c.wake {
		for {
			c.mu.Lock()
			if c.closed {
				c.mu.Unlock()
				return
			}
			if cap(out) > tcpKeep {
				out = nil
			}
			out, c.queue = c.queue, out[:0]
			c.mu.Unlock()
			if len(out) == 0 {
				break
			}
			_ = c.SetWriteDeadline(time.Now().Add(tcpWriteWithin))
			if _, err := c.Conn.Write(out); err != nil {
				return
			}
		}
	}
}

// Close ends the connection, its reader and its writer.
func (c *tcpConn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed, c.queue = true, nil
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return c.Conn.Close()
}
