package forward

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"net"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Way is how the floor hands packets to the kernel.
type Way string

// The ways that are measured.
const (
	SendTo   Way = "sendto"       // a system call for each packet
	SendMMsg Way = "sendmmsg"     // one for all packets of an event, to all receivers
	GSO      Way = "gso"          // one for each receiver, to which the packets are one message (UDP_SEGMENT)
	Both     Way = "gso,sendmmsg" // one for all such messages
)

// Floor is the least that one Go thread takes to send a load's packets to their receivers: a copy, AES-128-GCM where sealed,
// and the kernel.
type Floor struct {
	Way    Way
	Sealed bool

	Packets int // sent
	Got     int // of these
	CPU     time.Duration
}

// PerPacket is the thread's processor time per packet.
func (f *Floor) PerPacket() time.Duration {
	if f.Packets == 0 {
		return 0
	}
	return f.CPU / time.Duration(f.Packets)
}

// MeasureFloor sends what kinds would be sent by an SFU: each member's packets to those who have a slot for it.
func MeasureFloor(ctx context.Context, s Shape, kinds []Kind, way Way, sealed bool, lasts time.Duration) (f Floor, err error) {
	f = Floor{Way: way, Sealed: sealed}
	events, err := timeline(s, kinds)
	if err != nil {
		return f, err
	}
	out, err := newOutlet(kinds)
	if err != nil {
		return f, err
	}
	defer out.close()
	events = slices.DeleteFunc(events, func(e event) bool { return len(out.receivers(&e)) == 0 })
	var got atomic.Int64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() { // the receivers, on a thread of their own
		defer close(done)
		in := newInbox()
		for last := false; ; {
			for _, fd := range out.fds {
				for n := inboxPackets; n == inboxPackets; {
					n = in.read(fd)
					got.Add(int64(n))
				}
			}
			if last {
				return
			}
			t := time.NewTimer(readEvery)
			select {
			case <-stop:
				t.Stop()
				last = true
			case <-t.C:
			}
		}
	}()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1000, 0, 0, 0)
	defer unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0)
	before := threadTime()
	start := time.Now()
	for second := time.Duration(0); second < lasts && err == nil && ctx.Err() == nil; second += time.Second {
		for i := range events {
			e := &events[i]
			if second+e.at >= lasts || err != nil {
				break
			}
			for {
				wait := time.Until(start.Add(second + e.at))
				if wait <= 0 {
					break
				}
				ts := unix.NsecToTimespec(int64(wait))
				_ = unix.Nanosleep(&ts, nil)
			}
			err = out.send(e, way, sealed, &f.Packets)
		}
	}
	f.CPU = threadTime() - before
	close(stop)
	<-done
	f.Got = int(got.Load())
	if err == nil {
		err = ctx.Err()
	}
	return f, err
}

func threadTime() time.Duration {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts)
	return time.Duration(ts.Nano())
}

const outletMessages = 1024

// outlet is a socket, with receivers that each have a key.
type outlet struct {
	fd      int
	hears   [lanes][][]int // receivers, by who sends
	fds     []int
	to      []unix.RawSockaddrInet4
	aead    []cipher.AEAD
	source  [inboxBytes]byte
	arena   []byte
	nonce   [12]byte
	hdrs    [outletMessages]mmsghdr
	iovs    [outletMessages]unix.Iovec
	control [outletMessages][24]byte
}

