package batch

import "time"

// sendWait bounds how long a write waits for the kernel to take a datagram. It takes it at the network's pace, so that a
// wait of this length means a network that is down; the datagram is dropped then.
const sendWait = 100 * time.Millisecond

// maxRun is the most datagrams that one message holds (UDP_MAX_SEGMENTS in Linux 4.18), and maxBytes the most bytes (the
// length field of UDP, less the headers).
const (
	maxRun   = 64
	maxBytes = 65000
)

// datagram waits in a Writer.
type datagram struct {
	p    []byte
	next int // of the same run; -1: none
}

// run is datagrams to one destination that leave together: all of one size, the last perhaps smaller.
type run struct {
	to          *Dest
	first, last int
	n           int
	size, bytes int
	closed      bool // its last is smaller
}

// Stats count what a Writer has written.
type Stats struct {
	Datagrams uint64 // taken by the kernel
	Messages  uint64 // in so many messages
	Calls     uint64 // in so many system calls
	Failed    uint64 // refused by the kernel
}

// Writer collects datagrams. Use it from one goroutine at a time.
type Writer struct {
	// Owned by the caller's goroutine.
	socket *Socket // of all that waits
	queue  []datagram
	runs   []run
	stats  Stats
	sys    sysWriter
}

// NewWriter makes a Writer that flushes itself when it holds most datagrams.
func NewWriter(most int) *Writer {
	w := &Writer{queue: make([]datagram, 0, most), runs: make([]run, 0, most)}
	w.sys.init(w, most)
	return w
}

// Add queues a datagram, which leaves by the destination's socket. p must stay as it is until Flush.
func (w *Writer) Add(to *Dest, p []byte) {
	if len(w.queue) == cap(w.queue) || to.socket != w.socket {
		w.Flush()
		w.socket = to.socket
	}
	i := len(w.queue)
	w.queue = append(w.queue, datagram{p, -1})
	// The last run to this destination takes it, or no run does: datagrams to one destination keep their order.
	for k := len(w.runs) - 1; k >= 0; k-- {
		r := &w.runs[k]
		if r.to != to {
			continue
		}
		if !w.socket.segments() || r.closed || len(p) > r.size || r.n == maxRun || r.bytes+len(p) > maxBytes || len(p) == 0 {
			break
		}
		w.queue[r.last].next = i
		r.last = i
		r.n++
		r.bytes += len(p)
		r.closed = len(p) < r.size
		return
	}
	w.runs = append(w.runs, run{to: to, first: i, last: i, n: 1, size: len(p), bytes: len(p)})
}

// Len is how many datagrams wait.
func (w *Writer) Len() int { return len(w.queue) }

// Flush writes all that waits. A datagram that the kernel refuses is counted and costs no other one.
func (w *Writer) Flush() {
	if len(w.queue) == 0 {
		return
	}
	w.write()
	clear(w.queue) // what it points to is the caller's again
	w.queue, w.runs = w.queue[:0], w.runs[:0]
}

// Stats tells what has been written so far.
func (w *Writer) Stats() Stats { return w.stats }
