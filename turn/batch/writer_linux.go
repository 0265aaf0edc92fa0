package batch

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// segment is a control message UDP_SEGMENT: struct cmsghdr, the size, and what aligns the next.
type segment struct {
	hdr  unix.Cmsghdr
	size uint16
	_    [6]byte
}

// sysWriter is what sendmmsg is called with.
type sysWriter struct {
	messages []message
	iovecs   []unix.Iovec
	control  []segment

	call       func(uintptr)
	from, till int // of messages
	n          uintptr
	errno      unix.Errno
}

func (y *sysWriter) init(w *Writer, most int) {
	y.messages, y.iovecs, y.control = make([]message, most), make([]unix.Iovec, most), make([]segment, most)
	for i := range y.control {
		c := &y.control[i]
		c.hdr.Level, c.hdr.Type = unix.SOL_UDP, unix.UDP_SEGMENT
		c.hdr.SetLen(unix.CmsgLen(2))
	}
	y.call = func(fd uintptr) {
		y.n, _, y.errno = unix.Syscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&y.messages[y.from])), uintptr(y.till-y.from), unix.MSG_NOSIGNAL, 0, 0)
	}
}

// write writes the runs, each as one message.
func (w *Writer) write() {
	y := &w.sys
	k := 0
	for i := range w.runs {
		r := &w.runs[i]
		h := &y.messages[i].hdr
		*h = unix.Msghdr{Name: (*byte)(unsafe.Pointer(&r.to.addr)), Namelen: r.to.size, Iov: &y.iovecs[k]}
		h.SetIovlen(r.n)
		for d := r.first; d >= 0; d = w.queue[d].next {
			v := &y.iovecs[k]
			v.Base = unsafe.SliceData(w.queue[d].p)
			v.SetLen(len(w.queue[d].p))
			k++
		}
		if r.n > 1 {
			c := &y.control[i]
			c.size = uint16(r.size)
			h.Control = (*byte)(unsafe.Pointer(c))
			h.SetControllen(int(unsafe.Sizeof(*c)))
		}
	}
	y.from, y.till = 0, len(w.runs)
	for y.from < y.till {
		if w.socket.raw.Control(y.call) != nil {
			w.fail(y.from, y.till) // closed
			break
		}
		w.stats.Calls++
		if y.errno == 0 {
			for range y.n {
				w.stats.Messages++
				w.stats.Datagrams += uint64(w.runs[y.from].n)
				y.from++
			}
			continue
		}
		switch {
		case y.errno == unix.EINTR:
		case w.runs[y.from].n > 1 && refusesSegments(y.errno):
			w.apart(y.from)
			y.from++
		default: // this one is lost, and no other
			w.fail(y.from, y.from+1)
			y.from++
		}
	}
	clear(y.iovecs[:k]) // what they point to is the caller's again
	clear(y.messages[:len(w.runs)])
}

func (w *Writer) fail(from, till int) {
	for i := from; i < till; i++ {
		w.stats.Failed += uint64(w.runs[i].n)
	}
}

// refusesSegments: no checksum offload on the way out (EIO), a size that does not fit the path's MTU, which a datagram by
// itself would pass in fragments (EINVAL, EMSGSIZE), or a kernel that knows no UDP_SEGMENT at all.
func refusesSegments(e unix.Errno) bool {
	return e == unix.EIO || e == unix.EINVAL || e == unix.EMSGSIZE || e == unix.EOPNOTSUPP || e == unix.ENOPROTOOPT
}

// apart writes a run whose message was refused datagram by datagram.
func (w *Writer) apart(i int) {
	y, r := &w.sys, &w.runs[i]
	if y.errno == unix.EIO {
		w.socket.whole.Store(true) // it will not change
	}
	was, from, till := y.messages[i], y.from, y.till
	h := &y.messages[i].hdr
	h.Control = nil
	h.SetControllen(0)
	h.SetIovlen(1)
	y.till = i + 1
	iov := unsafe.Slice(was.hdr.Iov, r.n)
	for k := 0; k < len(iov); {
		h.Iov = &iov[k]
		if w.socket.raw.Control(y.call) != nil {
			w.stats.Failed += uint64(len(iov) - k)
			break
		}
		w.stats.Calls++
		switch y.errno {
		case 0:
			w.stats.Messages++
			w.stats.Datagrams++
		case unix.EINTR:
			continue
		default:
			w.stats.Failed++
		}
		k++
	}
	y.from, y.till = from, till
}
