package forward

import (
	"time"
	"unsafe"

	"github.com/pion/rtp"
	"golang.org/x/sys/unix"
)

const (
	inboxPackets = 64
	inboxBytes   = 1600
)

// inbox reads many datagrams by one system call, with the times at which they came.
type inbox struct {
	hdrs   [inboxPackets]mmsghdr
	iovs   [inboxPackets]unix.Iovec
	data   [inboxPackets][inboxBytes]byte
	oob    [inboxPackets][64]byte
	plain  [inboxBytes]byte
	header rtp.Header
}

type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
	_   [4]byte
}

func newInbox() *inbox {
	b := &inbox{}
	for i := range b.hdrs {
		b.iovs[i].Base = &b.data[i][0]
		b.iovs[i].SetLen(inboxBytes)
		h := &b.hdrs[i].hdr
		h.Iov, h.Control = &b.iovs[i], &b.oob[i][0]
		h.SetIovlen(1)
	}
	return b
}

// read gives the number of datagrams that were there.
func (b *inbox) read(fd int) int {
	for i := range b.hdrs {
		b.hdrs[i].hdr.SetControllen(len(b.oob[i]))
	}
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.hdrs[0])), inboxPackets, unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			return int(n)
		case unix.EINTR, unix.ECONNREFUSED:
			continue
		}
		return 0
	}
}

// packet gives a datagram and when it came, in nanoseconds since 1970.
func (b *inbox) packet(i int) ([]byte, int64) {
	at := time.Now().UnixNano()
	h := &b.hdrs[i]
	if head := unix.CmsgLen(0); int(h.hdr.Controllen) >= unix.CmsgLen(int(unsafe.Sizeof(unix.Timespec{}))) {
		at = (*unix.Timespec)(unsafe.Pointer(&b.oob[i][head])).Nano()
	}
	return b.data[i][:h.n], at
}
