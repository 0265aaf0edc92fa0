package sfu

import (
	"encoding/binary"
	"net"
	"net/netip"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	readPackets = arrivedMost // of one recvmmsg
	readBytes   = packetBytes + 64
	cameBytes   = 32 // CMSG_SPACE(sizeof(struct timespec))
)

// reader takes what has come to the socket, many packets by one system call. Owned by the socket's reader.
type reader struct {
	raw   syscall.RawConn
	f     func(fd uintptr) bool
	hdrs  [readPackets]mmsghdr
	iovs  [readPackets]unix.Iovec
	names [readPackets]unix.RawSockaddrInet6
	data  []byte
	came  [readPackets][cameBytes]byte // the kernel's time of each
	n     int
	errno syscall.Errno
	wait  bool
}

func (r *reader) init(udp *net.UDPConn) {
	r.raw, _ = udp.SyscallConn() // fails for a nil connection only
	r.f = r.call
	r.data = make([]byte, readPackets*readBytes)
	for i := range r.hdrs {
		r.iovs[i].Base = &r.data[i*readBytes]
		r.iovs[i].SetLen(readBytes)
		h := &r.hdrs[i].hdr
		h.Name, h.Iov = (*byte)(unsafe.Pointer(&r.names[i])), &r.iovs[i]
		h.SetIovlen(1)
	}
	// Where the kernel refuses, packets came when they were read.
	_ = r.raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1) })
}

// call is one recvmmsg. It never sleeps, so Go's scheduler is not told of it: the first system call after a pause would wake
// the scheduler's monitor, which costs more than the call.
func (r *reader) call(fd uintptr) bool {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.hdrs[0])), readPackets, unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			r.n = int(n)
			return true
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return !r.wait
		}
		r.errno = errno
		return true
	}
}

// read takes what has come; wait: until there is something, or the read deadline has passed.
func (r *reader) read(s *mediaSocket, wait bool) error {
	for i := range r.hdrs {
		h := &r.hdrs[i].hdr
		h.Namelen = unix.SizeofSockaddrInet6
		h.Control = &r.came[i][0]
		h.SetControllen(cameBytes)
	}
	r.n, r.errno, r.wait = 0, 0, wait
	if err := r.raw.Read(r.f); err != nil {
		return err
	}
	if r.errno != 0 {
		return r.errno
	}
	s.m.readCalls.Add(1)
	return nil
}

// packet gives one of what was read.
func (r *reader) packet(i int) ([]byte, netip.AddrPort) {
	h := &r.hdrs[i]
	p := r.data[i*readBytes:][:h.n]
	if h.hdr.Flags&unix.MSG_TRUNC != 0 {
		p = p[:0]
	}
	name := &r.names[i]
	port := func(b *uint16) uint16 { return binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(b))[:]) }
	if name.Family == unix.AF_INET {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return p, netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), port(&v4.Port))
	}
	return p, netip.AddrPortFrom(netip.AddrFrom16(name.Addr).Unmap(), port(&name.Port))
}

// waited is how long a packet had waited in the kernel at a moment after its read, in nanoseconds since 1970.
func (r *reader) waited(i int, wall int64) time.Duration {
	if int(r.hdrs[i].hdr.Controllen) < unix.CmsgLen(int(unsafe.Sizeof(unix.Timespec{}))) {
		return 0
	}
	c := (*unix.Cmsghdr)(unsafe.Pointer(&r.came[i]))
	if c.Level != unix.SOL_SOCKET || c.Type != unix.SO_TIMESTAMPNS {
		return 0
	}
	d := time.Duration(wall - (*unix.Timespec)(unsafe.Pointer(&r.came[i][unix.CmsgLen(0)])).Nano())
	if d < 0 || d > waitedMost {
		return 0 // the wall clock was set meanwhile
	}
	return d
}

// hold sleeps for a moment: with the kernel's slack of 50 us, about a tenth of a millisecond. It takes less than a write of
// holdMessages does, and none of Go's timers.
func hold() {
	ts := unix.NsecToTimespec(50_000)
	_ = unix.Nanosleep(&ts, nil)
}
