//go:build !linux

package sfu

import (
	"net"
	"net/netip"
	"time"
)

type sockaddr struct{}

type flusher struct{}

// reader takes a packet at a time.
type reader struct {
	udp  *net.UDPConn
	data [packetBytes + 64]byte
	size int
	from netip.AddrPort
	n    int
}

func (r *reader) init(udp *net.UDPConn) { r.udp = udp }

// read waits for a packet.
func (r *reader) read(s *mediaSocket, wait bool) (err error) {
	if r.n = 0; !wait {
		return nil
	}
	if r.size, r.from, err = r.udp.ReadFromUDPAddrPort(r.data[:]); err == nil {
		r.n = 1
		s.m.readCalls.Add(1)
	}
	return err
}

func (r *reader) packet(int) ([]byte, netip.AddrPort) {
	return r.data[:r.size], netip.AddrPortFrom(r.from.Addr().Unmap(), r.from.Port())
}

// waited is not known here.
func (r *reader) waited(int, int64) time.Duration { return 0 }

// resolve makes the destination ready for writes.
func (s *mediaSocket) resolve(d *dest) { d.relayed = s.isRelayed(d.addr) }

// write writes all messages but those to relayed names, a packet at a time.
func (b *batch) write() {
	for i := range b.msgs {
		m := &b.msgs[i]
		if m.to.relayed {
			continue
		}
		at := b.sock.now()
		b.packets(m, func(p []byte) { b.sock.writeOne(m.to, p) })
		m.wrote(at)
	}
}

// hold does nothing: packets leave one by one here.
func hold() {}
