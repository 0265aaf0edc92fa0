package stamp

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Size is the length of a stamp.
const Size = 4 + 16 + 1 + 8 + 8

// magic begins each stamp.
const magic = 0x41545253 // "ATRS"

// Kind says what a packet is part of. The values are those of bench/peer's Kind.
type Kind uint8

// The kinds.
const (
	Audio Kind = iota
	Video
)

// Stamp is what a packet says of itself.
type Stamp struct {
	Sender   uuid.UUID
	Kind     Kind
	Sequence uint64 // of the sender's packets of this kind, from 0, without a gap
	Sent     time.Time
}

// errNone: the payload holds no stamp.
var errNone = errors.New("stamp: the payload holds none")

// Append adds the stamp to b.
func (s Stamp) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, magic)
	b = append(b, s.Sender[:]...)
	b = append(b, byte(s.Kind))
	b = binary.BigEndian.AppendUint64(b, s.Sequence)
	return binary.BigEndian.AppendUint64(b, uint64(s.Sent.UnixNano()))
}

// Read reads the stamp that an RTP payload of the given kind holds.
func Read(kind Kind, payload []byte) (Stamp, error) {
	if kind == Video {
		n, err := vp8Header(payload)
		if err != nil {
			return Stamp{}, err
		}
		payload = payload[n:]
	}
	if len(payload) < Size || binary.BigEndian.Uint32(payload) != magic {
		return Stamp{}, errNone
	}
	s := Stamp{
		Kind:     Kind(payload[20]),
		Sequence: binary.BigEndian.Uint64(payload[21:]),
		Sent:     time.Unix(0, int64(binary.BigEndian.Uint64(payload[29:]))),
	}
	copy(s.Sender[:], payload[4:20])
	return s, nil
}

// vp8Header is the length of what comes before the stamp: the payload descriptor (RFC 7741, section 4.2), whose length may
// have changed on the way, and the frame header with which a frame begins.
func vp8Header(p []byte) (int, error) {
	n := 1
	if len(p) < n+1 {
		return 0, errNone
	}
	begins := p[0]&0x10 != 0 && p[0]&0x07 == 0
	if p[0]&0x80 != 0 {
		ext := p[1]
		n++
		if ext&0x80 != 0 { // I: the picture id, of one byte or two
			if len(p) <= n {
				return 0, errNone
			}
			if p[n]&0x80 != 0 {
				n++
			}
			n++
		}
		if ext&0x40 != 0 { // L
			n++
		}
		if ext&0x30 != 0 { // T or K
			n++
		}
	}
	if begins {
		if len(p) <= n {
			return 0, errNone
		}
		if p[n]&1 == 0 {
			n += keyHeader
		} else {
			n += deltaHeader
		}
	}
	if len(p) < n {
		return 0, errNone
	}
	return n, nil
}
