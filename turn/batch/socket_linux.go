package batch

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Socket is a UDP socket. Its methods may be called at the same time.
type Socket struct {
	// Static after construction.
	file  *os.File // counts who uses the descriptor: it is closed when the last has let go
	raw   syscall.RawConn
	bell  *bell
	local *net.UDPAddr
	six   bool // of the IPv6 family, where an IPv4 address is written in its mapped form

	whole  atomic.Bool // no UDP_SEGMENT here
	closed atomic.Bool
}

// Open takes over a socket, which must not be used any more.
func Open(c *net.UDPConn) (_ *Socket, err error) {
	rc, err := c.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("batch: %w", err)
	}
	fd, six, failed := -1, false, error(nil)
	err = rc.Control(func(old uintptr) {
		family, e := unix.GetsockoptInt(int(old), unix.SOL_SOCKET, unix.SO_DOMAIN)
		if e != nil {
			failed = e
			return
		}
		six = family == unix.AF_INET6
		fd, failed = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err = errors.Join(err, failed); err != nil {
		return nil, fmt.Errorf("batch: %w", err)
	}
	local, _ := c.LocalAddr().(*net.UDPAddr)
	// Closing the net package's own descriptor takes the socket out of the poller. Blocking is a property of the socket,
	// not of a descriptor, so it can change only then.
	if err := errors.Join(c.Close(), unix.SetNonblock(fd, false)); err != nil {
		return nil, errors.Join(fmt.Errorf("batch: %w", err), unix.Close(fd))
	}
	send, read := unix.NsecToTimeval(int64(sendWait)), unix.NsecToTimeval(int64(busyWait))
	err = errors.Join(unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &send),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &read))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("batch: %w", err), unix.Close(fd))
	}
	s := &Socket{file: os.NewFile(uintptr(fd), "udp"), local: local, six: six}
	if s.bell, err = newBell(fd); err != nil {
		return nil, errors.Join(err, s.file.Close())
	}
	if s.raw, err = s.file.SyscallConn(); err != nil {
		return nil, errors.Join(fmt.Errorf("batch: %w", err), s.bell.Close(), s.file.Close())
	}
	_, err = unix.GetsockoptInt(fd, unix.SOL_UDP, unix.UDP_SEGMENT)
	s.whole.Store(err != nil) // a kernel before 4.18
	return s, nil
}

// LocalAddr is the socket's address.
func (s *Socket) LocalAddr() net.Addr { return s.local }

// SetReadBuffer asks for room for so many bytes. Past the machine's limit for everyone (net.core.rmem_max) it takes a
// privilege; without, the limit is what there is.
func (s *Socket) SetReadBuffer(bytes int) {
	_ = s.raw.Control(func(fd uintptr) {
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, bytes) != nil {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, bytes)
		}
	})
}

// segments says whether runs leave as one message.
func (s *Socket) segments() bool { return !s.whole.Load() }

// WriteTo writes one datagram at once.
func (s *Socket) WriteTo(p []byte, to netip.AddrPort) error {
	d := s.Dest(to)
	errno := unix.EBADF
	if err := s.raw.Control(func(fd uintptr) {
		for {
			_, _, errno = unix.Syscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_NOSIGNAL,
				uintptr(unsafe.Pointer(&d.addr)), uintptr(d.size))
			if errno != unix.EINTR {
				return
			}
		}
	}); err != nil {
		return net.ErrClosed
	}
	if errno != 0 {
		return fmt.Errorf("batch: writing to %v: %w", to, errno)
	}
	return nil
}

// Close ends reads and writes.
func (s *Socket) Close() error {
	if s.closed.Swap(true) {
		return net.ErrClosed
	}
	// The reader sleeps in the kernel. Shutting down wakes it, though the answer for a socket without a peer is ENOTCONN
	// (inet_shutdown in Linux); the descriptor is closed when the reader has let go of it.
	_ = s.raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RDWR) })
	return errors.Join(s.bell.Close(), s.file.Close())
}

// Dest is where a socket's datagrams go, in the kernel's form. Datagrams to one Dest may leave together; to two of one
// address they do not.
type Dest struct {
	socket *Socket

	addr unix.RawSockaddrInet6 // the larger of the two
	size uint32
}

// Dest makes a destination for this socket.
func (s *Socket) Dest(to netip.AddrPort) *Dest {
	d := &Dest{socket: s}
	port := to.Port()
	if s.six {
		d.addr.Family, d.addr.Addr = unix.AF_INET6, to.Addr().As16()
		d.size = unix.SizeofSockaddrInet6
		if zone := to.Addr().Zone(); zone != "" {
			if i, err := net.InterfaceByName(zone); err == nil {
				d.addr.Scope_id = uint32(i.Index)
			}
		}
	} else {
		four := (*unix.RawSockaddrInet4)(unsafe.Pointer(&d.addr))
		four.Family, four.Addr = unix.AF_INET, to.Addr().Unmap().As4()
		d.size = unix.SizeofSockaddrInet4
	}
	// Both families have the port in the same place, in the network's order.
	(*[2]byte)(unsafe.Pointer(&d.addr.Port))[0] = byte(port >> 8)
	(*[2]byte)(unsafe.Pointer(&d.addr.Port))[1] = byte(port)
	return d
}
