package turn

import (
	"encoding/binary"
	"net"
	"net/netip"
)

// channelHeader is how long the header of ChannelData is (RFC 8656, section 12.4): channel number, length.
const channelHeader = 4

// A frame is a ChannelData message without what pads it. On the way through the switch its header is room for the
// receiver's.

// shortcut passes on ChannelData of the client behind src without pion/turn, which would do the same: it looks up the
// channel, and writes to the port. False: no such channel, or no whole message; pion/turn is to judge it.
func (r *relay) shortcut(src *port, b []byte, out *round) bool {
	if src == nil || len(b) < channelHeader {
		return false
	}
	size := channelHeader + int(binary.BigEndian.Uint16(b[2:]))
	if size > len(b) {
		return false
	}
	peer, ok := src.peer(binary.BigEndian.Uint16(b))
	if !ok {
		return false
	}
	r.route(src, b[:size:size], peer, out)
	return true
}

// route passes a frame that the client behind src sends. It is the only way out of a port: to a live port of the same
// zone, or to exactly one of the SFU's media addresses.
func (r *relay) route(src *port, frame []byte, to netip.AddrPort, out *round) {
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
				r.handOver(dst, t, frame, src.name, src.addr, out)
			}
			return
		}
	}
	for i := range r.media {
		if r.media[i].at == to && r.sfu != nil {
			p := frame[channelHeader:]
			out.pass(passToSFU, len(p))
			r.sfu.Deliver(p, src.name, to)
			return
		}
	}
	r.metrics.drop(dropDestination)
}

// routeOne passes on a packet that pion/turn took out of a message.
func (r *relay) routeOne(src *port, b []byte, to netip.AddrPort) {
	if len(b) > maxPacket-channelHeader {
		r.metrics.drop(dropSize)
		return
	}
	k, out := packets.Get().(*packet), r.rounds.take()
	r.route(src, k.frame(b), to, out)
	r.rounds.end(out)
	packets.Put(k)
}

// send passes a packet of the SFU to the client behind a relayed name.
func (r *relay) send(b []byte, from, to netip.AddrPort, out *round) bool {
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
		if r.media[i].at != from {
			continue
		}
		if len(b) > maxPacket-channelHeader {
			r.metrics.drop(dropSize)
			return true
		}
		r.handOver(dst, t, out.copied(b), r.media[i].at, r.media[i].addr, out)
		return true
	}
	return false
}

// handOver gives a frame to the client behind dst: straight to its socket where it bound a channel to the sender, so
// that no goroutine wakes for it, else through pion/turn, which checks permissions and makes a Data indication.
func (r *relay) handOver(dst *port, t *owner, frame []byte, from netip.AddrPort, addr *net.UDPAddr, out *round) {
	p := frame[channelHeader:]
	if len(frame) > maxPacket {
		r.metrics.drop(dropSize)
		return
	}
	if t.out != nil {
		if number, ok := dst.channelTo(from); ok {
			binary.BigEndian.PutUint16(frame, number)
			binary.BigEndian.PutUint16(frame[2:], uint16(len(p)))
			t.out.write(frame, out)
			out.pass(passChannel, len(p))
			return
		}
	}
	k := packets.Get().(*packet)
	k.n, k.from = copy(k.buf[:], p), addr
	select {
	case dst.queue <- k:
		out.pass(passQueue, len(p))
	default:
		packets.Put(k)
		r.metrics.drop(dropQueue)
	}
}
