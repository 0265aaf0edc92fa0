package turn

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	pion "github.com/pion/turn/v4"

	"atrium/topology"
)

// relay is the in-process switch: the table of relayed names, who holds them, and what passes between them.
type relay struct {
	// Static after construction.
	ip      netip.Addr
	sfu     Port
	media   []media
	limits  Limits
	now     func() time.Time
	metrics *metrics
	rounds  rounds

	// Read on the way of every packet, without a lock; written under mu.
	ports [1 << 16]atomic.Pointer[port]

	// Guarded by mu, which is held for a few lines at a time: never while calling the authority, the clock, the SFU
	// or a socket, because EndAllocations comes with the controller's lock held.
	mu      sync.Mutex
	closed  bool
	names   names
	members map[memberKey]*member
	clients map[clientKey]*port
	bound   int           // ports with an owner that have not ended
	open    int           // ports not yet given back by pion/turn
	drained chan struct{} // closed when closed and open is 0
}

var _ pion.RelayAddressGenerator = (*relay)(nil)

// media is one of the SFU's media addresses; addr is made once, so that a packet costs no allocation.
type media struct {
	at   netip.AddrPort
	addr *net.UDPAddr
}

type memberKey struct{ zone, user uuid.UUID }

// clientKey is a client's end of a 5-tuple; door stands for the other end and the transport.
type clientKey struct {
	door door
	from netip.AddrPort
}

// member is what one user holds in one zone.
type member struct {
	ports map[*port]struct{}
	// reserved are requests that passed the quota and have no allocation yet, with the end of the reservation: an
	// Allocate that fails later has no callback of its own.
	reserved map[clientKey]time.Time
}

// reservation is how long a request may take from the quota's word to the allocation. Both happen in one call of
// pion/turn's read loop.
const reservation = 2 * time.Second

func newRelay(ip netip.Addr, sfu Port, addrs []netip.AddrPort, limits Limits, now func() time.Time, m *metrics) *relay {
	r := &relay{
		ip: ip, sfu: sfu, limits: limits, now: now, metrics: m,
		members: make(map[memberKey]*member),
		clients: make(map[clientKey]*port),
		drained: make(chan struct{}),
	}
	r.rounds.init(r)
	r.names.init(limits.Rest, limits.Names)
	for _, a := range addrs {
		a = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
		r.media = append(r.media, media{at: a, addr: net.UDPAddrFromAddrPort(a)})
		if a.Addr() == ip {
			r.names.exclude(a.Port())
		}
	}
	return r
}

// Validate is pion/turn's check at start.
func (r *relay) Validate() error { return nil }

var (
	errClosed   = fmt.Errorf("turn: relay is closed: %w", net.ErrClosed)
	errNoStream = errors.New("turn: TCP relays (RFC 6062) are not offered; ask for a UDP relay")
	errNames    = errors.New("turn: no relayed name is free")
)

// AllocateConn refuses TCP relays.
func (r *relay) AllocateConn(string, int) (net.Conn, net.Addr, error) { return nil, nil, errNoStream }

// AllocatePacketConn takes a name. The port passes nothing before bind: pion/turn does not say here for whom it is,
// and for EVEN-PORT (RFC 8656, section 7.2) it opens and closes ports until one is even, then asks for that one.
func (r *relay) AllocatePacketConn(_ string, requested int) (net.PacketConn, net.Addr, error) {
	if requested < 0 || requested > 1<<16-1 {
		return nil, nil, errNames
	}
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, nil, errClosed
	}
	n, ok := r.names.take(uint16(requested), now)
	if !ok {
		return nil, nil, errNames
	}
	p := newPort(r, netip.AddrPortFrom(r.ip, n), r.limits.Packets)
	r.ports[n].Store(p)
	r.open++
	return p, p.addr, nil
}

// client gives the live port of a client's 5-tuple.
func (r *relay) client(k clientKey) *port {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.clients[k]
}

