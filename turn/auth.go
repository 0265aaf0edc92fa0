package turn

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	pion "github.com/pion/turn/v4"

	"atrium/topology"
)

// maxUsername is far more than expiry:user:zone:epoch needs. RFC 8489, section 14.3, lets others be longer.
const maxUsername = 256

// auth judges requests against the live membership.
type auth struct {
	// Static after construction.
	authority Authority
	relay     *relay
	realm     string
	now       func() time.Time
	metrics   *metrics
	log       *slog.Logger
}

// door is the socket that a request came through.
type door interface {
	// gate is held while pion/turn handles a request of the client.
	gate(from netip.AddrPort) *sync.Mutex
	// client gives the way back to a client, nil where it has gone.
	client(from netip.AddrPort) client
	// settled says that a client got an allocation, or lost it.
	settled(from netip.AddrPort, holds bool)
}

// doorman answers pion/turn's questions for one socket.
type doorman struct {
	*auth
	door door
}

// key gives the client's end of the 5-tuple.
func (d *doorman) key(src net.Addr) (clientKey, bool) {
	from, ok := addrPort(src)
	return clientKey{d.door, from}, ok
}

func addrPort(a net.Addr) (netip.AddrPort, bool) {
	switch a := a.(type) {
	case *net.UDPAddr:
		return unmapped(a.AddrPort()), true
	case *net.TCPAddr:
		return unmapped(a.AddrPort()), true
	}
	return netip.AddrPort{}, false
}

// identify reads a username.
func (d *doorman) identify(username, realm string) (topology.TURNIdentity, string, bool) {
	if len(username) > maxUsername || realm != d.realm {
		return topology.TURNIdentity{}, "", false
	}
	id, password, err := d.authority.TURNPassword(username)
	return id, password, err == nil
}

// authenticate is pion/turn's AuthHandler. It runs before the integrity of a request is checked, with a username
// that anyone can guess, so it changes nothing. It is not told which request it is for: whoever holds an allocation
// on this 5-tuple is judged by its membership alone (Refresh, CreatePermission and ChannelBind outlive the
// credential's expiry and epoch), everyone else as for a new allocation. The one who shows another identity than the
// allocation's is refused (RFC 8656, section 7.3, would have 441).
func (d *doorman) authenticate(username, realm string, src net.Addr) ([]byte, bool) {
	id, password, ok := d.identify(username, realm)
	k, known := d.key(src)
	if !ok || !known {
		d.refuse("credential", src, "")
		return nil, false
	}
	if p := d.relay.client(k); p != nil {
		if o := p.owner.Load(); o.key != (memberKey{id.Zone, id.User}) {
			d.refuse("identity", src, username)
			return nil, false
		}
		if !d.authority.MayHold(id.Zone, id.User) {
			d.refuse("membership", src, username)
			return nil, false
		}
	} else if _, err := d.authority.MayAllocate(id, d.now()); err != nil {
		d.refuse("membership", src, username)
		return nil, false
	}
	return pion.GenerateAuthKey(username, realm, password), true
}

// reserve is pion/turn's QuotaHandler: the integrity holds, the request is a new Allocate. False becomes 486.
func (d *doorman) reserve(username, realm string, src net.Addr) bool {
	id, _, ok := d.identify(username, realm)
	k, known := d.key(src)
	if !ok || !known {
		return false
	}
	now := d.now()
	quota, err := d.authority.MayAllocate(id, now)
	if err != nil || !d.relay.reserve(memberKey{id.Zone, id.User}, k, quota, now) {
		d.refuse("quota", src, username)
		return false
	}
	return true
}

func (d *doorman) refuse(why string, src net.Addr, username string) {
	d.metrics.refused.WithLabelValues(why).Inc()
	d.log.Debug("turn: refused", "why", why, "client", src, "username", username)
}

// events tells the switch what pion/turn made of a request.
func (d *doorman) events() pion.EventHandler {
	return pion.EventHandler{
		OnAllocationCreated: d.created,
		OnAllocationDeleted: func(src, _ net.Addr, _, _, _ string) {
			if k, ok := d.key(src); ok { // the client may have allocated anew by now
				d.door.settled(k.from, d.relay.client(k) != nil)
			}
		},
		OnAllocationError: func(_, _ net.Addr, _, _ string) { d.metrics.malformed.Inc() },
		OnChannelCreated: func(_, _ net.Addr, _, _, _ string, name, peer net.Addr, number uint16) {
			if p, from, ok := d.port(name, peer); ok && !p.channel(from, number) {
				d.relay.endPort(p)
				d.refuse("channels", name, "")
			}
		},
		OnChannelDeleted: func(_, _ net.Addr, _, _, _ string, name, peer net.Addr, number uint16) {
			if p, from, ok := d.port(name, peer); ok {
				p.unchannel(from, number)
			}
		},
		OnPermissionCreated: func(_, _ net.Addr, _, _, _ string, name net.Addr, _ net.IP) {
			if p, _, ok := d.port(name, name); ok && !p.permission(1) {
				d.relay.endPort(p)
				d.refuse("permissions", name, "")
			}
		},
		OnPermissionDeleted: func(_, _ net.Addr, _, _, _ string, name net.Addr, _ net.IP) {
			if p, _, ok := d.port(name, name); ok {
				p.permission(-1)
			}
		},
	}
}

// port finds a relayed name's port, and reads a peer's address.
func (d *doorman) port(name, peer net.Addr) (*port, netip.AddrPort, bool) {
	n, ok := addrPort(name)
	from, ok2 := addrPort(peer)
	if !ok || !ok2 {
		return nil, from, false
	}
	p := d.relay.ports[n.Port()].Load()
	return p, from, p != nil
}

// created binds a relayed name to its member. It comes before the response, so the client cannot have used it.
func (d *doorman) created(src, _ net.Addr, _, username, realm string, name net.Addr, _ int) {
	n, ok := addrPort(name)
	k, known := d.key(src)
	id, _, valid := d.identify(username, realm)
	if !ok || !known {
		return // the name stays unbound and passes nothing
	}
	if p := d.relay.ports[n.Port()].Load(); p != nil {
		p.gate.Store(d.door.gate(k.from))
	}
	if !valid {
		return
	}
	p, ok := d.relay.bind(n, id, k, d.door.client(k.from))
	if !ok {
		return
	}
	// The member may have left, or its epoch ended, since authenticate asked: what EndAllocations was told before
	// bind it could not find. It was told after the membership had changed, so asking once more closes the gap.
	if _, err := d.authority.MayAllocate(id, d.now()); err != nil {
		d.relay.endPort(p)
		d.refuse("membership", src, username)
		return
	}
	d.door.settled(k.from, true)
	d.log.Debug("turn: allocated", "client", src, "name", n, "zone", id.Zone, "user", id.User, "epoch", id.Epoch)
}
