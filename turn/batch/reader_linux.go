package batch

import (
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// message is struct mmsghdr (recvmmsg(2)).
type message struct {
	hdr unix.Msghdr
	n   uint32
}

// Reader reads datagrams into buffers of its own. Use it from one goroutine at a time.
type Reader struct {
	socket   *Socket
	size     int
	buf      []byte
	messages []message
	iovecs   []unix.Iovec
	names    []unix.RawSockaddrInet6
	pace     pace

	// The call's arguments and results, for call is made once.
	call  func(uintptr)
	flags uintptr
	n     uintptr
	errno unix.Errno
}

// NewReader makes a Reader of up to most datagrams at a time, of up to size bytes; the rest of a longer one is lost. While
// many come, it lets them gather for up to gather before it reads them.
func NewReader(s *Socket, most, size int, gather time.Duration) *Reader {
	r := &Reader{
		socket: s, size: size, buf: make([]byte, most*size), pace: pace{gather: gather},
		messages: make([]message, most), iovecs: make([]unix.Iovec, most), names: make([]unix.RawSockaddrInet6, most),
	}
	for i := range r.messages {
		r.iovecs[i].Base = &r.buf[i*size]
		r.iovecs[i].SetLen(size)
		h := &r.messages[i].hdr
		h.Iov, h.Name = &r.iovecs[i], (*byte)(unsafe.Pointer(&r.names[i]))
		h.SetIovlen(1)
		h.Namelen = unix.SizeofSockaddrInet6
	}
	r.call = func(fd uintptr) {
		r.n, _, r.errno = unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.messages[0])), uintptr(len(r.messages)), r.flags, 0, 0)
	}
	return r
}

// Read waits for datagrams and gives how many there are. What it gave before is lost.
func (r *Reader) Read() (int, error) {
	for {
		var n int
		var err error
		switch r.pace.how() {
		case gathering:
			ts := unix.NsecToTimespec(int64(r.pace.gather))
			_ = unix.Nanosleep(&ts, nil)
			n, err = r.read(unix.MSG_WAITFORONE)
		case busy:
			n, err = r.read(unix.MSG_WAITFORONE)
		case idle:
			if err := r.socket.bell.wait(); err != nil && !r.socket.closed.Load() {
				return 0, fmt.Errorf("batch: waiting: %w", err)
			}
			n, err = r.read(unix.MSG_DONTWAIT)
		}
		if err != nil {
			return 0, err
		}
		if r.pace.took(n, time.Now()) {
			// Go's scheduler has not seen this goroutine for long. At 10 ms it would take its processor from it, and look
			// after it every 20 us from then on (runtime: retake, sysmon), which costs more than all else here.
			runtime.Gosched()
		}
		if n > 0 {
			return n, nil
		}
	}
}

// read gives 0 where there is nothing.
func (r *Reader) read(flags uintptr) (int, error) {
	for i := range int(r.n) {
		r.messages[i].hdr.Namelen = unix.SizeofSockaddrInet6
	}
	for {
		r.n, r.flags = 0, flags
		err := r.socket.raw.Control(r.call)
		if err != nil || r.socket.closed.Load() {
			r.n = 0
			return 0, net.ErrClosed
		}
		switch r.errno {
		case 0:
			return int(r.n), nil
		case unix.EINTR:
			continue
		}
		r.n = 0
		if r.errno == unix.EAGAIN {
			return 0, nil
		}
		return 0, fmt.Errorf("batch: reading: %w", r.errno)
	}
}

// At gives a datagram and where it came from. It is the caller's until the next Read.
func (r *Reader) At(i int) ([]byte, netip.AddrPort) {
	p := r.buf[i*r.size : i*r.size+min(int(r.messages[i].n), r.size)]
	name := &r.names[i]
	port := (*[2]byte)(unsafe.Pointer(&name.Port))
	at := uint16(port[0])<<8 | uint16(port[1])
	if name.Family == unix.AF_INET {
		return p, netip.AddrPortFrom(netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(name)).Addr), at)
	}
	from := netip.AddrFrom16(name.Addr).Unmap()
	if name.Scope_id != 0 && from.Is6() {
		if i, err := net.InterfaceByIndex(int(name.Scope_id)); err == nil { // link-local: rare
			from = from.WithZone(i.Name)
		}
	}
	return p, netip.AddrPortFrom(from, at)
}
