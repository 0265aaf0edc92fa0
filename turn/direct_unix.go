//go:build unix

package turn

import (
	"errors"
	"net"
	"syscall"
)

// direct writes to a TCP connection what its socket has room for, and never waits. A TLS connection has none: what it
// encrypts it must write.
type direct struct {
	raw syscall.RawConn

	// Owned by who writes. For call is made once.
	call func(uintptr)
	p    []byte
	n    int
}

func newDirect(c net.Conn) *direct {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	d := &direct{raw: raw}
	d.call = func(fd uintptr) {
		for {
			n, err := syscall.Write(int(fd), d.p) // Go's sockets do not block
			if errors.Is(err, syscall.EINTR) {
				continue
			}
			d.n = max(n, 0)
			return
		}
	}
	return d
}

// write gives how much was taken. An error is left for who writes next.
func (d *direct) write(p []byte) int {
	d.p, d.n = p, 0
	_ = d.raw.Control(d.call)
	d.p = nil
	return d.n
}
