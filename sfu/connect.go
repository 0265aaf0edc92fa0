package sfu

import (
	"net/netip"
	"slices"

	"atrium/sfu/ice"
	"atrium/sfu/offer"
	"atrium/signaling/protocol"
)

const addrsMost = 8 // addresses of one session; the oldest is forgotten

// way is how a session's client is reached, as its checks (RFC 8445) say. Guarded by transport.wayMu.
type way struct {
	ours, former ice.Credentials // former: until the client has nominated by the new ones
	peer, before ice.Credentials // the client's, and its former ones
	known        []netip.AddrPort
	tcp          []*tcpConn
	closed       bool
}

// accept takes the client's side of ICE and DTLS out of an offer and gives ours: other credentials restart ICE (RFC 8839,
// section 4.4.1.1), and meanwhile media goes on the way it went.
func (t *transport) accept(o *offer.Offer) (ice.Credentials, *protocol.Error) {
	t.dtls.mu.Lock()
	if t.dtls.peer == nil {
		t.dtls.peer = o.Fingerprints
	}
	same := slices.Equal(t.dtls.peer, o.Fingerprints)
	t.dtls.mu.Unlock()
	if !same {
		return ice.Credentials{}, offer.Bad("the offer has another a=fingerprint than the one before; another certificate needs another session")
	}
	t.wayMu.Lock()
	defer t.wayMu.Unlock()
	w := &t.way
	peer := ice.Credentials{Ufrag: o.Ufrag, Pwd: o.Pwd}
	if w.peer == peer || w.closed {
		return w.ours, nil
	}
	if w.former.Ufrag != "" { // a restart in the middle of one: the way that works is the oldest
		t.sock.unexpect(w.ours.Ufrag)
	} else {
		w.former, w.before = w.ours, w.peer
	}
	w.ours, w.peer = ice.NewCredentials(), peer
	t.sock.expect(w.ours.Ufrag, t)
	return w.ours, nil
}

// check takes a check that names one of the session's user fragments, from the network or by conn, and gives what is to be
// answered; nil: nothing. The address that proved itself may send from now on, and the client is reached where it nominates:
// a lite agent takes the last (RFC 8445, section 7.3.2).
func (t *transport) check(c *ice.Check, from netip.AddrPort, conn *tcpConn) []byte {
	now := t.sock.now()
	t.wayMu.Lock()
	defer t.wayMu.Unlock()
	w := &t.way
	ours, peer := w.ours, w.peer
	restarted := string(c.To()) == ours.Ufrag
	if !restarted {
		ours, peer = w.former, w.before
	}
	if w.closed || string(c.To()) != ours.Ufrag || !c.Proves(peer.Ufrag, ours.Pwd) {
		return nil
	}
	answer, granted := c.Answer(from, ours.Pwd)
	if !granted || conn != nil && !t.knowTCP(conn) {
		return answer
	}
	if conn == nil {
		t.know(from)
	}
	if was := t.checked.Swap(now); now-was > int64(silent) {
		t.s.wakeup()
	}
	if c.Nominates() {
		if restarted && w.former.Ufrag != "" {
			t.sock.unexpect(w.former.Ufrag)
			w.former, w.before = ice.Credentials{}, ice.Credentials{}
		}
		t.reach(from, conn)
	}
	return answer
}

// reach makes an address the one that the client is reached at. t.wayMu is held.
func (t *transport) reach(addr netip.AddrPort, conn *tcpConn) {
	old := t.to.Load()
	if old != nil && old.addr == addr && old.tcp == conn {
		return
	}
	d := &dest{addr: addr, tcp: conn}
	if conn == nil {
		t.sock.resolve(d)
	}
	t.to.Store(d)
	if old == nil {
		t.s.wakeup()
	}
}

// know notes an address that has proved itself. t.wayMu is held.
func (t *transport) know(addr netip.AddrPort) {
	w := &t.way
	if slices.Contains(w.known, addr) {
		if !t.sock.linked(addr, t) { // another session has proved it since, and now this one again
			t.sock.link(addr, t)
		}
		return
	}
	if len(w.known) == addrsMost {
		t.sock.unlink(w.known[0], t)
		w.known = slices.Delete(w.known, 0, 1)
	}
	w.known = append(w.known, addr)
	t.sock.link(addr, t)
}

// knowTCP makes a connection the session's. False: it is another's. t.wayMu is held.
func (t *transport) knowTCP(conn *tcpConn) bool {
	if !conn.t.CompareAndSwap(nil, t) {
		return conn.t.Load() == t
	}
	w := &t.way
	if len(w.tcp) == tcpConnsMost {
		w.tcp[0].Close()
		w.tcp = slices.Delete(w.tcp, 0, 1)
	}
	w.tcp = append(w.tcp, conn)
	conn.proved()
	return true
}

// forget takes a connection that has ended from the session.
func (t *transport) forget(conn *tcpConn) {
	t.wayMu.Lock()
	defer t.wayMu.Unlock()
	t.way.tcp = slices.DeleteFunc(t.way.tcp, func(c *tcpConn) bool { return c == conn })
}

// leave ends the way: nothing is heard and nothing is sent any more.
func (t *transport) leave() {
	t.wayMu.Lock()
	w := &t.way
	w.closed = true
	for _, c := range []ice.Credentials{w.ours, w.former} {
		if c.Ufrag != "" {
			t.sock.unexpect(c.Ufrag)
		}
	}
	for _, a := range w.known {
		t.sock.unlink(a, t)
	}
	conns := w.tcp
	w.known, w.tcp = nil, nil
	t.wayMu.Unlock()
	t.to.Store(nil)
	for _, c := range conns {
		c.Close()
	}
}
