package sfu

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	callMessages = 64 // most messages of one sendmmsg
	callSpans    = 512
	controlBytes = 24 // CMSG_SPACE(2)
)

// mmsghdr is struct mmsghdr of the kernel on 64-bit machines, and on 32-bit ones.
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
}

// sockaddr is an address as the socket wants it: an IPv6 socket takes IPv4 addresses in their mapped form.
type sockaddr struct {
	raw  unix.RawSockaddrInet6 // its beginning is a RawSockaddrInet4 where family says so
	size uint32
}

func (a *sockaddr) set(to netip.AddrPort, six bool) {
	var port [2]byte
	binary.BigEndian.PutUint16(port[:], to.Port())
	if !six && to.Addr().Unmap().Is4() {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(&a.raw))
		v4.Family, v4.Addr = unix.AF_INET, to.Addr().Unmap().As4()
		*(*[2]byte)(unsafe.Pointer(&v4.Port)) = port
		a.size = unix.SizeofSockaddrInet4
		return
	}
	a.raw.Family, a.raw.Addr = unix.AF_INET6, to.Addr().As16()
	*(*[2]byte)(unsafe.Pointer(&a.raw.Port)) = port
	a.size = unix.SizeofSockaddrInet6
}

// resolve makes the destination ready for writes.
func (s *mediaSocket) resolve(d *dest) {
	d.relayed = s.isRelayed(d.addr)
	d.sa.set(d.addr, s.six)
}

// flusher is the kernel's form of a batch. Its memory is made at the first flush. Owned by the batch's owner.
type flusher struct {
	*calls
}

type calls struct {
	raw      syscall.RawConn
	f        func(fd uintptr) bool
	hdrs     []mmsghdr
	iovs     []unix.Iovec
	control  [][controlBytes]byte
	of       []*message // whose message a header is
	n, done  int        // headers, and how many of them are written
	errno    syscall.Errno
	attempts int
}

func (b *batch) prepare() error {
	raw, err := b.sock.udp.SyscallConn()
	if err != nil {
		return err
	}
	c := &calls{raw: raw}
	c.f = c.call
	b.out.calls = c
	return nil
}

// write writes all messages but those to relayed names: those to the network by as few system calls as they take.
func (b *batch) write() {
	if b.out.calls == nil {
		if err := b.prepare(); err != nil {
			b.sock.m.drop(dropWrite)
			return
		}
	}
	c := b.out.calls
	for i := range b.msgs {
		m := &b.msgs[i]
		if m.to.relayed {
			continue
		}
		if m.to.tcp != nil {
			at := b.sock.now()
			b.packets(m, func(p []byte) { b.sock.writeOne(m.to, p) })
			m.wrote(at)
			continue
		}
		if c.n == callMessages || len(c.iovs)+segments > callSpans {
			b.send()
		}
		c.add(b, m)
	}
	b.send()
}

// add makes a header of a message.
func (c *calls) add(b *batch, m *message) {
	if c.n == len(c.hdrs) && c.n < callMessages {
		grown := min(max(2*c.n, 8), callMessages)
		c.hdrs = append(c.hdrs, make([]mmsghdr, grown-c.n)...)
		c.control = append(c.control, make([][controlBytes]byte, grown-c.n)...)
		c.of = append(c.of, make([]*message, grown-c.n)...)
		c.link()
	}
	if cap(c.iovs) == 0 {
		c.iovs = make([]unix.Iovec, 0, callSpans)
	}
	first := len(c.iovs)
	for i := m.first; i >= 0; i = b.spans[i].next {
		s := b.spans[i]
		c.iovs = append(c.iovs, unix.Iovec{Base: &b.arena[s.off]})
		c.iovs[len(c.iovs)-1].SetLen(int(s.n))
	}
	h := &c.hdrs[c.n].hdr
	*h = unix.Msghdr{Name: (*byte)(unsafe.Pointer(&m.to.sa.raw)), Namelen: m.to.sa.size, Iov: &c.iovs[first]}
	h.SetIovlen(len(c.iovs) - first)
	if m.count > 1 {
		k := &c.control[c.n]
		cm := (*unix.Cmsghdr)(unsafe.Pointer(k))
		cm.Level, cm.Type = unix.SOL_UDP, unix.UDP_SEGMENT
		cm.SetLen(unix.CmsgLen(2))
		binary.NativeEndian.PutUint16(k[unix.CmsgLen(0):], uint16(m.size))
		h.Control = &k[0]
		h.SetControllen(unix.CmsgSpace(2))
	}
	c.of[c.n] = m
	c.n++
}

// link points the headers that are filled at their control data, which has moved.
func (c *calls) link() {
	for i := range c.n {
		if c.hdrs[i].hdr.Control != nil {
			c.hdrs[i].hdr.Control = &c.control[i][0]
		}
	}
}

// call is one sendmmsg; false: the socket takes nothing now, and Go's poller says when it does. As with reads Go's scheduler
// is not told, which is why a call has no more messages than take a tenth of a millisecond.
func (c *calls) call(fd uintptr) bool {
	for c.done < c.n {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&c.hdrs[c.done])), uintptr(c.n-c.done), unix.MSG_DONTWAIT, 0, 0)
		c.attempts++
		switch errno {
		case 0:
			c.done += int(n)
		case unix.EINTR:
		case unix.EAGAIN:
			return false
		default:
			c.errno = errno
			return true
		}
	}
	return true
}

// send writes the headers. The kernel stops at a message that it refuses, which is reported when it is the first of a
// call: it is dropped, or written packet by packet where it is a run, and the rest goes on.
func (b *batch) send() {
	c := b.out.calls
	m := b.sock.m
	at := b.sock.now() // not after the call: who is told a time later than the true one takes the next packets for late
	for c.done < c.n {
		c.errno, c.attempts = 0, 0
		err := c.raw.Write(c.f)
		m.writeCalls.Add(uint64(c.attempts))
		if err != nil { // the socket is closed
			break
		}
		if c.errno != 0 && c.done < c.n {
			b.refused(c.of[c.done], c.errno)
			c.done++
		}
	}
	packets := 0
	for i := range c.n {
		packets += c.of[i].count
		c.of[i].wrote(at)
	}
	m.writtenPackets.Add(uint64(packets))
	m.writeMessages.Add(uint64(c.n))
	clear(c.hdrs[:c.n])
	clear(c.of[:c.n])
	c.iovs = c.iovs[:0]
	c.n, c.done = 0, 0
}

// refused deals with a message that the kernel did not take.
func (b *batch) refused(m *message, errno syscall.Errno) {
	if m.count == 1 {
		b.sock.m.drop(dropWrite)
		return
	}
	// Where packets by themselves are taken it was the run that was refused: EIO is a device without checksums, EINVAL a
	// kernel without UDP_SEGMENT or packets that are longer than the path takes.
	failed := false
	b.packets(m, func(p []byte) {
		if _, err := b.sock.udp.WriteToUDPAddrPort(p, m.to.addr); err != nil {
			b.sock.m.drop(dropWrite)
			failed = true
		}
	})
	if !failed && (errors.Is(errno, unix.EIO) || errors.Is(errno, unix.EINVAL) || errors.Is(errno, unix.EMSGSIZE) || errors.Is(errno, unix.EOPNOTSUPP) || errors.Is(errno, unix.ENOPROTOOPT)) {
		m.to.noGSO.Store(true)
		b.sock.m.runsRefused.Add(1)
	}
}
