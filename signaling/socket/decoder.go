package socket

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	"atrium/signaling/protocol"
)

// decoder takes apart what a client sends (RFC 6455, section 5), in whatever pieces it comes. Between messages it holds
// nothing but its few fields. Frames are unmasked where they stand: what is given to it is its to write to.
type decoder struct {
	limit int // of a message, in bytes

	head []byte // of a frame whose header has not all come yet
	left uint64 // of the frame's payload
	key  uint32 // the mask, turned to where the payload goes on
	op   byte   // of the frame; opContinuation: none has begun
	fin  bool
	in   bool // a frame's payload is being read

	message []byte // so far
	begun   bool   // a message has begun and its last frame has not ended
	control []byte // payload of a control frame so far
	drop    bool   // messages are not gathered: the connection is closing
	broken  bool   // nothing more can be understood
}

// kind is what came.
type kind uint8

const (
	nothing kind = iota // all is used up
	text
	ping
	pong
	goodbye // the peer's close frame
	refusal // close with code and reason
)

// event is what came to its end.
type event struct {
	kind   kind
	data   []byte // text, ping: one's own
	code   int    // goodbye, refusal
	reason string
}

// A header is 2 bytes, up to 8 of length and 4 of mask; a server's client must mask (section 5.1).
const (
	finBit        = 0x80
	rsvBits       = 0x70
	opBits        = 0x0f
	maskBit       = 0x80
	lengthBits    = 0x7f
	mostInControl = 125 // section 5.5
)

// next takes from p up to the next event, and gives what is left.
func (d *decoder) next(p []byte) (event, []byte) {
	for len(p) > 0 && !d.broken {
		var e event
		if !d.in {
			e, p = d.header(p)
			if e.kind != nothing {
				return e, p
			}
			if !d.in {
				return event{}, nil // the header goes on
			}
		}
		n := min(d.left, uint64(len(p)))
		d.key = unmask(p[:n], d.key)
		d.payload(p[:n])
		p = p[n:]
		if d.left -= n; d.left > 0 {
			return event{}, nil
		}
		d.in = false
		if e = d.whole(); e.kind != nothing {
			return e, p
		}
	}
	return event{}, nil
}

// header reads a frame's header, which may come in pieces.
func (d *decoder) header(p []byte) (event, []byte) {
	h := p
	if len(d.head) > 0 {
		h = append(d.head, p[:min(len(p), 14-len(d.head))]...)
	}
	size, long := 2, 0
	if len(h) >= 2 {
		// What is wrong with the first two bytes is known without the others.
		if bad := d.refuse(h[0], h[1]); bad != "" {
			return d.malformed(bad), nil
		}
		switch h[1] & lengthBits {
		case 126:
			long = 2
		case 127:
			long = 8
		}
		size += long + 4
	}
	if len(h) < size || len(h) < 2 {
		d.head = append(d.head, p...)
		return event{}, nil
	}
	length := uint64(h[1] & lengthBits)
	switch long {
	case 2:
		length = uint64(binary.BigEndian.Uint16(h[2:]))
	case 8:
		if length = binary.BigEndian.Uint64(h[2:]); length>>63 != 0 {
			return d.malformed("a length has 63 bits"), nil
		}
	}
	if long == 2 && length < 126 || long == 8 && length < 1<<16 {
		return d.malformed("a length is written in as few bytes as it needs"), nil // section 5.2
	}
	p = p[size-len(d.head):]
	d.head = nil
	d.key = binary.LittleEndian.Uint32(h[size-4:])
	d.in, d.fin, d.op = true, h[0]&finBit != 0, h[0]&opBits
	return d.begin(length), p
}

// refuse says what is wrong with the first two bytes of a frame.
func (d *decoder) refuse(first, second byte) string {
	op, fin := first&opBits, first&finBit != 0
	switch {
	case first&rsvBits != 0:
		return "no extension was agreed on: RSV must be 0"
	case second&maskBit == 0:
		return "a client must mask its frames"
	case op >= opClose && !fin:
		return "a control frame must not be fragmented"
	case op >= opClose && second&lengthBits > mostInControl:
		return "a control frame has at most 125 bytes"
	}
	switch op {
	case opContinuation:
		if !d.begun {
			return "a continuation continues nothing"
		}
	case opText, opBinary:
		if d.begun {
			return "a message begins before the last one has ended"
		}
	case opClose, opPing, opPong:
	default:
		return fmt.Sprintf("there is no opcode %#x", op)
	}
	return ""
}

