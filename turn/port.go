package turn

import (
	"maps"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"atrium/topology"
)

// maxPacket is the most a relayed packet carries: pion/turn reads ports and sockets into buffers of 1600 bytes.
const maxPacket = 1600

// port is a relayed name: the net.PacketConn that pion/turn takes for a relay socket.
type port struct {
	// Static after construction.
	relay *relay
	name  netip.AddrPort
	addr  *net.UDPAddr // name, made once
	queue chan *packet
	done  chan struct{} // closed by end

	// Set once, by attach and bind.
	gate  atomic.Pointer[sync.Mutex]
	owner atomic.Pointer[owner]

	// Read per packet; replaced under mu.
	channels atomic.Pointer[channels]

	// Guarded by mu.
	mu          sync.Mutex
	over        bool
	released    bool
	holding     *sync.Mutex // the gate, while pion/turn drops the allocation
	permissions int
	lifetime    *time.Timer
}

var _ net.PacketConn = (*port)(nil)

// owner is a port's member and the client behind it.
type owner struct {
	key    memberKey
	epoch  topology.Epoch
	client clientKey
	out    client // nil: packets go through pion/turn's own goroutine only
}

// client is the receiving end's own socket.
type client interface {
	// write takes a frame, which leaves at the round's end. It must not block, and leave frame as it is.
	write(frame []byte, r *round)
	// holds says that the client has a port, and lost that it has it no more. The relay's mutex is held.
	holds(p *port)
	lost(p *port)
}

// packet waits in a port's queue.
type packet struct {
	buf  [maxPacket]byte
	n    int
	from *net.UDPAddr
}

// frame is b with room for a header. b must fit.
func (k *packet) frame(b []byte) []byte { return k.buf[:channelHeader+copy(k.buf[channelHeader:], b)] }

var packets = sync.Pool{New: func() any { return new(packet) }}

func newPort(r *relay, name netip.AddrPort, queue int) *port {
	return &port{
		relay: r, name: name, addr: net.UDPAddrFromAddrPort(name),
		queue: make(chan *packet, queue), done: make(chan struct{}),
	}
}

// ReadFrom gives pion/turn the next packet for the client behind this port.
func (p *port) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case <-p.done: // before the queue: an ended port passes nothing, not even what waited
		return 0, nil, p.leave()
	default:
	}
	select {
	case <-p.done:
		return 0, nil, p.leave()
	case k := <-p.queue:
		n, from := copy(b, k.buf[:k.n]), k.from
		packets.Put(k)
		return n, from, nil
	}
}

// WriteTo takes a packet from the client behind this port. What may not pass is counted and dropped without an
// error, as a network would.
func (p *port) WriteTo(b []byte, to net.Addr) (int, error) {
	if a, ok := to.(*net.UDPAddr); ok {
		p.relay.routeOne(p, b, unmapped(a.AddrPort()))
	} else {
		p.relay.metrics.drop(dropDestination)
	}
	return len(b), nil
}

// leave makes pion/turn's reader drop the allocation, which it does at ReadFrom's error. Two things of pion/turn
// v4.1.4 need care. Dropping an allocation while its client's read loop adds a permission to it dereferences a timer
// that is not there yet, so the reader passes the client's gate first: no request of the client is being handled
// until Close. And the reader of an allocation that has been dropped already would drop, by its 5-tuple, the one
// that the client has made since: it has nothing left to do, and its goroutine ends here.
func (p *port) leave() error {
	g := p.gate.Load()
	if g == nil {
		return errClosed
	}
	g.Lock()
	p.mu.Lock()
	if p.released {
		p.mu.Unlock()
		g.Unlock()
		runtime.Goexit()
	}
	p.holding = g
	p.mu.Unlock()
	return errClosed
}

// Close is pion/turn giving the port back, the last that it does when it drops an allocation.
func (p *port) Close() error {
	p.relay.release(p)
	p.mu.Lock()
	g := p.holding
	p.released, p.holding = true, nil
	if p.lifetime != nil {
		p.lifetime.Stop()
	}
	p.mu.Unlock()
	if g != nil {
		g.Unlock()
	}
	return nil
}

// refreshed notes that the allocation lives for d from now. The port ends itself shortly before pion/turn's timer
// would drop the allocation without passing the gate.
func (p *port) refreshed(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over || p.released || d <= 0 {
		return
	}
	if p.lifetime != nil {
		p.lifetime.Stop()
	}
	p.lifetime = time.AfterFunc(d-min(d/8, time.Second), func() { p.relay.endPort(p) })
}

// LocalAddr is the relayed name.
func (p *port) LocalAddr() net.Addr { return p.addr }

// SetDeadline and its kin do nothing: pion/turn sets none on relay sockets.
func (p *port) SetDeadline(time.Time) error      { return nil }
func (p *port) SetReadDeadline(time.Time) error  { return nil }
func (p *port) SetWriteDeadline(time.Time) error { return nil }

// end makes the port pass nothing any more. False: it had ended before.
func (p *port) end() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return false
	}
	p.over = true
	close(p.done)
	return true
}

func (p *port) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// The most permissions and channels of one allocation. Each costs pion/turn a timer and a place in a list that it
// walks per packet; a member of a zone needs a handful, a few per candidate of each peer.
const (
	maxPermissions = 1024
	maxChannels    = 256
)

// channels are what pion/turn has bound and not yet let go: the same ones, both ways.
type channels struct {
	peers   map[uint16]netip.AddrPort
	numbers map[netip.AddrPort]uint16
}

// channel notes that the client bound a channel to a peer: packets from there go straight to the client's socket, and
// what the client sends on it goes there. False: too many.
func (p *port) channel(peer netip.AddrPort, number uint16) bool {
	return p.rebind(func(c *channels) {
		c.peers[number], c.numbers[peer] = peer, number
	})
}

// unchannel forgets a channel that ran out.
func (p *port) unchannel(peer netip.AddrPort, number uint16) {
	p.rebind(func(c *channels) {
		delete(c.peers, number)
		if c.numbers[peer] == number {
			delete(c.numbers, peer)
		}
	})
}

func (p *port) rebind(change func(*channels)) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := &channels{peers: make(map[uint16]netip.AddrPort), numbers: make(map[netip.AddrPort]uint16)}
	if old := p.channels.Load(); old != nil {
		maps.Copy(c.peers, old.peers)
		maps.Copy(c.numbers, old.numbers)
	}
	change(c)
	p.channels.Store(c)
	return len(c.peers) <= maxChannels
}

// peer gives who a channel is bound to.
func (p *port) peer(number uint16) (netip.AddrPort, bool) {
	c := p.channels.Load()
	if c == nil {
		return netip.AddrPort{}, false
	}
	peer, ok := c.peers[number]
	return peer, ok
}

// channelTo gives the channel that is bound to a peer.
func (p *port) channelTo(peer netip.AddrPort) (uint16, bool) {
	c := p.channels.Load()
	if c == nil {
		return 0, false
	}
	number, ok := c.numbers[peer]
	return number, ok
}

// permission counts permissions up or down. False: too many.
func (p *port) permission(by int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.permissions += by
	return p.permissions <= maxPermissions
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}
