package socket

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// masked is a client's frame.
func masked(first byte, payload string) []byte {
	b := appendHeader(nil, 0, len(payload))
	b[0] = first
	b[1] |= maskBit
	key := []byte{0x37, 0xfa, 0x21, 0x3d}
	b = append(b, key...)
	for i := range len(payload) {
		b = append(b, payload[i]^key[i%4])
	}
	return b
}

func join(frames ...[]byte) []byte { return bytes.Join(frames, nil) }

// closing is a close frame's payload.
func closing(code uint16, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, code)) + reason
}

// decoded is what comes of a stream, cut into pieces at random, or into single bytes, or whole.
func decoded(limit int, stream []byte, piece func() int) (got []string) {
	d := decoder{limit: limit}
	for p := slices.Clone(stream); len(p) > 0; {
		n := min(len(p), piece())
		rest := p[:n]
		for {
			var e event
			e, rest = d.next(rest)
			if e.kind == nothing {
				break
			}
			got = append(got, said(e))
		}
		p = p[n:]
	}
	return got
}

func said(e event) string {
	switch e.kind {
	case text:
		return "text " + string(e.data)
	case ping:
		return "ping " + string(e.data)
	case pong:
		return "pong"
	case goodbye:
		return strings.TrimSpace(fmt.Sprint("goodbye ", e.code, " ", e.reason))
	case refusal:
		return fmt.Sprint("refused ", e.code, ": ", e.reason)
	}
	return "?"
}

const fin = finBit

func TestDecoder(t *testing.T) {
	long := strings.Repeat("é", 40_000)
	header := func(b ...byte) []byte { return b }
	cases := []struct {
		name   string
		stream []byte
		want   []string
	}{
		{"of the RFC, section 5.7", []byte{0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}, []string{"text Hello"}},
		{"empty", masked(fin|opText, ""), []string{"text "}},
		{"two", join(masked(fin|opText, "a"), masked(fin|opText, "b")), []string{"text a", "text b"}},
		{"16 bits of length", masked(fin|opText, long[:1000]), []string{"text " + long[:1000]}},
		{"64 bits of length", masked(fin|opText, long), []string{"text " + long}},
		{"in fragments", join(masked(opText, "a"), masked(opContinuation, "b"), masked(fin|opContinuation, "c")), []string{"text abc"}},
		{"in empty fragments", join(masked(opText, ""), masked(opContinuation, ""), masked(fin|opContinuation, "")), []string{"text "}},
		{"a character in two fragments", join(masked(opText, "\xc3"), masked(fin|opContinuation, "\xa9")), []string{"text é"}},
		{"control between fragments", join(masked(opText, "a"), masked(fin|opPing, "p"), masked(fin|opPong, ""), masked(fin|opContinuation, "b")),
			[]string{"ping p", "pong", "text ab"}},
		{"the longest ping", masked(fin|opPing, long[:125]), []string{"ping " + long[:125]}},
		{"goodbye", join(masked(fin|opClose, closing(1000, "bye")), masked(fin|opText, "after")), []string{"goodbye 1000 bye"}},
		{"goodbye without a code", masked(fin|opClose, ""), []string{"goodbye 1005"}},
		{"goodbye of an application", masked(fin|opClose, closing(4999, "")), []string{"goodbye 4999"}},

		{"binary", join(masked(fin|opBinary, "x"), masked(fin|opText, "dropped"), masked(fin|opClose, "")),
			[]string{"refused 1003: text frames only", "goodbye 1005"}},
		{"empty binary", join(masked(fin|opBinary, ""), masked(fin|opClose, "")), []string{"refused 1003: text frames only", "goodbye 1005"}},
		{"too large", join(masked(fin|opText, long+"x"), masked(fin|opClose, "")), []string{"refused 1009: a frame has at most 80000 bytes", "goodbye 1005"}},
		{"too large in fragments", join(masked(opText, long), masked(fin|opContinuation, "x"), masked(fin|opClose, "")),
			[]string{"refused 1009: a frame has at most 80000 bytes", "goodbye 1005"}},
		{"too large by its header", header(fin|opText, maskBit|127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4), []string{"refused 1009: a frame has at most 80000 bytes"}},
		{"no UTF-8", join(masked(fin|opText, "\xff"), masked(fin|opClose, "")), []string{"refused 1007: text frames are UTF-8", "goodbye 1005"}},
		{"half a character", masked(fin|opText, "\xc3"), []string{"refused 1007: text frames are UTF-8"}},

		{"not masked", header(fin|opText, 1, 'x'), []string{"refused 1002: a client must mask its frames"}},
		{"RSV1", join(masked(fin|0x40|opText, "x"), masked(fin|opText, "x")), []string{"refused 1002: no extension was agreed on: RSV must be 0"}},
		{"opcode 3", masked(fin|3, ""), []string{"refused 1002: there is no opcode 0x3"}},
		{"opcode 11", masked(fin|11, ""), []string{"refused 1002: there is no opcode 0xb"}},
		{"a long ping", masked(fin|opPing, long[:126]), []string{"refused 1002: a control frame has at most 125 bytes"}},
		{"a ping in fragments", masked(opPing, ""), []string{"refused 1002: a control frame must not be fragmented"}},
		{"a continuation of nothing", masked(fin|opContinuation, "x"), []string{"refused 1002: a continuation continues nothing"}},
		{"a continuation of what has ended", join(masked(fin|opText, "x"), masked(fin|opContinuation, "x")),
			[]string{"text x", "refused 1002: a continuation continues nothing"}},
		{"a message in a message", join(masked(opText, "x"), masked(fin|opText, "x")), []string{"refused 1002: a message begins before the last one has ended"}},
		{"64 bits all used", header(fin|opText, maskBit|127, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), []string{"refused 1002: a length has 63 bits"}},
		{"a short length in 16 bits", header(fin|opText, maskBit|126, 0, 125, 0, 0, 0, 0), []string{"refused 1002: a length is written in as few bytes as it needs"}},
		{"a short length in 64 bits", header(fin|opText, maskBit|127, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0), []string{"refused 1002: a length is written in as few bytes as it needs"}},
		{"half a close code", masked(fin|opClose, "x"), []string{"refused 1002: a close code has two bytes"}},
		{"a reason that is no UTF-8", masked(fin|opClose, closing(1000, "\xff")), []string{"refused 1007: a close reason is UTF-8"}},
	}
	for _, code := range []uint16{0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535} {
		cases = append(cases, struct {
			name   string
			stream []byte
			want   []string
		}{fmt.Sprint("goodbye ", code), masked(fin|opClose, closing(code, "")), []string{fmt.Sprintf("refused 1002: %d is no close code that may be sent", code)}})
	}
	random := rand.New(rand.NewPCG(1, 2))
	pieces := map[string]func() int{
		"whole": func() int { return 1 << 30 }, "single bytes": func() int { return 1 }, "pieces": func() int { return 1 + random.IntN(20) },
	}
	for _, tc := range cases {
		for how, piece := range pieces {
			t.Run(tc.name+"/"+how, func(t *testing.T) {
				if got := decoded(80_000, tc.stream, piece); !slices.Equal(got, tc.want) {
					t.Errorf("got %.200q, want %.200q", got, tc.want)
				}
			})
		}
	}
}

