package turn

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/google/uuid"
	pion "github.com/pion/turn/v4"
	"github.com/prometheus/client_golang/prometheus"

	"atrium/topology"
)

// Authority answers for the live membership. It is called from read loops and must not block.
type Authority interface {
	// TURNPassword reads a username and gives the password that belongs to it. It says nothing about the caller.
	TURNPassword(username string) (topology.TURNIdentity, string, error)
	// MayAllocate says whether a new allocation is admitted at this time, and how many the user may hold in all.
	MayAllocate(id topology.TURNIdentity, now time.Time) (quota int, err error)
	// MayHold says whether a member's existing allocations live on.
	MayHold(zone, user uuid.UUID) bool
}

// Port takes packets from relayed names to the SFU's media address. It must neither block nor keep p.
type Port interface {
	Deliver(p []byte, from, to netip.AddrPort)
}

// DefaultRelayIP names relayed addresses where nothing else is configured: TEST-NET-1 of RFC 5737, so that it can
// never be the address of anything.
var DefaultRelayIP = netip.AddrFrom4([4]byte{192, 0, 2, 1})

// Options configure a Server. The sockets are the server's from New on: it closes them, also when New fails.
type Options struct {
	UDP []net.PacketConn
	TCP []net.Listener // plain or TLS

	Realm   string     // "atrium" where empty
	RelayIP netip.Addr // IPv4; DefaultRelayIP where zero

	Authority Authority

	// SFU takes what members send to SFUAddrs; nil: the SFU is not reachable through the relay.
	SFU      Port
	SFUAddrs []netip.AddrPort

	Limits Limits

	Logger     *slog.Logger          // nil: silent
	Registerer prometheus.Registerer // nil: no metrics
	Now        func() time.Time      // nil: time.Now
}

// Limits bound what clients can take. A zero field takes its default.
type Limits struct {
	Connections     int           // TCP connections in all (4096)
	PerAddress      int           // TCP connections of one address (256; offices share one)
	Unauthenticated time.Duration // life of a TCP connection that holds no allocation (10 s)
	Idle            time.Duration // silence after which a TCP connection that holds one ends (11 min: RFC 8656 has clients refresh within 10)
	WriteTimeout    time.Duration // how long a TCP client may leave its queue unread (5 s)
	WriteQueue      int           // bytes queued for one TCP client (256 KiB); full: the newest is dropped
	Packets         int           // packets queued for one relayed address (256); full: the newest is dropped
	Names           int           // relayed names one user may hold or have resting (1024)
	Rest            time.Duration // how long a name rests before it is used again (10 min)
}

func (l Limits) withDefaults() Limits {
	set := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	span := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	set(&l.Connections, 4096)
	set(&l.PerAddress, 256)
	span(&l.Unauthenticated, 10*time.Second)
	span(&l.Idle, 11*time.Minute)
	span(&l.WriteTimeout, 5*time.Second)
	set(&l.WriteQueue, 256<<10)
	set(&l.Packets, 256)
	set(&l.Names, 1024)
	span(&l.Rest, 10*time.Minute)
	return l
}

// Server is a running STUN and TURN server.
type Server struct {
	// Static after construction.
	relay   *relay
	auth    *auth
	limits  Limits
	log     *slog.Logger
	metrics *metrics
	servers []*pion.Server
	streams []*listener

	closeOnce sync.Once
	closeErr  error
}

// New starts a server on the sockets of o.
func New(o Options) (*Server, error) {
	s, err := start(o)
	if err != nil {
		for _, c := range o.UDP {
			_ = c.Close()
		}
		for _, l := range o.TCP {
			_ = l.Close()
		}
	}
	return s, err
}

