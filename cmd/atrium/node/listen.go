package node

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"atrium/configs"
)

// listeners are the node's sockets. Until a part has taken one over, close ends it.
type listeners struct {
	http, admin net.Listener

	turnUDP          net.PacketConn
	turnTCP, turnTLS net.Listener

	sfuUDP net.PacketConn
	sfuTCP net.Listener

	cert *tls.Config // nil: http is plain
}

// listen opens every socket of a configuration, and reports every one that cannot be.
func listen(cfg *configs.Config) (*listeners, error) {
	l := &listeners{}
	var errs []error
	tcp := func(into *net.Listener, key, addr string) {
		if addr == "" {
			return
		}
		ln, err := net.Listen("tcp", addr)
		if err != nil {
			errs = append(errs, refused(cfg, key, "tcp", addr, err))
			return
		}
		*into = ln
	}
	udp := func(into *net.PacketConn, key, addr string) {
		if addr == "" {
			return
		}
		conn, err := net.ListenPacket("udp", addr)
		if err != nil {
			errs = append(errs, refused(cfg, key, "udp", addr, err))
			return
		}
		*into = conn
	}
	if t := cfg.Server.TLS; t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(string(t.Cert), string(t.Key))
		if err != nil {
			errs = append(errs, cfg.Problem("server.tls.cert", string(t.Cert), "no certificate with its key in server.tls.key: %v", err))
		}
		l.cert = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	tcp(&l.http, "server.listen", cfg.Server.Listen)
	tcp(&l.admin, "admin.listen", cfg.Admin.Listen)
	if cfg.TURN.Enabled {
		udp(&l.turnUDP, "turn.udp", cfg.TURN.UDP)
		tcp(&l.turnTCP, "turn.tcp", cfg.TURN.TCP)
		tcp(&l.turnTLS, "turn.tls", cfg.TURN.TLS)
	}
	udp(&l.sfuUDP, "sfu.udp", cfg.SFU.UDP)
	tcp(&l.sfuTCP, "sfu.tcp", cfg.SFU.TCP)
	if err := errors.Join(errs...); err != nil {
		l.close()
		return nil, err
	}
	if l.turnTLS != nil {
		l.turnTLS = tls.NewListener(l.turnTLS, l.cert)
	}
	return l, nil
}

// close ends what was opened; closing twice does no harm.
func (l *listeners) close() {
	for _, ln := range []net.Listener{l.http, l.admin, l.turnTCP, l.turnTLS, l.sfuTCP} {
		if ln != nil {
			ln.Close()
		}
	}
	for _, c := range []net.PacketConn{l.turnUDP, l.sfuUDP} {
		if c != nil {
			c.Close()
		}
	}
}

// refused says why a socket cannot be opened, and what to do about it.
func refused(cfg *configs.Config, key, network, addr string, err error) error {
	_, port, _ := net.SplitHostPort(addr)
	flag := map[string]string{"tcp": "t", "udp": "u"}[network]
	var remedy string
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		remedy = fmt.Sprintf("the %s port is in use: stop what listens there (`ss -ln%sp sport = :%s` shows it), or set another port", network, flag, port)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		remedy = "it is no address of this machine: take one that `ip addr` shows, or leave the host out for all of them; media.public_ip is for the address that others see"
	case errors.Is(err, syscall.EACCES):
		remedy = "the system refuses that port: take one above 1023, or give the process CAP_NET_BIND_SERVICE"
	default:
		remedy = fmt.Sprintf("cannot listen there: %v", err)
	}
	return cfg.Problem(key, addr, "%s", remedy)
}

// addrPort is a socket's address; zero: no socket.
func addrPort(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.TCPAddr:
		return unmap(a.AddrPort())
	case *net.UDPAddr:
		return unmap(a.AddrPort())
	}
	return netip.AddrPort{}
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
