package signaling

import (
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"atrium/signaling/identity"
	"atrium/signaling/protocol"
	"atrium/signaling/socket"
)

// features are what a client asked for and this server has.
type features struct {
	topologyChanged, objectReleased, presenceBatch, userMuted, worldChanged bool
}

func negotiate(asked []string) (f features, both []protocol.Feature) {
	both = []protocol.Feature{}
	want := make(map[string]bool, len(asked))
	for _, name := range asked {
		want[name] = true
	}
	for _, name := range protocol.Features() {
		if !want[string(name)] {
			continue
		}
		both = append(both, name)
		switch name {
		case protocol.FeatureTopologyChanged:
			f.topologyChanged = true
		case protocol.FeatureObjectReleased:
			f.objectReleased = true
		case protocol.FeaturePresenceBatch:
			f.presenceBatch = true
		case protocol.FeatureUserMuted:
			f.userMuted = true
		case protocol.FeatureWorldChanged:
			f.worldChanged = true
		}
	}
	return f, both
}

// session is a connection: CONNECTING until its CONNECT is accepted, then CONNECTED; it is in a world while a
// member points to it.
type session struct {
	// Static after construction.
	srv    *Server
	conn   *socket.Conn
	sfuURL string

	// Owned by who handles its frames.
	limits buckets
	agreed []protocol.Feature

	// Set at the first CONNECT, then read from anywhere.
	features atomic.Pointer[features]

	// Guarded by Server.mu; written by who handles its frames alone, which may read them without it.
	claims *Claims // nil: CONNECTING

	// Owned by who handles its frames; its function only ends the session: no CONNECT came, later the token has expired.
	ending *time.Timer
}

func newSession(srv *Server, conn *socket.Conn, sfuURL string) *session {
	s := &session{
		srv: srv, conn: conn, sfuURL: sfuURL,
		limits: newBuckets(srv.opt.Limits),
	}
	s.features.Store(&features{})
	return s
}

// log is made when it is needed: what each connection would keep of it is a quarter of a kilobyte.
func (s *session) log() *slog.Logger {
	return s.srv.logger.With("remote", s.conn.RemoteAddr().String())
}

// begin starts the session. It ends with its connection.
func (s *session) begin() {
	s.srv.metrics.connections.Inc()
	s.ending = time.AfterFunc(s.srv.opt.ConnectTimeout, func() {
		s.conn.Close(protocol.CloseTimeout, "no CONNECT came")
	})
	s.conn.Serve(s)
}

var _ socket.Handler = (*session)(nil)

// Frame implements socket.Handler: one message's way through the server.
func (s *session) Frame(frame []byte) {
	defer s.recovered()
	if q, ok := s.admit(frame); ok {
		s.handle(q)
	}
}

// Ended implements socket.Handler.
func (s *session) Ended(err error) {
	s.log().Debug("connection ended", "err", err)
	s.end()
	s.srv.metrics.connections.Dec()
	s.srv.running.Done()
}

// recovered keeps a bug in one message's handling from taking the process, and with it everybody's media.
func (s *session) recovered() {
	if r := recover(); r != nil {
		s.log().Error("a handler panicked", "panic", r, "stack", string(debug.Stack()))
		s.sendError(protocol.Errorf(protocol.ServerError, "", "the server failed on this message"))
		s.conn.Close(protocol.CloseInternal, "internal error")
	}
}

// end is the end of the connection: the member, if it is still this connection's, goes into its grace.
func (s *session) end() {
	s.ending.Stop()
	s.srv.mu.Lock()
	defer s.srv.mu.Unlock()
	s.srv.detach(s)
	delete(s.srv.sessions, s)
	if s.claims != nil && s.srv.current[s.claims.User] == s {
		delete(s.srv.current, s.claims.User)
	}
}

// refuse sends an error and closes; the member goes into its grace at once, not when the close handshake is over.
func (s *session) refuse(e *protocol.Error, code int) {
	s.sendError(e)
	s.conn.Close(code, e.Message)
	s.srv.mu.Lock()
	defer s.srv.mu.Unlock()
	s.srv.detach(s)
}

