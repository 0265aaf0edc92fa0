package relay

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// receiveBuffer is asked for each client's socket, which is read once a millisecond.
const receiveBuffer = 1 << 20

// unpolled takes a client's UDP socket out of Go's poller, which would wake for every datagram, and has the kernel say when
// each came.
func unpolled(c net.Conn) (int, error) {
	u, ok := c.(*net.UDPConn)
	if !ok {
		return -1, fmt.Errorf("relay: %T is no UDP socket", c)
	}
	f, err := u.File()
	if err != nil {
		return -1, fmt.Errorf("relay: %w", err)
	}
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("relay: %w", err)
	}
	u.Close()
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil { // root only
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("relay: timestamps of datagrams: %w", err)
	}
	return fd, nil
}

// polled makes a connection of it again; the descriptor is the connection's then.
func polled(fd int) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "udp")
	defer f.Close()
	return net.FileConn(f)
}

// drain takes what has come.
func (e *end) drain(buf []byte) {
	var oob [64]byte
	for {
		n, in, _, _, err := unix.Recvmsg(e.fd, buf, oob[:], unix.MSG_DONTWAIT)
		if err != nil {
			if errors.Is(err, unix.EINTR) || errors.Is(err, unix.ECONNREFUSED) {
				continue
			}
			return
		}
		at := time.Now().UnixNano()
		// struct cmsghdr, then struct timespec.
		if head := unix.CmsgLen(0); in >= unix.CmsgLen(int(unsafe.Sizeof(unix.Timespec{}))) {
			ts := (*unix.Timespec)(unsafe.Pointer(&oob[head]))
			at = ts.Nano()
		}
		if n > 4 && buf[0]&0xC0 == 0x40 {
			e.note(buf[4:n], at)
		}
	}
}

// read takes what comes over a stream, until it is closed.
func (e *end) read(c *client) {
	r := bufio.NewReaderSize(c.conn, 64<<10)
	buf := make([]byte, 4096)
	for {
		n, err := readFrame(r, buf)
		if err != nil {
			if !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.EOF) {
				e.mu.Lock()
				e.err = fmt.Errorf("relay: receiving: %w", err)
				e.mu.Unlock()
			}
			return
		}
		if buf[0]&0xC0 == 0x40 && int(binary.BigEndian.Uint16(buf[2:])) == n-4 {
			at := time.Now().UnixNano()
			e.mu.Lock()
			e.note(buf[4:n], at)
			e.mu.Unlock()
		}
	}
}
