package forward

import (
	"encoding/binary"
	"time"

	"github.com/pion/rtcp"
)

// drain takes what has come for a member.
func (c *Crowd) drain(i int) {
	m, e := c.members[i], &c.ends[i]
	for {
		n := c.in.read(m.media.fd)
		for k := range n {
			p, at := c.in.packet(k)
			if len(p) < 12 || p[0] < 128 || p[0] > 191 {
				continue
			}
			if p[1] >= 192 && p[1] <= 223 {
				c.feedback(i, p)
				continue
			}
			ssrc := binary.BigEndian.Uint32(p[8:])
			if pt := p[1] & 0x7f; !m.media.slotSSRCs[ssrc] || pt != audioPT && pt != videoPT {
				continue // a retransmission, or padding that probes
			}
			e.got++
			seq := binary.BigEndian.Uint16(p[2:])
			e.highest[ssrc] = uint32(seq)
			if m.media.wide {
				if wide, ok := wideOf(p); ok {
					e.recorder.Record(ssrc, wide, at/1000)
				}
			}
			if seq%sampleEvery != 0 {
				continue
			}
			raw, err := m.media.in.DecryptRTP(c.in.plain[:0], p, &c.in.header)
			if err != nil || len(raw) < 12+stampBytes {
				e.bad++
				continue
			}
			d := time.Duration(at - int64(binary.BigEndian.Uint64(raw[len(raw)-stampBytes:])))
			if d < 0 || d > time.Minute {
				e.bad++
				continue
			}
			e.latency = append(e.latency, d)
		}
		if n < inboxPackets {
			return
		}
	}
}

// wideOf reads the transport-wide sequence number.
func wideOf(p []byte) (uint16, bool) {
	off := 12
	if p[0]&0x10 == 0 || len(p) < off+4 {
		return 0, false
	}
	end := off + 4 + 4*int(binary.BigEndian.Uint16(p[off+2:]))
	for off += 4; off < end && end <= len(p); {
		if p[off] == 0 {
			off++
			continue
		}
		id, n := p[off]>>4, int(p[off]&15)+1
		if off+1+n > end {
			break
		}
		if id == wideID && n == 2 {
			return binary.BigEndian.Uint16(p[off+1:]), true
		}
		off += 1 + n
	}
	return 0, false
}

// feedback looks for a key frame request among what a sender is told.
func (c *Crowd) feedback(i int, p []byte) {
	if !c.members[i].kind.Camera {
		return
	}
	raw, err := c.members[i].media.in.DecryptRTCP(nil, p, nil)
	if err != nil {
		return
	}
	packets, err := rtcp.Unmarshal(raw)
	if err != nil {
		return
	}
	for _, x := range packets {
		switch x.(type) {
		case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
			c.flows[i].key = true
		}
	}
}
