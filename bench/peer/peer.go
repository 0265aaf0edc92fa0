package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/pion/webrtc/v4"
)

// inboxCalls bounds what waits for the peer's goroutine. It is far more than a zone can cause at once; who finds it full waits.
const inboxCalls = 4096

// ErrClosed: the peer was closed.
var ErrClosed = errors.New("peer: closed")

// Peer is a user of Atrium. It lives from Dial to Close.
type Peer struct {
	// Static after construction.
	opts   Options
	api    *webrtc.API
	tracks [2]*webrtc.TrackLocalStaticRTP // by Kind; shared by all connections
	layers []*layer                       // of the camera, by Options.Layers
	inbox  chan func()
	done   chan struct{} // closed when Close begins
	ended  chan struct{} // closed when run has returned
	ctx    context.Context
	cancel context.CancelFunc
	world  uuid.UUID

	// Guarded by mu: whoever starts a goroutine asks enter first, so that Close waits for all of them.
	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup

	// Owned by run.
	signal    *socket
	user      User
	connected bool
	joined    bool
	zone      Zone
	position  Position
	topology  Topology
	epoch     uint64
	users     map[uuid.UUID]User // the other members of the zone
	order     []uuid.UUID        // in the order they were listed or came
	pairs     map[uuid.UUID]*pair
	troubled  map[uuid.UUID]bool // members whose pair has needed the relay
	session   *session
	turn      *turnCredentialsPayload
	stun      []string // that CONNECTED named
	// newcomer: this zone was entered in SFU, so no pair was ever offered here; a roll-back makes one an arriver.
	newcomer bool
	// settling: P2P is being closed after a commit; demoting: it is being built before leaving the SFU.
	settling bool
	demoting bool
	offering *time.Timer // waits for TURN_CREDENTIALS before offering in a zone that needs the relay
	waiters  []*waiter
	orphans  []*webrtc.PeerConnection // given up while Close began
	lost     error
}

type waiter struct {
	cond func(State) bool
	done chan struct{}
}

// Dial logs in, connects and joins the world. It returns when WORLD_STATE has come.
func Dial(ctx context.Context, o Options) (*Peer, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	api, err := newAPI(&o)
	if err != nil {
		return nil, err
	}
	var dial dialFunc
	if o.Net != nil {
		dial = func(_ context.Context, network, address string) (net.Conn, error) {
			return o.Net.Dial(network, address)
		}
	}
	if o.Token == "" {
		g, err := login(ctx, o.URL, o.Name, o.Avatar, dial, o.TLS)
		if err != nil {
			return nil, err
		}
		o.Token = g.Token
		if o.World == uuid.Nil {
			o.World = g.World
		}
	}
	life, cancel := context.WithCancel(context.Background())
	p := &Peer{
		opts: o, api: api, inbox: make(chan func(), inboxCalls), done: make(chan struct{}), ended: make(chan struct{}),
		ctx: life, cancel: cancel, world: o.World,
		users: make(map[uuid.UUID]User), pairs: make(map[uuid.UUID]*pair), troubled: make(map[uuid.UUID]bool),
	}
	for kind, c := range map[Kind]webrtc.RTPCodecCapability{Audio: opusCodec, Video: vp8Codec} {
		track, err := webrtc.NewTrackLocalStaticRTP(c, kind.String(), "atrium")
		if err != nil {
			cancel()
			return nil, fmt.Errorf("peer: local track: %w", err)
		}
		p.tracks[kind] = track
	}
	for _, rid := range o.Layers {
		l, err := newLayer(rid)
		if err != nil {
			cancel()
			return nil, err
		}
		p.layers = append(p.layers, l)
	}
	sock, err := dialSocket(ctx, signalURL(o.URL), dial, o.TLS,
		func(e envelope) { p.post(func() { p.receiveMessage(e) }) },
		func(err error) { p.post(func() { p.signalLost(err) }) })
	if err != nil {
		cancel()
		return nil, err
	}
	p.signal = sock
	go p.run()
	p.post(func() {
		p.send(typeConnect, connectPayload{Token: o.Token, ClientVersion: "1.0.0", Features: o.Features})
	})
	err = p.Wait(ctx, func(s State) bool { return s.Joined || s.Lost != nil })
	if err == nil {
		err = p.State().Lost
	}
	if err != nil {
		end, stop := context.WithTimeout(context.Background(), 5*time.Second)
		defer stop()
		return nil, fmt.Errorf("peer: %s did not get into the world: %w", o.Name, errors.Join(err, p.Close(end)))
	}
	return p, nil
}

// run owns the peer's state.
func (p *Peer) run() {
	defer close(p.ended)
	for {
		select {
		case <-p.done:
			return
		case f := <-p.inbox:
			f()
			p.look()
		}
	}
}

// post hands f to the peer's goroutine. It waits while the inbox is full and gives up when the peer closes.
func (p *Peer) post(f func()) {
	select {
	case p.inbox <- f:
	case <-p.done:
	}
}

