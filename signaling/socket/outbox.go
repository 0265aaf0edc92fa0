package socket

import "encoding/binary"

// outbox holds what waits to be written. Guarded by Conn.mu.
type outbox struct {
	limit, limitBytes int
	entries, bytes    int
	queue             [][]byte

	presence   lane
	head, tail []byte // around a batch; nil: each presence is a frame by itself
}

// push says false when there is no room. A single entry always fits an empty queue.
func (o *outbox) push(frames [][]byte) bool {
	size := 0
	for _, f := range frames {
		size += len(f)
	}
	if o.entries > 0 && (o.entries >= o.limit || o.bytes+size > o.limitBytes) {
		return false
	}
	o.entries++
	o.bytes += size
	o.queue = append(o.queue, frames...)
	return true
}

func (o *outbox) batches() bool { return o.head != nil }

func (o *outbox) clear() {
	o.queue, o.entries, o.bytes = nil, 0, 0
	o.presence = lane{}
}

func (o *outbox) empty() bool { return len(o.queue) == 0 && o.presence.empty() }

// load is what one drain takes at a time.
type load struct {
	queue      [][]byte
	presence   lane
	head, tail []byte
	ping, pong bool
	pongData   string
	close      bool
	code       int
	reason     string
}

// wake starts a drain where there is something to write. Called with mu held.
func (c *Conn) wake() {
	if c.writing || c.dead || !(c.closing || c.pingDue || c.pongDue || !c.out.empty()) {
		return
	}
	c.writing = true
	go c.drain()
}

// drain writes all that is ready and flushes once, until nothing is left. There is at most one; it ends with the
// connection, since each flush has a deadline and kill closes what it writes to.
func (c *Conn) drain() {
	var l load
	for c.take(&l) {
		if err := c.write(&l); err != nil {
			c.kill()
			return
		}
		if l.close {
			c.mu.Lock()
			c.sent = true // and writing stays true: nothing may follow a close frame
			if c.echo {
				c.killLocked()
			}
			c.mu.Unlock()
			return
		}
	}
}

func (c *Conn) take(l *load) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead || !(c.closing || c.pingDue || c.pongDue || !c.out.empty()) {
		c.writing = false
		return false
	}
	o := &c.out
	*l = load{
		queue: o.queue, presence: o.presence, head: o.head, tail: o.tail,
		ping: c.pingDue, pong: c.pongDue, pongData: c.pong,
		close: c.closing, code: c.code, reason: c.reason,
	}
	o.clear() // what an idle connection keeps is nothing
	c.pingDue, c.pongDue, c.pong = false, false, ""
	return true
}

func (c *Conn) write(l *load) error {
	buf := batchBuffers.Get().(*[]byte)
	w := batcher{c: c, buf: (*buf)[:0]}
	for _, f := range l.queue {
		w.frame(opText, f)
	}
	w.buf = l.presence.append(w.buf, l.head, l.tail)
	if l.pong {
		w.frame(opPong, []byte(l.pongData))
	}
	if l.close {
		var data []byte // 1005: a close frame without a code is answered in kind
		if l.code != closeNoStatus {
			data = append(binary.BigEndian.AppendUint16(nil, uint16(l.code)), l.reason...)
		}
		w.frame(opClose, data)
	} else if l.ping {
		w.frame(opPing, nil)
	}
	w.flush()
	if cap(w.buf) <= 2*batchFlush {
		*buf = w.buf
	}
	batchBuffers.Put(buf)
	return w.err
}
