package signaling

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"atrium/signaling/identity"
	"atrium/signaling/protocol"
	"atrium/signaling/socket"
	"atrium/signaling/space"
)

// Server is the zone protocol's server.
type Server struct {
	// Static after construction.
	opt      Options
	logger   *slog.Logger
	verifier *identity.Verifier
	metrics  *metrics
	guests   *rate.Limiter // of the guest login, which asks for no token
	stop     chan struct{} // closed by Shutdown
	running  sync.WaitGroup
	registry registry

	// Guarded by mu.
	mu       sync.Mutex
	worlds   map[uuid.UUID]*world
	order    []*world // as they were given
	members  map[uuid.UUID]*member
	current  map[uuid.UUID]*session // by user: the newest connection that is CONNECTED
	sessions map[*session]struct{}
	draining bool
}

// world is a live world and who is in it. Guarded by Server.mu.
type world struct {
	live   *space.World
	unmute *time.Timer // ends the mutes that are over
	dirty  []*member   // whose presence the next tick tells
}

// New makes a server and starts its tick. Shutdown ends it.
func New(o Options) *Server {
	o = o.withDefaults()
	s := &Server{
		opt: o, logger: o.Logger,
		verifier: identity.NewVerifier(o.Auth, o.Now),
		metrics:  newMetrics(o.Registerer),
		guests:   rate.NewLimiter(50, 200),
		stop:     make(chan struct{}),
		registry: registry{sessions: make(map[uuid.UUID]*session)},
		worlds:   make(map[uuid.UUID]*world),
		members:  make(map[uuid.UUID]*member),
		current:  make(map[uuid.UUID]*session),
		sessions: make(map[*session]struct{}),
	}
	for _, m := range o.Worlds {
		w := s.open(m)
		s.worlds[m.ID] = w
		s.order = append(s.order, w)
	}
	s.running.Go(s.tick)
	return s
}

// open makes a world with nobody in it.
func (s *Server) open(m *space.Map) *world { return &world{live: space.NewWorld(m, s.opt.Rules)} }

// Handler serves /signal, /api/guest and /api/worlds.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /signal", s.serveSignal)
	s.routeAPI(mux)
	return mux
}

func (s *Server) serveSignal(w http.ResponseWriter, r *http.Request) {
	if s.isDraining() {
		writeError(w, http.StatusServiceUnavailable, protocol.Errorf(protocol.ServerError, "", "the server is shutting down; connect again in a moment"))
		return
	}
	conn, err := socket.Upgrade(w, r, socket.Options{ReadLimit: s.opt.FrameBytes, Heartbeat: s.opt.Heartbeat, Queue: s.opt.Queue})
	if err != nil {
		s.logger.Debug("no upgrade", "remote", r.RemoteAddr, "err", err)
		return
	}
	sess := newSession(s, conn, sfuURL(s.opt.PublicURL, r))
	s.mu.Lock()
	if s.draining {
		s.mu.Unlock()
		conn.Close(protocol.CloseGoingAway, "the server is shutting down")
		return
	}
	s.sessions[sess] = struct{}{}
	s.running.Add(1)
	s.mu.Unlock()
	sess.begin() // and return: a live handler would pin its buffers
}

func (s *Server) isDraining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}

// Shutdown takes nobody in any more, says goodbye to everyone (1001) and waits for all goroutines, at most
// until ctx ends. Nobody's leaving is told to anybody: everyone is leaving.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if !s.draining {
		s.draining = true
		close(s.stop)
	}
	for sess := range s.sessions {
		sess.conn.Close(protocol.CloseGoingAway, "the server is shutting down")
	}
	for _, m := range s.members {
		m.stopGrace()
	}
	for _, w := range s.order {
		w.stopUnmute()
	}
	s.mu.Unlock()

	done := make(chan struct{})
	go func() { s.running.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tick sends presence once per Options.Tick.
func (s *Server) tick() {
	t := time.NewTicker(s.opt.Tick)
	defer t.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-t.C:
			s.sendPresence()
		}
	}
}

// registry finds the connection of a user who is in a world. It has its own lock because the controller's
// effects come with the controller's lock held, which comes after Server.mu in the lock order.
type registry struct {
	mu       sync.RWMutex
	sessions map[uuid.UUID]*session
}

func (r *registry) get(user uuid.UUID) *session {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.sessions[user]
}

func (r *registry) set(user uuid.UUID, s *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sessions[user] = s
}

func (r *registry) remove(user uuid.UUID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sessions, user)
}
