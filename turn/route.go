package turn

import (
	"net"
	"net/netip"
)

// route passes a packet that the client behind src sends. It is the only way out of a port: to a live port of the
// same zone, or to exactly one of the SFU's media addresses.
func (r *relay) route(src *port, b []byte, to netip.AddrPort) {
	o := src.owner.Load()
	if o == nil || src.ended() {
		r.metrics.drop(dropSource)
		return
	}
	if to.Addr() == r.ip {
		if dst := r.ports[to.Port()].Load(); dst != nil {
			t := dst.owner.Load()
			switch {
			case t == nil || dst.ended():
				r.metrics.drop(dropDestination)
			case t.key.zone != o.key.zone:
				r.metrics.drop(dropZone)
			default:
				r.handOver(dst, t, b, src.name, src.addr)
			}
			return
		}
	}
	for i := range r.media {
		if r.media[i].at == to && r.sfu != nil {
			r.metrics.pass(passToSFU, len(b))
			r.sfu.Deliver(b, src.name, to)
			return
		}
	}
	r.metrics.drop(dropDestination)
}

// send passes a packet of the SFU to the client behind a relayed name.
func (r *relay) send(b []byte, from, to netip.AddrPort) bool {
	to, from = unmapped(to), unmapped(from)
	if to.Addr() != r.ip {
		return false
	}
	dst := r.ports[to.Port()].Load()
	if dst == nil || dst.ended() {
		return false
	}
	t := dst.owner.Load()
	if t == nil {
		return false
	}
	for i := range r.media {
		if r.media[i].at == from {
			r.handOver(dst, t, b, r.media[i].at, r.media[i].addr)
			return true
		}
	}
	return false
}

// handOver gives a packet to the client behind dst: straight to its socket where it bound a channel to the sender,
// so that no goroutine wakes for it, else through pion/turn, which checks permissions and makes a Data indication.
func (r *relay) handOver(dst *port, t *owner, b []byte, from netip.AddrPort, addr *net.UDPAddr) {
	if len(b) > maxPacket-4 { // the ChannelData header
		r.metrics.drop(dropSize)
		return
	}
	if t.out != nil {
		if m := dst.channels.Load(); m != nil {
			if number, ok := (*m)[from]; ok {
				t.out.writeChannelData(number, b)
				r.metrics.pass(passChannel, len(b))
				return
			}
		}
	}
	k := packets.Get().(*packet)
	k.n, k.from = copy(k.buf[:], b), addr
	select {
	case dst.queue <- k:
		r.metrics.pass(passQueue, len(b))
	default:
		packets.Put(k)
		r.metrics.drop(dropQueue)
	}
}
