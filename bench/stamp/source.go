package stamp

import (
	"time"

	"github.com/google/uuid"
	"github.com/pion/rtp"
)

const (
	// keyHeader and deltaHeader are the lengths of what begins a VP8 frame (RFC 6386, section 9.1): the frame tag and, in a key
	// frame, the start code and the size of the picture.
	keyHeader   = 10
	deltaHeader = 3

	width, height = 320, 240
)

// AudioInterval is what one Opus packet plays.
const AudioInterval = 20 * time.Millisecond

// AudioSource makes the packets of one microphone.
type AudioSource struct {
	sender uuid.UUID
	next   uint64
	buf    []byte
}

// NewAudio makes a microphone.
func NewAudio(sender uuid.UUID) *AudioSource { return &AudioSource{sender: sender} }

// Next makes the next packet, valid until the next call. The RTP sequence number is the stamp's, modulo 2^16.
func (a *AudioSource) Next(now time.Time) (*rtp.Packet, Stamp) {
	s := Stamp{Sender: a.sender, Kind: Audio, Sequence: a.next, Sent: now}
	a.next++
	a.buf = s.Append(a.buf[:0])
	return &rtp.Packet{
		Header: rtp.Header{
			Version: 2, SequenceNumber: uint16(s.Sequence), Timestamp: uint32(s.Sequence * 960), Marker: s.Sequence == 0,
		},
		Payload: a.buf,
	}, s
}

// VideoSource makes the packets of one camera: frames of a few packets, each packet stamped.
type VideoSource struct {
	// Static after construction.
	sender uuid.UUID
	fps    int
	size   int // of a packet
	delta  int // packets of a frame
	key    int // packets of a key frame

	next    uint64 // stamp's sequence
	frame   uint64
	picture uint16
}

// NewVideo makes a camera whose frames come fps times a second, of two packets of 600 bytes, key frames of four.
func NewVideo(sender uuid.UUID, fps int) *VideoSource {
	return &VideoSource{sender: sender, fps: fps, size: 600, delta: 2, key: 4}
}

// Interval is the time between two frames.
func (v *VideoSource) Interval() time.Duration { return time.Second / time.Duration(v.fps) }

// Next makes the packets of the next frame.
func (v *VideoSource) Next(now time.Time, key bool) ([]*rtp.Packet, []Stamp) {
	n := v.delta
	if key {
		n = v.key
	}
	pkts, stamps := make([]*rtp.Packet, 0, n), make([]Stamp, 0, n)
	for i := range n {
		s := Stamp{Sender: v.sender, Kind: Video, Sequence: v.next, Sent: now}
		v.next++
		payload := make([]byte, 0, v.size)
		first := byte(0x80) // X
		if i == 0 {
			first |= 0x10 // S, partition 0
		}
		// The extension holds a picture id of 15 bits (I, M), as browsers send it.
		payload = append(payload, first, 0x80, 0x80|byte(v.picture>>8), byte(v.picture))
		if i == 0 {
			payload = appendFrameHeader(payload, key, n*v.size)
		}
		payload = s.Append(payload)
		payload = payload[:v.size]
		pkts = append(pkts, &rtp.Packet{
			Header: rtp.Header{
				Version: 2, SequenceNumber: uint16(s.Sequence), Marker: i == n-1,
				Timestamp: uint32(v.frame * 90000 / uint64(v.fps)),
			},
			Payload: payload,
		})
		stamps = append(stamps, s)
	}
	v.frame++
	v.picture = (v.picture + 1) & 0x7fff
	return pkts, stamps
}

// appendFrameHeader writes what a VP8 frame begins with: in the tag's bits, from the lowest, inverse key frame, version, show,
// and the length of the first partition.
func appendFrameHeader(b []byte, key bool, partition int) []byte {
	tag := uint32(1)<<4 | uint32(partition)<<5
	if !key {
		tag |= 1
	}
	b = append(b, byte(tag), byte(tag>>8), byte(tag>>16))
	if key {
		b = append(b, 0x9d, 0x01, 0x2a, byte(width&0xff), byte(width>>8), byte(height&0xff), byte(height>>8))
	}
	return b
}