// TestDecoderKeepsNothing: between messages, and of what it refuses, nothing is held; of what is only announced, neither.
func TestDecoderKeepsNothing(t *testing.T) {
	announced := append([]byte{fin | opText, maskBit | 127}, 0, 0, 0, 0, 0, 0, 0xff, 0xff+0, 1, 2, 3, 4)
	binary.BigEndian.PutUint64(announced[2:], 1<<16)
	for name, stream := range map[string][]byte{
		"text": masked(fin|opText, "x"), "ping": masked(fin|opPing, "x"), "binary": masked(fin|opBinary, "xxx"),
		"too large": masked(fin|opText, strings.Repeat("x", 1<<16+1)), "announced": announced,
		"fragments that get too large": join(masked(opText, strings.Repeat("x", 1<<16)), masked(opContinuation, "x")),
	} {
		d := decoder{limit: 1 << 16}
		for {
			var e event
			if e, stream = d.next(stream); e.kind == nothing {
				break
			}
		}
		if cap(d.message) > 0 || cap(d.control) > 0 || cap(d.head) > 0 {
			t.Errorf("%s: it holds %d, %d and %d bytes", name, cap(d.message), cap(d.control), cap(d.head))
		}
	}
}

// FuzzDecoder: whatever comes, and however it is cut, the decoder says the same and keeps no more than its limit.
func FuzzDecoder(f *testing.F) {
	f.Add(masked(fin|opText, "hello"), uint8(3))
	f.Add(join(masked(opText, "a"), masked(fin|opPing, "p"), masked(fin|opContinuation, "b")), uint8(1))
	f.Add(join(masked(fin|opBinary, "x"), masked(fin|opClose, closing(1000, "bye"))), uint8(7))
	f.Add([]byte{fin | opText, maskBit | 126, 0, 200, 1, 2, 3, 4, 5}, uint8(2))
	f.Fuzz(func(t *testing.T, stream []byte, size uint8) {
		const limit = 300
		whole := decoded(limit, stream, func() int { return len(stream) })
		cut := decoded(limit, stream, func() int { return 1 + int(size) })
		if !slices.Equal(whole, cut) {
			t.Errorf("whole: %q\ncut: %q", whole, cut)
		}
		for _, e := range whole {
			if len(e) > len("text ")+limit && strings.HasPrefix(e, "text ") {
				t.Errorf("%d bytes of text", len(e))
			}
		}
	})
}

func BenchmarkDecoder(b *testing.B) {
	for _, size := range []int{10, 200, 4000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			d, frame := decoder{limit: 1 << 16}, masked(fin|opText, strings.Repeat("x", size))
			p := make([]byte, len(frame))
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				copy(p, frame)
				if e, _ := d.next(p); e.kind != text {
					b.Fatal(e)
				}
			}
		})
	}
}
