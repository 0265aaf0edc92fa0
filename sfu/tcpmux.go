package sfu

import (
	"net"
	"net/netip"

	"github.com/pion/ice/v4"
	"golang.org/x/net/netutil"
)

const (
	tcpConns = 4096 // ICE-TCP connections at once; more wait in the listener's backlog

	tcpWriteBuffer = 512 << 10 // per ICE-TCP client: half a second of 8 Mbit/s; full: its packets are dropped
	tcpReadQueue   = 64
)

// newTCPMux makes the ICE-TCP mux. Each connection has a write buffer with a writer of its own, so that a client that stops
// reading holds up nobody.
//
// Pion keys connections by the local address they came in at, one candidate for each. With a public address all these
// candidates are the same one, of which the agent keeps the first and closes the rest, and whoever came in elsewhere would
// not be heard; so there all connections count as one address's.
func newTCPMux(l net.Listener, lf pionLog, oneAddress bool) ice.TCPMux {
	l = netutil.LimitListener(l, tcpConns)
	if oneAddress {
		l = anyListener{l}
	}
	m := ice.NewTCPMuxDefault(ice.TCPMuxParams{
		Listener: l, Logger: lf.NewLogger("tcpmux"), ReadBufferSize: tcpReadQueue, WriteBufferSize: tcpWriteBuffer,
		FirstStunBindTimeout: tcpFirstCheck, AliveDurationForConnFromStun: tcpFirstCheck,
	})
	if oneAddress {
		return anyMux{m}
	}
	return m
}

type anyMux struct{ *ice.TCPMuxDefault }

// GetConnByUfrag implements ice.TCPMux.
func (m anyMux) GetConnByUfrag(ufrag string, isIPv6 bool, _ net.IP) (net.PacketConn, error) {
	return m.TCPMuxDefault.GetConnByUfrag(ufrag, isIPv6, net.IPv4zero)
}

type anyListener struct{ net.Listener }

// Accept implements net.Listener.
func (l anyListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return anyConn{c}, nil
}

type anyConn struct{ net.Conn }

// LocalAddr is the same for all, but for the port.
func (c anyConn) LocalAddr() net.Addr {
	a, ok := c.Conn.LocalAddr().(*net.TCPAddr)
	if !ok {
		return c.Conn.LocalAddr()
	}
	return &net.TCPAddr{IP: net.IPv4zero, Port: a.Port}
}

// tapMux takes a session's media off its TCP connections, as the socket does for UDP.
type tapMux struct {
	ice.TCPMux
	t *transport
}

// GetConnByUfrag implements ice.TCPMux.
func (m tapMux) GetConnByUfrag(ufrag string, isIPv6 bool, local net.IP) (net.PacketConn, error) {
	c, err := m.TCPMux.GetConnByUfrag(ufrag, isIPv6, local)
	if err != nil {
		return nil, err
	}
	return tapConn{c, m.t}, nil
}

type tapConn struct {
	net.PacketConn
	t *transport
}

// ReadFrom implements net.PacketConn: it gives what Pion takes. Pion has one reader for a connection.
func (c tapConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := c.PacketConn.ReadFrom(b)
		if err != nil {
			return n, from, err
		}
		if !isMedia(b[:n]) {
			c.t.foundTCP(c.PacketConn, from)
			return n, from, nil
		}
		out := c.t.sock.batch()
		c.t.receive(out, b[:n], out.at)
		c.t.sock.done(out)
	}
}

// foundTCP notes the way back of a TCP connection: a check that came by it may nominate it.
func (t *transport) foundTCP(conn net.PacketConn, from net.Addr) {
	a, ok := from.(*net.TCPAddr)
	if !ok {
		return
	}
	addr := a.AddrPort()
	addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	t.addrMu.Lock()
	defer t.addrMu.Unlock()
	if t.tcp == nil {
		t.tcp = make(map[netip.AddrPort]tcpPath)
	}
	if _, ok := t.tcp[addr]; !ok && len(t.tcp) >= tcpConnsMost {
		for old := range t.tcp { // any: the next check of a live one brings it back
			delete(t.tcp, old)
			break
		}
	}
	t.tcp[addr] = tcpPath{conn, from}
}
