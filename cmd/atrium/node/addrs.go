package node

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"

	"atrium/configs"
)

// Addrs are the addresses that a node really listens on, ports of 0 resolved. What does not listen is
// empty or zero.
type Addrs struct {
	HTTP  string // URL, for example http://127.0.0.1:8080
	Admin string // URL

	TURNUDP, TURNTCP, TURNTLS netip.AddrPort
	SFUUDP, SFUTCP            netip.AddrPort

	// TURN are the URLs that clients are given.
	TURN []string
}

func (l *listeners) addrs(cfg *configs.Config) Addrs {
	var a Addrs
	scheme := "http"
	if l.cert != nil {
		scheme = "https"
	}
	a.HTTP = scheme + "://" + reachable(addrPort(l.http.Addr())).String()
	if l.admin != nil {
		a.Admin = "http://" + reachable(addrPort(l.admin.Addr())).String()
	}
	tcp := func(ln net.Listener) netip.AddrPort {
		if ln == nil {
			return netip.AddrPort{}
		}
		return addrPort(ln.Addr())
	}
	udp := func(c net.PacketConn) netip.AddrPort {
		if c == nil {
			return netip.AddrPort{}
		}
		return addrPort(c.LocalAddr())
	}
	a.TURNUDP, a.TURNTCP, a.TURNTLS = udp(l.turnUDP), tcp(l.turnTCP), tcp(l.turnTLS)
	a.SFUUDP, a.SFUTCP = udp(l.sfuUDP), tcp(l.sfuTCP)
	a.TURN = turnURLs(cfg, a)
	return a
}

// reachable replaces the address that stands for all of the machine's by one that can be dialled here.
func reachable(a netip.AddrPort) netip.AddrPort {
	if !a.Addr().IsUnspecified() {
		return a
	}
	if a.Addr().Is4() {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port())
	}
	return netip.AddrPortFrom(netip.IPv6Loopback(), a.Port())
}

// turnURLs are what TURN_CREDENTIALS carry (RFC 7065): UDP first, then TCP, then TLS for who gets out by
// nothing else.
func turnURLs(cfg *configs.Config, a Addrs) []string {
	var urls []string
	add := func(scheme, host string, at netip.AddrPort, transport string) {
		if at.IsValid() {
			urls = append(urls, scheme+":"+net.JoinHostPort(host, strconv.Itoa(int(at.Port())))+"?transport="+transport)
		}
	}
	add("turn", advertised(cfg, a.TURNUDP), a.TURNUDP, "udp")
	add("turn", advertised(cfg, a.TURNTCP), a.TURNTCP, "tcp")
	// A certificate is for a name, and public_url holds the one that browsers know.
	secure := advertised(cfg, a.TURNTLS)
	if u, err := url.Parse(cfg.Server.PublicURL); err == nil && u.Hostname() != "" {
		secure = u.Hostname()
	}
	add("turns", secure, a.TURNTLS, "tcp")
	return urls
}

// stunURLs are what CONNECTED names: the same port answers STUN to everyone (RFC 8656, section 5), without credentials.
func stunURLs(cfg *configs.Config, a Addrs) []string {
	if !a.TURNUDP.IsValid() {
		return nil
	}
	return []string{"stun:" + net.JoinHostPort(advertised(cfg, a.TURNUDP), strconv.Itoa(int(a.TURNUDP.Port())))}
}

// advertised is the host at which others reach a listener: the public address, else the listener's own;
// where that stands for all of the machine's, the first that the network knows.
func advertised(cfg *configs.Config, a netip.AddrPort) string {
	if cfg.Media.PublicIP.IsValid() {
		return cfg.Media.PublicIP.String()
	}
	if a.IsValid() && a.Addr().IsUnspecified() {
		if own, ok := ownAddr(); ok {
			return own.String()
		}
		return reachable(a).Addr().String()
	}
	return a.Addr().String()
}

// ownAddr finds the machine's first address that is not loopback, IPv4 where there is one.
func ownAddr() (found netip.Addr, ok bool) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return netip.Addr{}, false
	}
	for _, a := range addrs {
		n, isNet := a.(*net.IPNet)
		if !isNet {
			continue
		}
		ip, valid := netip.AddrFromSlice(n.IP)
		if ip = ip.Unmap(); !valid || !ip.IsGlobalUnicast() {
			continue
		}
		if ip.Is4() {
			return ip, true
		}
		if !ok {
			found, ok = ip, true
		}
	}
	return found, ok
}
