package sfu

import (
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/pion/rtcp"

	"atrium/sfu/offer"
	"atrium/signaling/protocol"
	"atrium/signaling/socket"
	"atrium/topology"
)

const (
	upWithin     = 30 * time.Second      // from CONNECT to ICE and DTLS
	silent       = 15 * time.Second      // without a check: the client is gone; browsers check every 2.5 to 6 s (RFC 7675, section 5.1)
	slotsDelay   = 3 * time.Millisecond  // changes that come together are told together
	slotsSpacing = 20 * time.Millisecond // between two SLOTS of a session
	reach        = 40 * time.Millisecond // for what was forwarded to be with its receivers: what flows may end the old way
)

// session is one member's media: its transport, uplinks and slots, and the link while there is one.
type session struct {
	// Static after construction.
	f      *SFU
	id     string
	number uint64 // of its descriptions
	top    topology.Session
	room   *room
	log    *slog.Logger
	wake   chan struct{} // something changed that run looks at
	stop   chan struct{} // closed when the session is to end
	down   chan struct{} // closed when the controller has been told that it is over
	done   chan struct{} // closed when nothing of it is left
	// media carries its packets, both ways.
	media *transport

	live  atomic.Bool // the transport is up: slots write
	dirty atomic.Bool // SLOTS has changed
	wg    sync.WaitGroup

	member member // guarded by room.mu

	// Guarded by clockMu.
	clockMu  sync.Mutex
	clockSet bool
	clockOff int64

	// Guarded by negotiating: one offer at a time, also when the link is replaced meanwhile.
	negotiating sync.Mutex
	roles       []offer.Role
	slots       map[string]*slot // by mid
	answers     uint64           // that were given

	// Guarded by mu.
	mu       sync.Mutex
	link     *socket.Conn // nil: lost
	lostAt   time.Time
	answered bool
	uplinks  map[string]*uplink // by mid
	bySSRC   map[uint32]*slot
	closed   bool // no goroutine may be started any more
	why      ending
}

// ending is how a session ends and what its link is told: an ERROR where code is set, then the close code.
type ending struct {
	err    *protocol.Error
	close  int
	reason string
}

func newSession(f *SFU, top topology.Session, r *room) *session {
	s := &session{
		f: f, id: uuid.NewString(), number: rand.Uint64() >> 2, top: top, room: r,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), down: make(chan struct{}), done: make(chan struct{}),
		uplinks: make(map[string]*uplink), bySSRC: make(map[uint32]*slot), slots: make(map[string]*slot), lostAt: time.Now(),
	}
	s.media = newTransport(s, f.engine.sock)
	s.member.view = newView(&protocol.View{})
	s.log = f.log.With("user", top.User, "zone", top.Zone, "session", s.id)
	return s
}

// end begins the session's end. It returns at once, takes no lock but the session's own, and the first call counts.
func (s *session) end(why ending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.stop:
	default:
		s.why = why
		close(s.stop)
	}
}

func (s *session) wakeup() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *session) slotsChanged() {
	s.dirty.Store(true)
	s.wakeup()
}

// track reserves n goroutines of the session; false: it is ending.
func (s *session) track(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.wg.Add(n)
	return true
}

func (s *session) untrack() { s.wg.Done() }

func (s *session) writeRTCP(packets ...rtcp.Packet) { s.media.writeRTCP(nil, packets...) }

// newSlot makes a slot with SSRCs of its own.
func (s *session) newSlot(sec *offer.Section) *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := func() (ssrc uint32) {
		for ssrc == 0 || s.bySSRC[ssrc] != nil {
			ssrc = rand.Uint32()
		}
		return ssrc
	}
	ssrc, rtx := fresh(), uint32(0)
	if sec.Kind == protocol.Video {
		for rtx = fresh(); rtx == ssrc; {
			rtx = fresh()
		}
	}
	t := newSlot(s, sec, ssrc, rtx)
	s.bySSRC[ssrc] = t
	if rtx != 0 {
		s.bySSRC[rtx] = t
	}
	return t
}

func (s *session) slotOf(ssrc uint32) *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bySSRC[ssrc]
}

// feedback takes the RTCP of the client: reports of what it sends, and requests for what it receives. What it causes goes
// into b. media.inMu is held.
func (s *session) feedback(b *batch, packets []rtcp.Packet) {
	for _, p := range packets {
		switch p := p.(type) {
		case *rtcp.SenderReport:
			if st := s.media.streams[p.SSRC]; st != nil && !st.rtx {
				st.layer.report(b, p)
			}
		case *rtcp.PictureLossIndication:
			if t := s.slotOf(p.MediaSSRC); t != nil {
				t.requestKey(s.f.now())
			}
		case *rtcp.FullIntraRequest:
			for _, e := range p.FIR { // RFC 5104, section 4.3.1.1: the header names no source
				if t := s.slotOf(e.SSRC); t != nil {
					t.requestKey(s.f.now())
				}
			}
		case *rtcp.TransportLayerNack:
			if t := s.slotOf(p.MediaSSRC); t != nil {
				for _, pair := range p.Nacks {
					pair.Range(func(seq uint16) bool { return t.resend(b, seq) })
				}
			}
		}
	}
}