// granted notes the lifetime that pion/turn gives a client's allocation in an answer.
func (r *relay) granted(k clientKey, d time.Duration) {
	if p := r.client(k); p != nil {
		p.refreshed(d)
	}
}

// reserve takes a place within the quota for a client that is about to allocate.
func (r *relay) reserve(k memberKey, c clientKey, quota int, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.members[k]
	held := 0
	if m != nil {
		for c, end := range m.reserved {
			if !now.Before(end) {
				delete(m.reserved, c)
			}
		}
		delete(m.reserved, c)
		held = len(m.ports) + len(m.reserved)
	}
	if held >= quota || !r.names.within(k.user, now) {
		r.forget(k)
		return false
	}
	r.member(k).reserved[c] = now.Add(reservation)
	return true
}

// bind gives a port its owner and its client. From here on it passes packets. False: it has ended already.
func (r *relay) bind(name netip.AddrPort, id topology.TURNIdentity, c clientKey, out client) (*port, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.ports[name.Port()].Load()
	if r.closed || p == nil || p.ended() || p.owner.Load() != nil {
		return p, false
	}
	k := memberKey{id.Zone, id.User}
	m := r.member(k)
	delete(m.reserved, c)
	m.ports[p] = struct{}{}
	r.clients[c] = p
	r.names.held(id.User, name.Port())
	r.bound++
	p.owner.Store(&owner{key: k, epoch: id.Epoch, client: c, out: out})
	if out != nil {
		out.holds(p)
	}
	return p, true
}

// end ends a member's ports that were bound with an epoch up to upTo.
func (r *relay) end(k memberKey, upTo topology.Epoch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.members[k]
	if m == nil {
		return
	}
	for p := range m.ports {
		if p.owner.Load().epoch <= upTo {
			r.unbind(p)
		}
	}
}

// endPort ends one port, whoever owns it.
func (r *relay) endPort(p *port) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unbind(p)
}

// unbind makes a port pass nothing and wakes pion/turn's reader, which then drops the allocation. The name stays
// taken until pion/turn has closed the port. The caller holds mu.
func (r *relay) unbind(p *port) {
	if !p.end() {
		return
	}
	o := p.owner.Load()
	if o == nil {
		return
	}
	r.bound--
	if m := r.members[o.key]; m != nil {
		delete(m.ports, p)
		r.forget(o.key)
	}
	if r.clients[o.client] == p {
		delete(r.clients, o.client)
	}
	if o.out != nil {
		o.out.lost(p)
	}
}

// release takes a closed port out of the table and lets its name rest. One that was never bound has been seen by
// nobody and is free at once.
func (r *relay) release(p *port) {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ports[p.name.Port()].Load() != p {
		return
	}
	r.unbind(p)
	r.ports[p.name.Port()].Store(nil)
	if p.owner.Load() == nil {
		r.names.free(p.name.Port())
	} else {
		r.names.rest(p.name.Port(), now)
	}
	r.open--
	if r.closed && r.open == 0 {
		close(r.drained)
	}
}

// live counts the ports that pass packets.
func (r *relay) live() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bound
}

// close ends every port and gives out no more.
func (r *relay) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	r.closed = true
	if r.open == 0 {
		close(r.drained)
		return
	}
	for i := range r.ports {
		if p := r.ports[i].Load(); p != nil {
			r.unbind(p)
		}
	}
}

// wait waits until pion/turn has given all ports back.
func (r *relay) wait(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-r.drained:
	case <-t.C:
	}
}

// member gives the entry of a member, made when missing. The caller holds mu.
func (r *relay) member(k memberKey) *member {
	m := r.members[k]
	if m == nil {
		m = &member{ports: make(map[*port]struct{}), reserved: make(map[clientKey]time.Time)}
		r.members[k] = m
	}
	return m
}

// forget drops the entry of a member that holds nothing. The caller holds mu.
func (r *relay) forget(k memberKey) {
	if m := r.members[k]; m != nil && len(m.ports) == 0 && len(m.reserved) == 0 {
		delete(r.members, k)
	}
}
