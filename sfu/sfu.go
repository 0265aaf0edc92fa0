package sfu

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"atrium/signaling/protocol"
	"atrium/signaling/socket"
	"atrium/topology"
)

// Controller is what the SFU asks and tells the topology controller. It is called without any lock of the SFU.
type Controller interface {
	// AdmitSession checks a shown token against the live members.
	AdmitSession(token string) (topology.Session, error)
	// SessionUp: ICE and DTLS of the session are up.
	SessionUp(s topology.Session)
	// SessionFlowing: every uplink that the member offered was seen and forwarded.
	SessionFlowing(s topology.Session)
	// SessionDown: the session is over.
	SessionDown(s topology.Session)
}

// Relay is the TURN server's in-process switch: the way to clients that are only reachable by their relayed address.
type Relay interface {
	// Owns says whether an address is a relayed name, not an address of the network.
	Owns(addr netip.AddrPort) bool
	// Send gives f the way to the owners of relayed names: pass answers false where the name to is not live, and does not
	// keep p. What f passes leaves when f returns.
	Send(f func(pass func(p []byte, from, to netip.AddrPort) bool))
}

// Options of an SFU. The sockets are handed over; the SFU closes them at Shutdown.
type Options struct {
	UDP        net.PacketConn // a *net.UDPConn
	TCP        net.Listener   // nil: no ICE-TCP
	PublicIP   netip.Addr     // advertised instead of the sockets' own addresses; zero: these
	AudioSlots int            // most downlink slots of a session, default 24
	VideoSlots int
	Grace      time.Duration // how long the media goes on after the link was lost, default 5 s
	Heartbeat  time.Duration // of the link, default 20 s
	FrameBytes int           // largest frame of the link, default 1 MiB
	Connect    time.Duration // for a link to send CONNECT, default 10 s
	// Messages of one link a second: of negotiation (100), and others (10).
	Negotiation, Other socket.Rate
	Controller         Controller
	Relay              Relay
	Places             Places // nil: pictures are not chosen by distance
	Logger             *slog.Logger
	Registerer         prometheus.Registerer
}

// SFU forwards media between the members of each zone.
type SFU struct {
	// Static after construction.
	ctl                    Controller
	places                 Places // nil: nobody knows where people stand
	log                    *slog.Logger
	m                      *metrics
	reg                    prometheus.Registerer
	engine                 *engine
	audioSlots, videoSlots int
	grace, heartbeat       time.Duration
	connectWithin          time.Duration
	frameBytes             int
	negotiationRate        socket.Rate
	otherRate              socket.Rate
	start                  time.Time
	pacer                  pacer
	ctx                    context.Context // ends the links' readers
	cancel                 context.CancelFunc
	wg                     sync.WaitGroup // sessions, the tick
	links                  sync.WaitGroup

	// Guarded by mu, which is taken before any other lock of the package and held for a few lines.
	mu        sync.Mutex
	closing   bool
	rooms     map[uuid.UUID]*room
	sessions  map[place]*session
	muted     map[place]bool
	greeting  map[*socket.Conn]struct{} // links that have not sent CONNECT
	admitting int                       // admissions under way
	endings   uint64                    // counts EndSession
	ended     map[place]uint64          // the last of them, while an admission is under way
}

const linksWithin = 2500 * time.Millisecond // a link's close handshake takes 2 s at most

// place is a user in a zone: it has one session at most.
type place struct{ zone, user uuid.UUID }

