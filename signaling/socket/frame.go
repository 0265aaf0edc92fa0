package socket

import (
	"encoding/binary"
	"sync"
	"time"
)

// Opcodes of RFC 6455, section 5.2.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8 // and above: control frames
	opPing         = 0x9
	opPong         = 0xA
)

// appendHeader begins a frame of a server, which is whole and not masked, for a payload of so many bytes.
func appendHeader(b []byte, op byte, size int) []byte {
	b = append(b, finBit|op)
	switch {
	case size < 126:
		return append(b, byte(size))
	case size < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, 126), uint16(size))
	}
	return binary.BigEndian.AppendUint64(append(b, 127), uint64(size))
}

func appendFrame(b []byte, op byte, payload []byte) []byte {
	return append(appendHeader(b, op, len(payload)), payload...)
}

// batcher gathers the frames of one drain, which then are one write.
type batcher struct {
	c   *Conn
	buf []byte
	err error
}

// batchFlush is when a drain sends what it has: large enough for a presence tick of a full zone, small enough that a burst
// of large frames is not copied into one huge buffer.
const batchFlush = 64 << 10

var batchBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

func (w *batcher) frame(op byte, payload []byte) {
	w.buf = appendFrame(w.buf, op, payload)
	if len(w.buf) >= batchFlush {
		w.flush()
	}
}

func (w *batcher) flush() {
	if w.err == nil && len(w.buf) > 0 {
		if w.err = w.c.conn.SetWriteDeadline(time.Now().Add(w.c.opt.WriteTimeout)); w.err == nil {
			_, w.err = w.c.conn.Write(w.buf)
		}
	}
	w.buf = w.buf[:0]
}
