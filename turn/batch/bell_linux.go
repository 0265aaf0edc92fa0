package batch

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// bell lets a goroutine wait in Go's poller for a socket that is not in it: the poller knows an epoll set that knows the
// socket. It rings once for each time that it is armed (EPOLLONESHOT), so that a socket that is being read in another way
// wakes nobody.
type bell struct {
	*os.File
	raw    syscall.RawConn
	socket int32
	fresh  bool

	// For try is made once.
	try    func(uintptr) bool
	events [1]unix.EpollEvent
	err    error
}

func newBell(socket int) (*bell, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("batch: %w", err)
	}
	b := &bell{socket: int32(socket)}
	err = unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, socket, &unix.EpollEvent{Events: unix.EPOLLONESHOT})
	if err == nil {
		err = unix.SetNonblock(fd, true) // what Go's poller takes
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("batch: %w", err)
	}
	b.File = os.NewFile(uintptr(fd), "epoll")
	if b.raw, err = b.SyscallConn(); err != nil {
		_ = b.Close()
		return nil, fmt.Errorf("batch: %w", err)
	}
	b.try = func(fd uintptr) bool {
		if !b.fresh {
			b.fresh = true
			armed := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLONESHOT, Fd: b.socket}
			if b.err = unix.EpollCtl(int(fd), unix.EPOLL_CTL_MOD, int(b.socket), &armed); b.err != nil {
				return true
			}
		}
		// Taking the event is what disarms it.
		n, err := unix.EpollWait(int(fd), b.events[:], 0)
		if err != nil && err != unix.EINTR {
			b.err = err
		}
		return n > 0 || b.err != nil
	}
	return b, nil
}

// wait sleeps until the socket can be read, or is shut down.
func (b *bell) wait() error {
	b.fresh, b.err = false, nil
	if err := b.raw.Read(b.try); err != nil {
		return err
	}
	return b.err
}