// begin starts a frame's payload. What is not going to be taken is refused here, before anything is kept of it; its bytes
// are read and dropped, so that the peer's close frame is found behind them.
func (d *decoder) begin(length uint64) event {
	d.left = length
	if d.op >= opClose {
		return event{}
	}
	d.begun = true
	switch {
	case d.drop:
	case d.op == opBinary:
		d.stop()
		return event{kind: refusal, code: protocol.CloseUnsupported, reason: "text frames only"}
	case length > uint64(d.limit-len(d.message)):
		d.stop()
		return event{kind: refusal, code: protocol.CloseTooBig, reason: fmt.Sprintf("a frame has at most %d bytes", d.limit)}
	}
	return event{}
}

// stop gathers no messages any more.
func (d *decoder) stop() { d.drop, d.message = true, nil }

// payload keeps a piece of a frame that has come. Room is made for what is there and not for what was announced.
func (d *decoder) payload(piece []byte) {
	switch {
	case d.op >= opClose:
		d.control = append(d.control, piece...)
	case d.drop:
	case d.message == nil:
		d.message = append(make([]byte, 0, len(piece)), piece...)
	default:
		d.message = append(d.message, piece...)
	}
}

// whole is the end of a frame.
func (d *decoder) whole() event {
	if d.op >= opClose {
		data := d.control
		d.control = nil
		switch d.op {
		case opPing:
			return event{kind: ping, data: data}
		case opPong:
			return event{kind: pong}
		}
		return d.closeFrame(data)
	}
	if !d.fin {
		return event{}
	}
	message := d.message
	d.message, d.begun = nil, false
	switch {
	case d.drop:
		return event{}
	case !utf8.Valid(message):
		d.stop()
		return event{kind: refusal, code: closeInvalid, reason: "text frames are UTF-8"}
	}
	return event{kind: text, data: message}
}

// closeFrame reads the payload of a close frame (sections 5.5.1 and 7.4).
func (d *decoder) closeFrame(data []byte) event {
	d.broken = true // nothing follows it
	if len(data) == 0 {
		return event{kind: goodbye, code: closeNoStatus}
	}
	if len(data) == 1 {
		return d.malformed("a close code has two bytes")
	}
	code := int(binary.BigEndian.Uint16(data))
	switch {
	case !mayBeSent(code):
		return d.malformed(fmt.Sprintf("%d is no close code that may be sent", code))
	case !utf8.Valid(data[2:]):
		return event{kind: refusal, code: closeInvalid, reason: "a close reason is UTF-8"}
	}
	return event{kind: goodbye, code: code, reason: string(data[2:])}
}

// malformed is the end of what can be understood.
func (d *decoder) malformed(what string) event {
	d.broken = true
	d.stop()
	d.head, d.control = nil, nil
	return event{kind: refusal, code: closeMalformed, reason: what}
}

// Close codes of section 7.4.1 that are not the protocol's own.
const (
	closeMalformed = 1002
	closeNoStatus  = 1005 // is never sent
	closeInvalid   = 1007
)

// mayBeSent says whether a code may stand in a close frame: those of section 7.4.1 and of IANA's registry, and the ranges
// of 7.4.2 for libraries and applications.
func mayBeSent(code int) bool {
	switch {
	case code >= 1000 && code <= 1003, code >= 1007 && code <= 1014:
		return true
	}
	return code >= 3000 && code < 5000
}

// unmask takes the mask off b and gives the mask as it goes on behind it (section 5.3).
func unmask(b []byte, key uint32) uint32 {
	wide := uint64(key)<<32 | uint64(key)
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^wide)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= byte(key)
		key = key>>8 | key<<24
	}
	return key
}
