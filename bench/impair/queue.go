package impair

import (
	"net"
	"os"
	"time"

	"github.com/pion/transport/v4/deadline"
)

// item is what waits for its time.
type item struct {
	due  time.Time
	data []byte
	addr net.Addr
	err  error // of the read; it comes in order, behind what was read before
}

// until waits for a time; false: done was closed first.
func until(due time.Time, done <-chan struct{}) bool {
	d := time.Until(due)
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-done:
		return false
	}
}

// inlet is the receiving side of a connection: its reader takes each item when its time has come.
type inlet struct {
	items    chan item
	closed   chan struct{}
	deadline *deadline.Deadline

	// Owned by the reader.
	head *item
}

func newInlet() *inlet {
	return &inlet{items: make(chan item, queueLen), closed: make(chan struct{}), deadline: deadline.New()}
}

// next waits for an item; it stays the head until it is consumed.
func (in *inlet) next() (*item, error) {
	if in.head == nil {
		select {
		case <-in.closed:
			return nil, net.ErrClosed
		default:
		}
		select {
		case it := <-in.items:
			in.head = &it
		case <-in.closed:
			return nil, net.ErrClosed
		case <-in.deadline.Done():
			return nil, os.ErrDeadlineExceeded
		}
	}
	if d := time.Until(in.head.due); d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-in.closed:
			return nil, net.ErrClosed
		case <-in.deadline.Done():
			return nil, os.ErrDeadlineExceeded
		}
	}
	if in.head.err != nil {
		return nil, in.head.err
	}
	return in.head, nil
}
