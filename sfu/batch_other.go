package sfu

type sockaddr struct{}

type flusher struct{}

// resolve makes the destination ready for writes.
func (s *mediaSocket) resolve(d *dest) { d.relayed = s.isRelayed(d.addr) }

func (b *batch) write() {
	for i := range b.msgs {
		m := &b.msgs[i]
		b.packets(m, func(p []byte) { b.sock.writeOne(m.to, p) })
	}
}