// run owns the session's life: it watches the transport, tells the controller, writes SLOTS, and cleans up at the end.
func (s *session) run() {
	defer s.f.wg.Done()
	defer close(s.done)
	var (
		began        = time.Now()
		up, flowing  bool
		flowedAt     time.Time
		leftAt, told time.Time
		slotsAt      time.Time
		timer        = time.NewTimer(time.Hour)
	)
	defer timer.Stop()
	for {
		now := time.Now()
		next := now.Add(time.Hour)
		until := func(t time.Time) bool { // true: t has come; else it is waited for
			if !now.Before(t) {
				return true
			}
			if t.Before(next) {
				next = t
			}
			return false
		}
		if !up && s.media.ready() {
			up = true
			s.live.Store(true)
			s.f.ctl.SessionUp(s.top)
			s.room.keysFor(s)
		}
		if up { // a client that is gone has the grace to come back: by a check, or by a restart of ICE
			lost := s.f.start.Add(time.Duration(s.media.checked.Load())).Add(silent)
			if leftAt.IsZero() && s.media.dtls.gone() {
				leftAt = now
			}
			if !leftAt.IsZero() && leftAt.Before(lost) {
				lost = leftAt
			}
			if until(lost.Add(s.f.grace)) {
				s.end(ending{close: protocol.CloseTimeout, reason: "the media connection is lost"})
			}
		}
		if !up && until(began.Add(upWithin)) {
			s.end(ending{close: protocol.CloseTimeout, reason: "no media connection within 30 s"})
		}
		if up && !flowing && s.allFlow() {
			if flowedAt.IsZero() {
				flowedAt = now
			}
			if until(flowedAt.Add(reach)) {
				flowing = true
				s.f.ctl.SessionFlowing(s.top)
			}
		}
		link, lostAt, answered := s.linkState()
		if link == nil && until(lostAt.Add(s.f.grace)) {
			s.end(ending{})
		}
		if answered && link != nil && s.dirty.Load() {
			if slotsAt.IsZero() {
				slotsAt = now.Add(slotsDelay)
				if t := told.Add(slotsSpacing); t.After(slotsAt) {
					slotsAt = t
				}
			}
			if until(slotsAt) {
				s.dirty.Store(false)
				slotsAt, told = time.Time{}, now
				_ = link.Send(protocol.MustEncode(protocol.TypeSlots, protocol.Slots{Slots: s.room.slots(s)}))
			}
		}
		timer.Reset(time.Until(next))
		select {
		case <-s.stop:
			s.cleanUp()
			return
		case <-s.wake:
		case <-timer.C:
		}
	}
}

func (s *session) linkState() (*socket.Conn, time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link, s.lostAt, s.answered
}

// allFlow: every uplink that the offer said to carry a track has been forwarded for a moment.
func (s *session) allFlow() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.uplinks {
		if u.offered.Load() && !u.flowed.Load() {
			return false
		}
	}
	return s.answered
}

func (s *session) cleanUp() {
	s.live.Store(false)
	s.mu.Lock()
	s.closed = true
	why := s.why
	s.mu.Unlock()
	s.room.leave(s)
	s.f.forget(s)
	s.f.ctl.SessionDown(s.top)
	close(s.down)

	s.mu.Lock()
	link := s.link
	s.link = nil
	s.mu.Unlock()
	if link != nil {
		bye(link, why)
	}
	// An offer that is being answered ends before the transport is closed under it.
	s.negotiating.Lock()
	s.roles, s.slots = nil, nil
	s.negotiating.Unlock()
	s.media.close()
	s.wg.Wait()
	s.log.Debug("session ended", "reason", why.reason)
}

// attach makes conn the session's link and gives the one before it, if there is one. False: the session is ending.
func (s *session) attach(conn *socket.Conn, hello []byte) (former *socket.Conn, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.stop:
		return nil, false
	default:
	}
	_ = conn.Send(hello) // before s.link is set: nothing comes ahead of CONNECTED
	former, s.link = s.link, conn
	s.slotsChanged()
	return former, true
}

// detach notes that a link is lost; the media goes on for the grace.
func (s *session) detach(conn *socket.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link == conn {
		s.link, s.lostAt = nil, time.Now()
		s.wakeup()
	}
}

func bye(link *socket.Conn, why ending) {
	if why.err != nil {
		_ = link.Send(protocol.EncodeError(why.err))
	}
	code := why.close
	if code == 0 {
		code = protocol.CloseNormal
	}
	link.Close(code, why.reason)
}