// after posts f when d has passed.
func (p *Peer) after(d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(d, func() { p.post(f) })
}

// enter counts a goroutine in; false: the peer is closing.
func (p *Peer) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.wg.Add(1)
	return true
}

// release closes a connection beside the peer's goroutine: GracefulClose waits for callbacks that may be posting.
func (p *Peer) release(pc *webrtc.PeerConnection) {
	if !p.enter() {
		p.orphans = append(p.orphans, pc) // Close has begun and will collect it
		return
	}
	go func() {
		defer p.wg.Done()
		if err := pc.GracefulClose(); err != nil {
			p.opts.Logger.Warn("close of a connection", "err", err)
		}
	}()
}

// look wakes those whose condition holds.
func (p *Peer) look() {
	if len(p.waiters) == 0 {
		return
	}
	s := p.state()
	kept := p.waiters[:0]
	for _, w := range p.waiters {
		if w.cond(s) {
			close(w.done)
		} else {
			kept = append(kept, w)
		}
	}
	clear(p.waiters[len(kept):])
	p.waiters = kept
}

// Wait returns when cond holds of the peer's state. cond runs in the peer's goroutine.
func (p *Peer) Wait(ctx context.Context, cond func(State) bool) error {
	w := &waiter{cond: cond, done: make(chan struct{})}
	p.post(func() { p.waiters = append(p.waiters, w) })
	select {
	case <-w.done:
		return nil
	case <-p.ended:
		return ErrClosed
	case <-ctx.Done():
		p.post(func() {
			for i, o := range p.waiters {
				if o == w {
					p.waiters = append(p.waiters[:i], p.waiters[i+1:]...)
					return
				}
			}
		})
		return ctx.Err()
	}
}

// State gives a copy of how the peer stands; after Close, how it stood.
func (p *Peer) State() State {
	got := make(chan State, 1)
	p.post(func() { got <- p.state() })
	select {
	case s := <-got:
		return s
	case <-p.ended:
		select {
		case s := <-got:
			return s
		default:
			return p.state()
		}
	}
}

// User tells who the peer is.
func (p *Peer) User() User { return p.State().User }

// ID is the peer's user id.
func (p *Peer) ID() uuid.UUID { return p.User().ID }

// Close leaves: the connection to the server first, so that no failure of media is reported that is only the end of it.
// It returns when nothing of the peer runs any more, or ctx is over.
func (p *Peer) Close(ctx context.Context) error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		<-p.ended
		return nil
	}
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	close(p.done)
	<-p.ended
	// From here on this goroutine owns what run owned.
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		p.signal.close()
		var each sync.WaitGroup
		for _, pc := range p.orphans {
			each.Go(func() { _ = pc.GracefulClose() })
		}
		for _, pr := range p.pairs {
			pr.stop()
			each.Go(func() { _ = pr.pc.GracefulClose() })
		}
		if p.offering != nil {
			p.offering.Stop()
		}
		if s := p.session; s != nil {
			s.stop()
			if s.link != nil {
				s.link.close()
			}
			if s.pc != nil {
				each.Go(func() { _ = s.pc.GracefulClose() })
			}
		}
		each.Wait()
		p.wg.Wait()
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("peer: close: %w", ctx.Err())
	}
}

func (p *Peer) state() State {
	s := State{
		User: p.user, Joined: p.joined, Zone: p.zone, Position: p.position, Topology: p.topology, Epoch: p.epoch,
		Changing: p.demoting || p.settling || (p.session != nil && p.topology != SFU),
		Peers:    make(map[uuid.UUID]PeerState, len(p.users)), Lost: p.lost,
	}
	for id, u := range p.users {
		ps := PeerState{User: u}
		if pr := p.pairs[id]; pr != nil {
			ps.Pair, ps.Connected, ps.Local, ps.Remote = true, pr.connected, pr.local, pr.remote
		}
		s.Peers[id] = ps
	}
	if x := p.session; x != nil {
		s.SFU = SFUState{
			Session: true, Connected: x.connected, Reported: x.reported, Local: x.local, Remote: x.remote,
			Slots: append([]Slot(nil), x.slots...),
		}
	}
	return s
}

func (p *Peer) event(e Event) {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	p.opts.Logger.Debug("event", "peer", p.opts.Name, "type", e.Type, "user", e.User, "reason", e.Reason, "topology", e.Topology)
	if p.opts.Hooks.Event != nil {
		p.opts.Hooks.Event(e)
	}
}

func (p *Peer) fault(where string, err error) {
	p.event(Event{Type: EventError, Reason: where + ": " + err.Error()})
}

func (p *Peer) send(kind string, payload any) {
	if p.lost != nil {
		return
	}
	if err := p.signal.send(kind, payload); err != nil {
		p.fault("send "+kind, err)
	}
}