func newOutlet(kinds []Kind) (o *outlet, err error) {
	o = &outlet{fd: -1, hears: audience(kinds), arena: make([]byte, 2<<20)}
	defer func() {
		if err != nil {
			o.close()
		}
	}()
	if o.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return o, fmt.Errorf("forward: floor: %w", err)
	}
	_ = unix.SetsockoptInt(o.fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 4<<20)
	index := make(map[int]int)
	for i, k := range kinds {
		if !k.receives() {
			continue
		}
		index[i] = len(o.fds)
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return o, fmt.Errorf("forward: floor: %w", err)
		}
		port := c.LocalAddr().(*net.UDPAddr).Port
		fd, err := (&quietConn{UDPConn: c, quiet: make(chan struct{})}).take()
		if err != nil {
			return o, err
		}
		to := unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: [4]byte{127, 0, 0, 1}}
		binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&to.Port))[:], uint16(port))
		block, err := aes.NewCipher([]byte(fmt.Sprintf("key of %9d", i)))
		if err != nil {
			return o, err
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return o, err
		}
		o.fds, o.to, o.aead = append(o.fds, fd), append(o.to, to), append(o.aead, aead)
	}
	for _, lane := range o.hears {
		for _, to := range lane {
			for k := range to {
				to[k] = index[to[k]]
			}
		}
	}
	return o, nil
}

func (o *outlet) close() {
	for _, fd := range append(o.fds, o.fd) {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// receivers are those who have a slot for an event's packets.
func (o *outlet) receivers(e *event) []int {
	if e.video {
		return o.hears[video][e.from]
	}
	return o.hears[audio][e.from]
}

const rtpHeader, gcmTag = 12, 16

// send sends an event's packets to who has a slot for them.
func (o *outlet) send(e *event, way Way, sealed bool, count *int) error {
	used, n := 0, 0
	for _, i := range o.receivers(e) {
		run, size := used, 0 // where the open run begins, and the size of its packets
		for k, bytes := range e.sizes {
			p := o.arena[used : used+bytes+gcmTag]
			copy(p, o.source[:bytes])
			if sealed {
				binary.BigEndian.PutUint64(o.nonce[4:], uint64(*count))
				o.aead[i].Seal(p[rtpHeader:rtpHeader], o.nonce[:], p[rtpHeader:bytes], p[:rtpHeader])
			}
			used += len(p)
			*count++
			switch way {
			case SendTo:
				if err := o.one(i, p); err != nil {
					return err
				}
				continue
			case GSO, Both:
				if size == 0 {
					size = len(p)
				}
				// The next one belongs to it, if this is full and the next is no longer.
				if k < len(e.sizes)-1 && len(p) == size && e.sizes[k+1] <= bytes {
					continue
				}
			}
			o.message(n, i, o.arena[run:used], size)
			run, size, n = used, 0, n+1
			if n == outletMessages || way == GSO {
				if err := o.flush(n); err != nil {
					return err
				}
				n = 0
			}
		}
	}
	return o.flush(n)
}

func (o *outlet) one(i int, p []byte) error {
	for {
		_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(o.fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), 0, uintptr(unsafe.Pointer(&o.to[i])), unix.SizeofSockaddrInet4)
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return fmt.Errorf("forward: floor: sendto: %w", errno)
		}
	}
}

// message makes message k one of p for receiver i, in segments of size bytes where that is not 0.
func (o *outlet) message(k, i int, p []byte, size int) {
	o.iovs[k].Base = &p[0]
	o.iovs[k].SetLen(len(p))
	h := &o.hdrs[k].hdr
	*h = unix.Msghdr{Name: (*byte)(unsafe.Pointer(&o.to[i])), Namelen: unix.SizeofSockaddrInet4, Iov: &o.iovs[k]}
	h.SetIovlen(1)
	if size == 0 || len(p) <= size {
		return
	}
	c := (*unix.Cmsghdr)(unsafe.Pointer(&o.control[k][0]))
	c.Level, c.Type = unix.SOL_UDP, unix.UDP_SEGMENT
	c.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(o.control[k][unix.CmsgLen(0):], uint16(size))
	h.Control = &o.control[k][0]
	h.SetControllen(unix.CmsgSpace(2))
}

func (o *outlet) flush(n int) error {
	for done := 0; done < n; {
		k, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(o.fd), uintptr(unsafe.Pointer(&o.hdrs[done])), uintptr(n-done), 0, 0, 0)
		switch errno {
		case 0:
			done += int(k)
		case unix.EINTR:
		default:
			return fmt.Errorf("forward: floor: sendmmsg: %w", errno)
		}
	}
	return nil
}
