package sfu

import (
	"bytes"
	"testing"

	"github.com/pion/rtp"
)

// What the SFU writes is what Pion reads, with every combination of extensions in both forms of RFC 8285.
func TestHeaderIsReadAsItWasMeant(t *testing.T) {
	for _, level := range []uint8{0, 1, 14, 15, 200} {
		for _, wide := range []uint8{0, 2, 13, 16, 255} {
			h := header{ssrc: 0xdeadbeef, ts: 77, seq: 65535, pt: 111, marker: true, levelID: level, level: 0x9e, twccID: wide}
			b := bytes.Repeat([]byte{0xff}, 64)
			n := h.write(b, 0x1234)
			if n != h.size() {
				t.Fatalf("ids %d and %d: %d bytes, said to be %d", level, wide, n, h.size())
			}
			var got rtp.Header
			k, err := got.Unmarshal(append(b[:n:n], 1, 2, 3))
			if err != nil || k != n {
				t.Fatalf("ids %d and %d: %d of %d bytes: %v", level, wide, k, n, err)
			}
			if got.SSRC != h.ssrc || got.Timestamp != h.ts || got.SequenceNumber != h.seq || got.PayloadType != h.pt || !got.Marker {
				t.Errorf("ids %d and %d: %+v", level, wide, got)
			}
			if x := got.GetExtension(level); level != 0 && !bytes.Equal(x, []byte{0x9e}) {
				t.Errorf("ids %d and %d: level %x", level, wide, x)
			}
			if x := got.GetExtension(wide); wide != 0 && !bytes.Equal(x, []byte{0x12, 0x34}) {
				t.Errorf("ids %d and %d: number %x", level, wide, x)
			}
			if level != 0 && (len(extensionOf(b[:n], level)) != 1 || extensionOf(b[:n], level)[0] != 0x9e) {
				t.Errorf("ids %d and %d: own reader has %x", level, wide, extensionOf(b[:n], level))
			}
		}
	}
}
