package sfu

import (
	"encoding/binary"
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	readPackets = 64 // most packets of one recvmmsg; a layer's ring holds more
	readBytes   = packetBytes + 64
)

// reader takes what has come to the socket, many packets by one system call. Owned by the socket's reader.
type reader struct {
	raw   syscall.RawConn
	f     func(fd uintptr) bool
	hdrs  [readPackets]mmsghdr
	iovs  [readPackets]unix.Iovec
	names [readPackets]unix.RawSockaddrInet6
	data  []byte
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
		r.hdrs[i].hdr.Namelen = unix.SizeofSockaddrInet6
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

// hold sleeps for a moment: with the kernel's slack of 50 us, about a tenth of a millisecond. It takes less than a write of
// holdMessages does, and none of Go's timers.
func hold() {
	ts := unix.NsecToTimespec(50_000)
	_ = unix.Nanosleep(&ts, nil)
}