// connect handles CONNECT: the first makes the session CONNECTED, later ones renew its token.
func (s *session) connect(env protocol.Envelope) *protocol.Error {
	if env.Version == nil || *env.Version != protocol.Version {
		s.refuse(badVersion(), protocol.CloseProtocol)
		return nil
	}
	if env.Payload == nil {
		env.Payload = []byte("{}") // has no token, and that is what is told
	}
	msg, err := env.Zone()
	if err != nil {
		return protocol.AsError(err)
	}
	m := msg.(*protocol.Connect)
	if m.Token == "" {
		s.refuse(protocol.Errorf(protocol.AuthFailed, protocol.TypeConnect, `CONNECT lacks "token"; it must be a JWT`).With("field", "token"), protocol.CloseAuth)
		return nil
	}
	claims, err := s.srv.verifier.Verify(m.Token)
	if err != nil {
		s.refuse(authFailed(protocol.TypeConnect, err), protocol.CloseAuth)
		return nil
	}
	if s.claims != nil && (claims.User != s.claims.User || claims.Workspace != s.claims.Workspace) {
		s.refuse(protocol.Errorf(protocol.AuthFailed, protocol.TypeConnect,
			"a CONNECT that renews must be of the same user and workspace; another user needs a connection of its own").With("field", "token"), protocol.CloseAuth)
		return nil
	}
	if s.claims == nil {
		f, agreed := negotiate(m.Features)
		s.features.Store(&f)
		s.agreed = agreed
		if f.presenceBatch {
			s.conn.BatchPresence(batchHead, batchTail)
		}
	}
	s.armExpiry(claims.Expires)
	if !s.srv.connected(s, claims) {
		return nil
	}
	s.log().Debug("connected", "user", claims.User, "client_version", m.ClientVersion)
	return nil
}

func badVersion() *protocol.Error {
	return protocol.Errorf(protocol.InvalidRequest, protocol.TypeConnect, "CONNECT must carry protocol_version %d", protocol.Version).
		With("field", "protocol_version").With("supported_versions", protocol.SupportedVersions())
}

// armExpiry ends the session when its token has expired and was not renewed.
func (s *session) armExpiry(at time.Time) {
	s.ending.Stop()
	s.ending = time.AfterFunc(at.Add(identity.Leeway).Sub(s.srv.opt.Now()), func() {
		s.refuse(protocol.Errorf(protocol.AuthFailed, "", "the token has expired; renew it in time by a CONNECT with a fresh one"), protocol.CloseAuth)
	})
}

// connected makes s the user's connection; an older one is closed, its place in a world waits for JOIN_WORLD.
func (srv *Server) connected(s *session, claims *Claims) bool {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if srv.draining {
		return false
	}
	renewal := s.claims != nil
	s.claims = claims
	if !renewal {
		if old := srv.current[claims.User]; old != nil {
			old.sendError(protocol.Errorf(protocol.InvalidRequest, "", "a newer connection of this user takes its place").With("reason", "replaced"))
			old.conn.Close(protocol.CloseReplaced, "replaced by a newer connection")
			srv.detach(old)
		}
		srv.current[claims.User] = s
		if m := srv.members[claims.User]; m != nil && m.session == nil {
			srv.startGrace(m) // afresh: the newer connection has as long to join
			m.knows = s.features.Load().topologyChanged
			srv.opt.Controller.Renewed(m.zone().ID, m.topologyMember())
		}
	} else if m := srv.members[claims.User]; m != nil && m.session == s {
		if _, err := m.world.live.Join(identityOf(claims), srv.opt.Now()); err != nil { // who is in only gets its identity renewed
			s.log().Warn("identity not renewed", "err", err)
		}
	}
	s.send(protocol.TypeConnected, protocol.Connected{
		User: userOf(claims), ServerVersion: srv.opt.ServerVersion, ProtocolMinor: protocol.Minor, Features: s.agreed, StunURLs: srv.opt.STUN,
	})
	return true
}

// send encodes and enqueues a message of the ordered lane.
func (s *session) send(typ string, payload any) {
	s.sendFrame(typ, protocol.MustEncode(typ, payload))
}

// sendFrame enqueues an encoded message. A connection that is full or closed ends by itself.
func (s *session) sendFrame(typ string, frame []byte) {
	s.srv.metrics.out.of(typ).Inc()
	s.noteSend(s.conn.Send(frame))
}

func (s *session) noteSend(err error) {
	if err == socket.ErrFull {
		s.srv.metrics.slow.Inc()
		s.log().Info("closed: it does not read, its queue is full")
	}
}

func (s *session) sendError(e *protocol.Error) {
	s.sendFrame(protocol.TypeError, protocol.EncodeError(e))
}