func start(o Options) (*Server, error) {
	if len(o.UDP) == 0 && len(o.TCP) == 0 {
		return nil, errors.New("turn: no socket to listen on; give at least one UDP socket or TCP listener")
	}
	if o.Authority == nil {
		return nil, errors.New("turn: no authority; without the live membership nobody could be admitted")
	}
	if !o.RelayIP.IsValid() {
		o.RelayIP = DefaultRelayIP
	}
	o.RelayIP = o.RelayIP.Unmap()
	if !o.RelayIP.Is4() {
		return nil, fmt.Errorf("turn: relay address %v is not IPv4; take one that nobody uses, such as %v", o.RelayIP, DefaultRelayIP)
	}
	if o.Realm == "" {
		o.Realm = "atrium"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	limits := o.Limits.withDefaults()
	m := newMetrics()
	s := &Server{limits: limits, log: o.Logger, metrics: m}
	s.relay = newRelay(o.RelayIP, o.SFU, o.SFUAddrs, limits, o.Now, m)
	s.auth = &auth{authority: o.Authority, relay: s.relay, realm: o.Realm, now: o.Now, metrics: m, log: o.Logger}
	m.watch(s)
	if err := m.register(o.Registerer); err != nil {
		return nil, err
	}
	// Every permission is granted, because it says nothing: the switch checks each packet's destination. Firefox
	// gives up its whole relay candidate when the permission for one of the peer's other candidates is refused.
	grant := pion.DefaultPermissionHandler
	for _, conn := range o.UDP {
		sock, err := newSocket(conn, s.relay, o.Logger, m)
		if err == nil {
			if err = s.serve(o, sock, pion.ServerConfig{PacketConnConfigs: []pion.PacketConnConfig{{
				PacketConn: sock, RelayAddressGenerator: s.relay, PermissionHandler: grant,
			}}}); err != nil {
				_ = sock.Close()
			}
		}
		if err != nil {
			_ = s.Close()
			return nil, err
		}
	}
	for _, l := range o.TCP {
		streams := newListener(l, s.relay, limits, o.Logger, m)
		s.streams = append(s.streams, streams)
		if err := s.serve(o, streams, pion.ServerConfig{ListenerConfigs: []pion.ListenerConfig{{
			Listener: streams, RelayAddressGenerator: s.relay, PermissionHandler: grant,
		}}}); err != nil {
			_ = s.Close()
			return nil, err
		}
	}
	return s, nil
}

// serve starts pion/turn on one socket. Each socket has its own, because pion/turn does not tell its handlers which
// socket a request came from, and the same client address on two sockets is two 5-tuples.
func (s *Server) serve(o Options, door door, c pion.ServerConfig) error {
	d := &doorman{auth: s.auth, door: door}
	c.Realm = o.Realm
	c.LoggerFactory = logFactory{o.Logger}
	c.AuthHandler = d.authenticate
	c.QuotaHandler = d.reserve
	c.EventHandler = d.events()
	server, err := pion.NewServer(c)
	if err != nil {
		return fmt.Errorf("turn: %w", err)
	}
	s.servers = append(s.servers, server)
	return nil
}

// EndAllocations ends a user's allocations in a zone that were made with an epoch up to upTo. From its return they
// pass nothing; pion/turn drops them in its own goroutines. It takes one short lock and never calls the authority,
// so that the controller may call it with its own lock held.
func (s *Server) EndAllocations(zone, user uuid.UUID, upTo topology.Epoch) {
	s.relay.end(memberKey{zone, user}, upTo)
}

// Send gives f the way from the SFU's media addresses to relayed names: pass takes a packet, which it does not keep, and
// answers false where to is no live relayed address, or from no address of the SFU. All that f passes leaves together when f
// returns, what is for one client in one system call.
func (s *Server) Send(f func(pass func(p []byte, from, to netip.AddrPort) bool)) {
	out := s.relay.rounds.take()
	f(out.fromSFU)
	s.relay.rounds.end(out)
}

// Owns says whether an address is a relayed name rather than one of the network.
func (s *Server) Owns(addr netip.AddrPort) bool { return addr.Addr().Unmap() == s.relay.ip }

// Allocations counts the live allocations.
func (s *Server) Allocations() int { return s.relay.live() }

// closeWait bounds how long Close waits for pion/turn's goroutines to let go of their allocations.
const closeWait = 2 * time.Second

// Close ends all allocations and connections and closes the sockets.
func (s *Server) Close() error {
	s.closeOnce.Do(func() {
		// Before the sockets: pion/turn drops what is left when they close without passing the clients' gates.
		s.relay.close()
		s.relay.wait(closeWait)
		var errs []error
		for _, server := range s.servers {
			errs = append(errs, server.Close())
		}
		for _, l := range s.streams {
			l.wait(closeWait)
		}
		s.metrics.unregister()
		s.closeErr = errors.Join(errs...)
	})
	return s.closeErr
}
