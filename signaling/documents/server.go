package documents

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"atrium/signaling/documents/store"
	"atrium/signaling/documents/wire"
	"atrium/signaling/identity"
	"atrium/signaling/protocol"
	"atrium/signaling/socket"
)

// Server serves /documents.
type Server struct {
	// Static after construction.
	opt      Options
	verifier *identity.Verifier
	metrics  *metrics
	running  sync.WaitGroup // read loops

	// Guarded by mu.
	mu        sync.Mutex
	sessions  map[*session]struct{}
	users     map[uuid.UUID]*user
	documents map[store.ID]*document // those that are live
	draining  bool
	outage    uint64 // the number of the outage of the bus that there is; 0: none
	outages   uint64 // that there were
}

// user is what all connections of a user share. Its number is guarded by Server.mu.
type user struct {
	sessions int
	notes    *rate.Limiter
}

// New makes a server. Shutdown ends it.
func New(o Options) *Server {
	o = o.withDefaults()
	s := &Server{
		opt:       o,
		verifier:  identity.NewVerifier(o.Auth, o.Now),
		metrics:   newMetrics(o.Registerer),
		sessions:  make(map[*session]struct{}),
		users:     make(map[uuid.UUID]*user),
		documents: make(map[store.ID]*document),
	}
	if o.Bus != nil {
		o.Bus.Notify(s.reach)
	}
	return s
}

// ServeHTTP is GET /documents.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		refuseHTTP(w, http.StatusMethodNotAllowed, wire.Errorf(wire.ParseError, "this path takes GET, and is a WebSocket"))
		return
	}
	token, offered, chosen := offer(r)
	if token == "" {
		w.Header().Set("WWW-Authenticate", `Bearer realm="atrium"`)
		refuseHTTP(w, http.StatusUnauthorized, wire.Errorf(wire.AuthError,
			"the request must carry a JWT: as Authorization: Bearer, or as the subprotocol beside %s", wire.Subprotocol))
		return
	}
	claims, err := s.verifier.Verify(token)
	if err != nil {
		w.Header().Set("WWW-Authenticate", `Bearer realm="atrium", error="invalid_token"`)
		refuseHTTP(w, http.StatusUnauthorized, wire.Errorf(wire.AuthError, "the token is not accepted: %v", err))
		return
	}
	if s.isDraining() {
		refuseHTTP(w, http.StatusServiceUnavailable, wire.Errorf(wire.ConnectionError, "the server is shutting down; connect again in a moment"))
		return
	}
	o := socket.Options{
		ReadLimit: s.opt.FrameBytes, Heartbeat: s.opt.Heartbeat, AckTimeout: s.opt.Unread, Queue: s.opt.Queue,
		QueueBytes: 4<<20 + 2*s.opt.MaxBytes, // whoever joins is sent all notes of a document
	}
	if chosen != "" {
		o.Subprotocols = []string{chosen}
		r.Header.Set("Sec-WebSocket-Protocol", strings.Join(offered, ", ")) // which may have come in several lines
	}
	conn, err := socket.Upgrade(w, r, o)
	if err != nil {
		s.opt.Logger.Debug("no upgrade", "remote", r.RemoteAddr, "err", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		conn.Close(protocol.CloseGoingAway, "the server is shutting down")
		return
	}
	u := s.users[claims.User]
	if u == nil {
		u = &user{notes: rate.NewLimiter(rate.Limit(s.opt.NoteRate), s.opt.noteBurst())}
		s.users[claims.User] = u
	}
	u.sessions++
	sess := newSession(s, conn, claims, u, chosen == wire.SubprotocolAck)
	s.sessions[sess] = struct{}{}
	s.running.Add(1)
	sess.begin() // and return: a live handler would pin its buffers
}

// offer reads who a request is of, and which subprotocol it gets. The token is what is offered beside the names that are
// known, in any order; a header goes before it.
func offer(r *http.Request) (token string, offered []string, chosen string) {
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name != "" {
				offered = append(offered, name)
			}
		}
	}
	switch {
	case slices.Contains(offered, wire.SubprotocolAck):
		chosen = wire.SubprotocolAck
	case slices.Contains(offered, wire.Subprotocol):
		chosen = wire.Subprotocol
	}
	if token = identity.Bearer(r); token != "" || chosen == "" {
		return token, offered, chosen
	}
	for _, name := range offered {
		if name != wire.Subprotocol && name != wire.SubprotocolAck {
			return name, offered, chosen
		}
	}
	return "", offered, chosen
}

func refuseHTTP(w http.ResponseWriter, status int, e *wire.Error) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(wire.Encode(wire.TagError, e)) // the client went away
}

func (s *Server) isDraining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}

// Recheck asks of everybody whether it may still be where it is: the worlds have changed. Who may not gets AUTH_ERROR,
// and is in that document no more.
func (s *Server) Recheck() {
	s.mu.Lock()
	documents := make([]*document, 0, len(s.documents))
	for _, d := range s.documents {
		documents = append(documents, d)
	}
	s.mu.Unlock()
	for _, d := range documents {
		d.recheck(s.opt.Access)
	}
}

// acquire gives a document to a session that is on its way in; nil: the server is shutting down.
func (s *Server) acquire(id store.ID) *document {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return nil
	}
	d := s.documents[id]
	if d == nil {
		d = newDocument(s, id)
		s.documents[id] = d
		s.metrics.documents.Inc()
	}
	d.held++
	return d
}

// release is acquire's other end.
func (s *Server) release(d *document) {
	s.mu.Lock()
	d.held--
	s.mu.Unlock()
	s.reap(d)
}

// reap ends a document that nobody is in and none of whose notes is on its way to the store.
func (s *Server) reap(d *document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.held == 0 && s.documents[d.id] == d && d.end() {
		delete(s.documents, d.id)
		s.metrics.documents.Dec()
	}
}

// gone forgets a session.
func (s *Server) gone(sess *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, sess)
	if sess.user.sessions--; sess.user.sessions == 0 {
		delete(s.users, sess.claims.User)
	}
}

// Shutdown takes nobody in any more, says goodbye to everyone (1001) and waits for all connections to end, at most until
// ctx does. Nobody's leaving is told to anybody here: everyone is leaving.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.draining = true
	for sess := range s.sessions {
		sess.conn.Close(protocol.CloseGoingAway, "the server is shutting down")
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
