package impair

import (
	"errors"
	"net"
	"sync"
	"time"

	"github.com/pion/transport/v4"
)

// udpConn is a UDP socket behind the two links of its host.
type udpConn struct {
	transport.UDPConn
	net *Net
	in  *inlet
	out chan item

	once sync.Once
}

var _ transport.UDPConn = (*udpConn)(nil)

func newUDP(n *Net, c transport.UDPConn) *udpConn {
	u := &udpConn{UDPConn: c, net: n, in: newInlet(), out: make(chan item, queueLen)}
	go u.pump()
	go u.drain()
	return u
}

// pump reads the socket until it is closed.
func (u *udpConn) pump() {
	buf := make([]byte, 65536)
	for {
		n, addr, err := u.UDPConn.ReadFrom(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			// A connected socket hears of ICMP errors; the reader is told and reading goes on.
			select {
			case u.in.items <- item{due: time.Now(), err: err}:
				continue
			case <-u.in.closed:
				return
			}
		}
		if u.net.loses(u.net.opts.In) {
			u.net.dropped(Drop{Direction: In, Data: buf[:n]})
			continue
		}
		due, ok := u.net.narrow[In].pass(n, time.Now())
		if !ok {
			u.net.dropped(Drop{Direction: In, Data: buf[:n], Full: true})
			continue
		}
		select {
		case u.in.items <- item{due: due.Add(u.net.opts.In.Delay), data: append([]byte(nil), buf[:n]...), addr: addr}:
		default:
			u.net.dropped(Drop{Direction: In, Data: buf[:n], Full: true})
		}
	}
}

// drain sends what waits, each at its time; after Close, what was sent before it.
func (u *udpConn) drain() {
	defer u.UDPConn.Close()
	send := func(it item) {
		until(it.due, nil)
		if it.addr == nil {
			_, _ = u.UDPConn.Write(it.data)
		} else {
			_, _ = u.UDPConn.WriteTo(it.data, it.addr)
		}
	}
	for {
		select {
		case it := <-u.out:
			send(it)
		case <-u.in.closed:
			for {
				select {
				case it := <-u.out:
					send(it)
				default:
					return
				}
			}
		}
	}
}

func (u *udpConn) WriteTo(p []byte, addr net.Addr) (int, error) {
	select {
	case <-u.in.closed:
		return 0, net.ErrClosed
	default:
	}
	if u.net.loses(u.net.opts.Out) {
		u.net.dropped(Drop{Direction: Out, Data: p})
		return len(p), nil
	}
	due, ok := u.net.narrow[Out].pass(len(p), time.Now())
	if !ok {
		u.net.dropped(Drop{Direction: Out, Data: p, Full: true})
		return len(p), nil
	}
	select {
	case u.out <- item{due: due.Add(u.net.opts.Out.Delay), data: append([]byte(nil), p...), addr: addr}:
	default:
		u.net.dropped(Drop{Direction: Out, Data: p, Full: true})
	}
	return len(p), nil
}

func (u *udpConn) Write(p []byte) (int, error) { return u.WriteTo(p, nil) }

func (u *udpConn) WriteToUDP(p []byte, addr *net.UDPAddr) (int, error) { return u.WriteTo(p, addr) }

func (u *udpConn) WriteMsgUDP(p, _ []byte, addr *net.UDPAddr) (n, oobn int, err error) {
	n, err = u.WriteTo(p, addr)
	return n, 0, err
}

func (u *udpConn) ReadFrom(p []byte) (int, net.Addr, error) {
	it, err := u.in.next()
	if err != nil {
		if it := u.in.head; it != nil && it.err != nil {
			u.in.head = nil
		}
		return 0, nil, err
	}
	u.in.head = nil
	return copy(p, it.data), it.addr, nil
}

func (u *udpConn) Read(p []byte) (int, error) {
	n, _, err := u.ReadFrom(p)
	return n, err
}

func (u *udpConn) ReadFromUDP(p []byte) (int, *net.UDPAddr, error) {
	n, addr, err := u.ReadFrom(p)
	udp, _ := addr.(*net.UDPAddr)
	return n, udp, err
}

func (u *udpConn) ReadMsgUDP(p, _ []byte) (n, oobn, flags int, addr *net.UDPAddr, err error) {
	n, addr, err = u.ReadFromUDP(p)
	return n, 0, 0, addr, err
}

func (u *udpConn) SetReadDeadline(t time.Time) error { u.in.deadline.Set(t); return nil }

// SetWriteDeadline has no effect: writing never waits.
func (u *udpConn) SetWriteDeadline(time.Time) error { return nil }

func (u *udpConn) SetDeadline(t time.Time) error { return u.SetReadDeadline(t) }

func (u *udpConn) Close() error {
	u.once.Do(func() { close(u.in.closed) })
	return nil
}
