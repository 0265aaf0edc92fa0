package sfu

import "net/netip"

// passRelay is the relay's way to the owner of a relayed name.
type passRelay = func(p []byte, from, to netip.AddrPort) bool

// writeRelayed writes the messages to relayed names, all of them in one go of the relay's.
func (b *batch) writeRelayed() {
	r := b.sock.relay.Load()
	if !b.relayed || r == nil {
		return
	}
	b.relayed = false
	if b.toRelay == nil {
		b.toRelay = func(pass passRelay) {
			for i := range b.msgs {
				m := &b.msgs[i]
				if !m.to.relayed {
					continue
				}
				at := b.sock.now()
				b.packets(m, func(p []byte) { b.sock.toRelay(pass, p, m.to.addr) })
				m.wrote(at)
			}
		}
	}
	r.Send(b.toRelay)
}

// toRelay passes a packet from the address that the name last sent to. Like the network: a packet that nobody takes is lost.
func (s *mediaSocket) toRelay(pass passRelay, p []byte, to netip.AddrPort) {
	s.fromMu.RLock()
	from, ok := s.from[to]
	s.fromMu.RUnlock()
	if ok && pass(p, from, to) {
		return
	}
	s.m.drop(dropRelayOut)
	if ok {
		s.fromMu.Lock()
		delete(s.from, to)
		s.fromMu.Unlock()
	}
}
