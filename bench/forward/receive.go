package forward

import (
	"encoding/binary"
	"time"

	"github.com/pion/rtcp"
	"golang.org/x/sys/unix"
)

// drain takes what has come for a member.
func (c *Crowd) drain(i int) {
	for _, t := range c.members[i].transports() {
		c.drainOne(i, t)
	}
}

func (c *Crowd) drainOne(i int, t *media) {
	e := &c.ends[i]
	for {
		n := c.in.read(t.fd)
		for k := range n {
			p, at := c.in.packet(k)
			if len(p) < 12 || p[0] < 128 || p[0] > 191 {
				if t.full && len(p) > 0 && p[0] < 4 {
					if answer, _ := t.answerTo(p, t.remote.addr); answer != nil {
						_, _ = unix.Write(t.fd, answer)
					}
				}
				continue
			}
			if p[1] >= 192 && p[1] <= 223 {
				c.feedback(i, t, p)
				continue
			}
			ssrc := binary.BigEndian.Uint32(p[8:])
			if pt := p[1] & 0x7f; !t.slotSSRCs[ssrc] || !t.slotTypes[pt] {
				continue // a retransmission, or padding that probes
			}
			e.got++
			seq := binary.BigEndian.Uint16(p[2:])
			e.highest[ssrc] = uint32(seq)
			if t.wide != 0 {
				if wide, ok := wideOf(p, t.wide); ok {
					e.recorder.Record(ssrc, wide, at/1000)
				}
			}
			if seq%sampleEvery != 0 {
				continue
			}
			raw, err := t.in.DecryptRTP(c.in.plain[:0], p, &c.in.header)
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
func wideOf(p []byte, extension byte) (uint16, bool) {
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
		if id == extension && n == 2 {
			return binary.BigEndian.Uint16(p[off+1:]), true
		}
		off += 1 + n
	}
	return 0, false
}

// feedback looks for a key frame request among what a sender is told.
func (c *Crowd) feedback(i int, t *media, p []byte) {
	if !c.members[i].kind.Camera {
		return
	}
	raw, err := t.in.DecryptRTCP(nil, p, nil)
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
