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
}

var _ transport.Net = (*Net)(nil)

// New makes the network of a host that sits behind links of the given quality.
func New(o Options) (*Net, error) {
	std, err := stdnet.NewNet()
	if err != nil {
		return nil, err
	}
	return &Net{Net: std, opts: o, rnd: rand.New(rand.NewPCG(o.Seed, o.Seed^0x9e3779b97f4a7c15))}, nil
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
