//go:build unix

package socket

import (
	"io"
	"net"
	"syscall"
)

// rawConn is a connection as the poller of the runtime knows it; nil: it is not one, or not only.
func rawConn(conn net.Conn) syscall.RawConn {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil // not even if it has a SyscallConn: what reads through it may hold bytes of its own
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// tryRead reads what there is. False: nothing yet, wait. A buffer is borrowed for the system call alone.
func (c *Conn) tryRead(fd uintptr) bool {
	c.borrow = buffers.Get().(*[]byte)
	c.n, c.err = read(int(fd), *c.borrow)
	if c.err == syscall.EAGAIN {
		buffers.Put(c.borrow)
		c.borrow, c.err = nil, nil
		return false
	}
	return true
}

func read(fd int, b []byte) (int, error) {
	for {
		n, err := syscall.Read(fd, b)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}