// New starts an SFU on the given sockets.
func New(o Options) (*SFU, error) {
	udp, ok := o.UDP.(*net.UDPConn)
	if !ok {
		return nil, fmt.Errorf("sfu: Options.UDP is a %T; it must be a *net.UDPConn", o.UDP)
	}
	if o.Controller == nil {
		return nil, errors.New("sfu: Options.Controller is missing")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	def := func(n *int, v int) {
		if *n <= 0 {
			*n = v
		}
	}
	def(&o.AudioSlots, 24)
	def(&o.VideoSlots, 24)
	def(&o.FrameBytes, 1<<20)
	if o.Grace <= 0 {
		o.Grace = 5 * time.Second
	}
	if o.Connect <= 0 {
		o.Connect = connectWithin
	}
	if o.Negotiation <= 0 {
		o.Negotiation = 100
	}
	if o.Other <= 0 {
		o.Other = 10
	}
	// Bursts of key frames to many receivers, and of many senders: what the kernel allows of 4 MiB.
	_ = udp.SetReadBuffer(4 << 20)
	_ = udp.SetWriteBuffer(4 << 20)
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, fmt.Errorf("sfu: metrics: %w", err)
	}
	start := time.Now()
	sock := newSocket(udp, m, start)
	sock.setRelay(o.Relay)
	e, err := newEngine(&o, sock, o.Logger)
	if err != nil {
		m.unregister(o.Registerer)
		return nil, err
	}
	f := &SFU{
		ctl: o.Controller, places: o.Places, log: o.Logger, m: m, reg: o.Registerer, engine: e,
		audioSlots: o.AudioSlots, videoSlots: o.VideoSlots, grace: o.Grace, heartbeat: o.Heartbeat, connectWithin: o.Connect, frameBytes: o.FrameBytes,
		negotiationRate: o.Negotiation, otherRate: o.Other, greeting: make(map[*socket.Conn]struct{}),
		start: start, rooms: make(map[uuid.UUID]*room), sessions: make(map[place]*session), muted: make(map[place]bool), ended: make(map[place]uint64),
	}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	e.start()
	f.pacer.wake = make(chan struct{}, 1)
	f.wg.Go(f.tick)
	f.wg.Go(func() { f.pacer.run(f.ctx, sock) })
	return f, nil
}

// now is monotonic, in nanoseconds.
func (f *SFU) now() int64 { return int64(time.Since(f.start)) }

// wall is the wall clock at a moment of now, in nanoseconds since 1970.
func (f *SFU) wall(at int64) int64 { return f.start.UnixNano() + at }

// SetRelay joins the SFU with the relay. It is called before media flows by it.
func (f *SFU) SetRelay(r Relay) { f.engine.sock.setRelay(r) }

// Deliver takes a packet that the owner of the relayed name from sent to the media address to. The packet is copied.
func (f *SFU) Deliver(p []byte, from, to netip.AddrPort) { f.engine.sock.deliver(p, from, to) }

// Addrs are the UDP addresses that the SFU advertises, which are those that the relay passes packets to.
func (f *SFU) Addrs() []netip.AddrPort { return f.engine.addrs() }

// Sessions counts the open sessions.
func (f *SFU) Sessions() int { return int(f.m.sessions.Load()) }

// begin reserves a link's goroutine; false: the SFU is closing.
func (f *SFU) begin() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closing {
		return false
	}
	f.links.Add(1)
	return true
}

// greet notes a link that has not sent CONNECT; false: the SFU is closing.
func (f *SFU) greet(conn *socket.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.greeting[conn] = struct{}{}
	return !f.closing
}

func (f *SFU) greeted(conn *socket.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.greeting, conn)
}

// tick is the one timer of all rooms.
func (f *SFU) tick() {
	t := time.NewTicker(tickEvery)
	defer t.Stop()
	var rooms []*room
	var sessions []*session
	var users []uuid.UUID
	var at []point
	for {
		select {
		case <-f.ctx.Done():
			return
		case <-t.C:
		}
		rooms = rooms[:0]
		f.mu.Lock()
		for _, r := range f.rooms {
			rooms = append(rooms, r)
		}
		sessions = sessions[:0]
		for _, s := range f.sessions {
			sessions = append(sessions, s)
		}
		f.mu.Unlock()
		now := f.now()
		for _, r := range rooms {
			if f.places != nil && r.wantsPlaces() {
				users, at = users[:0], at[:0]
				f.places.Positions(r.zone, func(user uuid.UUID, x, y float64) {
					users, at = append(users, user), append(at, point{x, y})
				})
				r.place(users, at)
			}
			r.tick(now)
		}
		b := f.engine.sock.batch()
		for _, s := range sessions {
			s.media.tick(b, now)
		}
		f.engine.sock.done(b)
	}
}

// beginAdmission and endAdmission enclose the time in which a token is checked and its session not yet known: an EndSession
// that falls between must not be missed.
func (f *SFU) beginAdmission() (since uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.admitting++
	return f.endings
}

