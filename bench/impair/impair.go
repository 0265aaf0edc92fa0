package impair

import (
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"
)

// Link is one direction of the way between a host and the network.
type Link struct {
	Delay time.Duration
	Loss  float64 // of packets, 0 to 1

	// Rate is what the link carries of UDP, in bits a second, headers of IP and UDP included; zero: any. It holds for all
	// connections of the host together. What would wait for longer than Queue is dropped.
	Rate  float64
	Queue time.Duration
}

// Direction tells the two links of a host apart.
type Direction uint8

// The directions.
const (
	Out Direction = iota
	In
)

// Drop is a UDP packet that was not passed on. Data is valid during the call only.
type Drop struct {
	Direction Direction
	Data      []byte
	Full      bool // a queue was full; otherwise it was lost by chance
}

// Options say how bad the network is.
type Options struct {
	Out, In Link
	Seed    uint64
	Dropped func(Drop) // nil: nobody wants to know; must not block
}

// queueLen bounds each queue: a second of a busy peer's packets.
const queueLen = 2048

// Net is the network of one host.
type Net struct {
	transport.Net
	opts Options

	// Guarded by mu.
	mu  sync.Mutex
	rnd *rand.Rand

	narrow [2]bottleneck // by Direction
}

var _ transport.Net = (*Net)(nil)

// New makes the network of a host that sits behind links of the given quality.
func New(o Options) (*Net, error) {
	std, err := stdnet.NewNet()
	if err != nil {
		return nil, err
	}
	n := &Net{Net: std, opts: o, rnd: rand.New(rand.NewPCG(o.Seed, o.Seed^0x9e3779b97f4a7c15))}
	n.narrow[Out].rate, n.narrow[Out].queue = o.Out.Rate, o.Out.Queue
	n.narrow[In].rate, n.narrow[In].queue = o.In.Rate, o.In.Queue
	return n, nil
}

// SetRate changes what a link carries from now on.
func (n *Net) SetRate(d Direction, bits float64) {
	b := &n.narrow[d]
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rate = bits
}

// Passed tells how much was offered to a link of limited rate so far, and how much it dropped, in bytes.
func (n *Net) Passed(d Direction) (offered, dropped int64) {
	b := &n.narrow[d]
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.offered, b.dropped
}

// Waiting is how long a packet would wait now that came to a link of limited rate.
func (n *Net) Waiting(d Direction) time.Duration {
	b := &n.narrow[d]
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(time.Until(b.free), 0)
}

func (n *Net) loses(l Link) bool {
	if l.Loss == 0 {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.rnd.Float64() < l.Loss
}

func (n *Net) dropped(d Drop) {
	if n.opts.Dropped != nil {
		n.opts.Dropped(d)
	}
}

// ListenPacket implements transport.Net.
func (n *Net) ListenPacket(network, address string) (net.PacketConn, error) {
	c, err := n.Net.ListenPacket(network, address)
	if err != nil {
		return nil, err
	}
	if u, ok := c.(transport.UDPConn); ok {
		return newUDP(n, u), nil
	}
	return c, nil
}

// ListenUDP implements transport.Net.
func (n *Net) ListenUDP(network string, local *net.UDPAddr) (transport.UDPConn, error) {
	c, err := n.Net.ListenUDP(network, local)
	if err != nil {
		return nil, err
	}
	return newUDP(n, c), nil
}

// DialUDP implements transport.Net.
func (n *Net) DialUDP(network string, local, remote *net.UDPAddr) (transport.UDPConn, error) {
	c, err := n.Net.DialUDP(network, local, remote)
	if err != nil {
		return nil, err
	}
	return newUDP(n, c), nil
}

// DialTCP implements transport.Net.
func (n *Net) DialTCP(network string, local, remote *net.TCPAddr) (transport.TCPConn, error) {
	c, err := n.Net.DialTCP(network, local, remote)
	if err != nil {
		return nil, err
	}
	return newTCP(n, c), nil
}

// Dial implements transport.Net.
func (n *Net) Dial(network, address string) (net.Conn, error) {
	c, err := n.Net.Dial(network, address)
	if err != nil {
		return nil, err
	}
	switch c := c.(type) {
	case *net.TCPConn:
		return newTCP(n, c), nil
	case *net.UDPConn:
		return newUDP(n, c), nil
	}
	return c, nil
}

// CreateDialer implements transport.Net.
func (n *Net) CreateDialer(d *net.Dialer) transport.Dialer { return dialer{n, d} }

type dialer struct {
	n *Net
	d *net.Dialer
}

func (d dialer) Dial(network, address string) (net.Conn, error) {
	c, err := d.d.Dial(network, address)
	if err != nil {
		return nil, err
	}
	switch c := c.(type) {
	case *net.TCPConn:
		return newTCP(d.n, c), nil
	case *net.UDPConn:
		return newUDP(d.n, c), nil
	}
	return c, nil
}