func (f *SFU) endAdmission() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.admitting--; f.admitting == 0 {
		clear(f.ended)
	}
}

// admit gives the session of an admitted token: the one it takes over, or a new one, with the former that it replaces.
func (f *SFU) admit(top topology.Session, former string, since uint64) (s, replaces *session, why ending) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closing {
		return nil, nil, goingAway
	}
	at := place{top.Zone, top.User}
	if n, ok := f.ended[at]; ok && n > since {
		return nil, nil, endings("left")
	}
	old := f.sessions[at]
	if old != nil && former != "" && old.id == former && old.top.Epoch == top.Epoch {
		return old, nil, ending{}
	}
	r := f.rooms[top.Zone]
	if r == nil {
		r = newRoom(f, top.Zone)
		f.rooms[top.Zone] = r
		f.m.rooms.Add(1)
	}
	s = newSession(f, top, r)
	f.sessions[at] = s
	r.refs++
	f.m.sessions.Add(1)
	f.wg.Add(1)
	go s.run()
	return s, old, ending{}
}

// forget takes a session that ends out of the tables.
func (f *SFU) forget(s *session) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := place{s.top.Zone, s.top.User}
	if f.sessions[at] == s {
		delete(f.sessions, at)
	}
	if s.room.refs--; s.room.refs == 0 {
		delete(f.rooms, s.top.Zone)
		f.m.rooms.Add(-1)
	}
	f.m.sessions.Add(-1)
}

var goingAway = ending{close: protocol.CloseGoingAway, reason: "the server is shutting down"}

func endings(reason string) ending {
	if reason == "released" {
		return ending{close: protocol.CloseNormal, reason: "the zone left the SFU"}
	}
	return ending{
		err:   protocol.Errorf(protocol.PermissionDenied, "", "the session's user is no member of the zone any more").With("reason", reason),
		close: protocol.CloseKicked, reason: reason,
	}
}

// EndSession ends a user's session in a zone: "left" (no member any more) or "released" (the zone left the SFU).
// It returns at once; it may be called with the controller's lock held.
func (f *SFU) EndSession(zone, user uuid.UUID, reason string) {
	f.mu.Lock()
	at := place{zone, user}
	f.endings++
	if f.admitting > 0 {
		f.ended[at] = f.endings
	}
	s := f.sessions[at]
	f.mu.Unlock()
	if s != nil {
		s.end(endings(reason))
	}
}

// Mute drops (on) or passes (off) the audio of a user in a zone; it holds for later sessions too, until it is lifted.
func (f *SFU) Mute(zone, user uuid.UUID, on bool) {
	f.mu.Lock()
	at := place{zone, user}
	if on {
		f.muted[at] = true
	} else {
		delete(f.muted, at)
	}
	r := f.rooms[zone]
	f.mu.Unlock()
	if r != nil {
		r.mute(user, on)
	}
}

func (f *SFU) isMuted(zone, user uuid.UUID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.muted[place{zone, user}]
}

// Shutdown ends every session and closes the sockets. It waits until nothing is left, or for ctx.
func (f *SFU) Shutdown(ctx context.Context) error {
	f.mu.Lock()
	first := !f.closing
	f.closing = true
	all := make([]*session, 0, len(f.sessions))
	for _, s := range f.sessions {
		all = append(all, s)
	}
	for conn := range f.greeting {
		conn.Close(goingAway.close, goingAway.reason)
	}
	f.mu.Unlock()
	for _, s := range all {
		s.end(goingAway)
	}
	for _, s := range all {
		select {
		case <-s.done:
		case <-ctx.Done():
		}
	}
	// The links say goodbye in bounded time.
	links := make(chan struct{})
	go func() { f.links.Wait(); close(links) }()
	timer := time.NewTimer(linksWithin)
	select {
	case <-links:
	case <-timer.C:
	case <-ctx.Done():
	}
	timer.Stop()
	f.cancel()
	if first {
		f.engine.close()
		f.m.unregister(f.reg)
	}
	done := make(chan struct{})
	go func() { f.wg.Wait(); <-links; close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("sfu: sessions were left at the end of the shutdown: %w", ctx.Err())
	}
}
