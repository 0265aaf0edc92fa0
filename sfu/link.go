package sfu

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"runtime/debug"
	"time"

	"atrium/sfu/offer"
	"atrium/signaling/protocol"
	"atrium/signaling/socket"
	"atrium/topology"
)

const (
	connectWithin = 10 * time.Second
	floodFor      = 10 * time.Second // over the limit for so long: closed
	replaceWithin = 5 * time.Second  // for a former session to be gone
)

// Link serves /sfu, the WebSocket over which a member negotiates its session.
func (f *SFU) Link() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !f.begin() {
			http.Error(w, "the server is shutting down", http.StatusServiceUnavailable)
			return
		}
		conn, err := socket.Upgrade(w, r, socket.Options{ReadLimit: int64(f.frameBytes), Heartbeat: f.heartbeat})
		if err != nil {
			f.links.Done()
			return
		}
		if !f.greet(conn) {
			conn.Close(goingAway.close, goingAway.reason)
		}
		l := &linkEnd{sfu: f, conn: conn, limits: f.newLimits()}
		l.late = time.AfterFunc(f.connectWithin, func() { conn.Close(protocol.CloseTimeout, "no CONNECT in time") })
		conn.Serve(l) // and return: a live handler pins net/http's buffers
	})
}

// linkEnd is the server's end of one connection of a member: CONNECT, then messages until it ends.
type linkEnd struct {
	// Static after construction.
	sfu  *SFU
	conn *socket.Conn
	late *time.Timer // no CONNECT came

	// Owned by who handles its frames.
	limits  *limits
	session *session // nil: no CONNECT was accepted yet
}

var _ socket.Handler = (*linkEnd)(nil)

// Frame implements socket.Handler. A bug in one link's message ends that link: everybody's media is in this process.
func (l *linkEnd) Frame(frame []byte) {
	defer func() {
		if r := recover(); r != nil {
			l.sfu.log.Error("the handling of a link's message panicked", "panic", r, "stack", string(debug.Stack()))
			l.conn.Close(protocol.CloseInternal, "internal error")
		}
	}()
	if l.session != nil {
		l.sfu.message(l.session, l.conn, l.limits, frame)
		return
	}
	l.greet(frame)
}

// greet takes a frame before a CONNECT has opened or taken over a session.
func (l *linkEnd) greet(frame []byte) {
	env, err := protocol.Decode(frame)
	if !l.limits.pass(l.conn, env.Type) {
		return
	}
	s, why := l.sfu.connect(l.conn, env, err)
	switch {
	case s != nil:
		l.session = s
		l.greeted()
	case why.close != 0:
		bye(l.conn, why)
	default:
		_ = l.conn.Send(protocol.EncodeError(why.err))
	}
}

func (l *linkEnd) greeted() {
	l.late.Stop()
	l.sfu.greeted(l.conn)
}

// Ended implements socket.Handler.
func (l *linkEnd) Ended(err error) {
	defer l.sfu.links.Done()
	s := l.session
	if s == nil {
		l.greeted()
		return
	}
	defer s.detach(l.conn)
	var closed *socket.CloseError
	if errors.As(err, &closed) && closed.Code == protocol.CloseNormal {
		s.mu.Lock()
		own := s.link == l.conn
		s.mu.Unlock()
		if own { // closed on purpose, not lost
			s.end(ending{reason: "the client closed the link"})
		}
	}
}

// connect takes a frame of a link that has no session yet and gives the session it opens or takes over, or how it is
// refused. What is malformed is refused and the link stays, as on /signal; anything else but CONNECT ends it.
func (f *SFU) connect(conn *socket.Conn, env protocol.Envelope, malformed error) (*session, ending) {
	refuse := func(e *protocol.Error, code int) (*session, ending) {
		return nil, ending{err: e, close: code, reason: e.Message}
	}
	if env.Type != protocol.TypeConnect && env.Type != "" {
		return refuse(protocol.Errorf(protocol.AuthFailed, env.Type, "CONNECT comes first"), protocol.CloseAuth)
	}
	if malformed != nil {
		e := protocol.AsError(malformed)
		if env.Type == protocol.TypeConnect && e.Field() == "protocol_version" {
			return refuse(e.With("supported_versions", protocol.SupportedVersions()), protocol.CloseProtocol)
		}
		return refuse(e, 0)
	}
	if env.Version == nil || *env.Version != protocol.Version {
		return refuse(protocol.Errorf(protocol.InvalidRequest, env.Type, "CONNECT needs a protocol_version that this server speaks").
			With("field", "protocol_version").With("supported_versions", protocol.SupportedVersions()), protocol.CloseProtocol)
	}
	if env.Payload == nil {
		env.Payload = []byte("{}") // has no token, and that is what is told
	}
	msg, err := env.SFULink()
	if err != nil {
		return refuse(protocol.AsError(err), 0)
	}
	c := msg.(*protocol.Connect)
	if c.Token == "" {
		return refuse(protocol.Errorf(protocol.AuthFailed, env.Type, "CONNECT needs a token: the sfu_token of PROMOTE_TO_SFU").With("field", "token"), protocol.CloseAuth)
	}
	since := f.beginAdmission()
	top, err := f.ctl.AdmitSession(c.Token)
	if err != nil {
		f.endAdmission()
		if errors.Is(err, topology.ErrToken) {
			return refuse(protocol.Errorf(protocol.AuthFailed, env.Type, "the token is not a valid sfu_token").With("field", "token"), protocol.CloseAuth)
		}
		f.log.Info("a session was refused", "error", err)
		return refuse(protocol.Errorf(protocol.PermissionDenied, env.Type, "the token's user is no live member of a zone that uses the SFU"), protocol.CloseKicked)
	}
	s, former, ended := f.admit(top, c.Session, since)
	f.endAdmission()
	if s == nil {
		return nil, ended
	}
	if former != nil { // the controller hears of the old one's end before it hears of the new one
		former.end(replaced)
		timer := time.NewTimer(replaceWithin)
		select {
		case <-former.down:
		case <-timer.C:
		}
		timer.Stop()
	}
	hello := protocol.MustEncode(protocol.TypeConnected, protocol.SFULinkConnected{
		Slots: protocol.SlotLimits{Audio: f.audioSlots, Video: f.videoSlots}, Session: s.id})
	link, ok := s.attach(conn, hello)
	if link != nil {
		bye(link, takenOver)
	}
	if !ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.why.close == 0 { // its link was given up, and this one came too late
			return nil, justEnded
		}
		return nil, s.why
	}
	return s, ending{}
}

// justEnded: a link shows its token again for a new session.
var justEnded = ending{
	err: protocol.Errorf(protocol.InvalidRequest, protocol.TypeConnect, "the session has just ended; connect again for a new one").
		With("field", "session").With("reason", "ended"),
	close: protocol.CloseTimeout, reason: "the session has just ended",
}

var (
	replaced  = replacedBy("a newer session of this user takes its place")
	takenOver = replacedBy("a newer link of this session takes its place")
)

func replacedBy(what string) ending {
	return ending{err: protocol.Errorf(protocol.InvalidRequest, "", "%s", what).With("reason", "replaced"), close: protocol.CloseReplaced, reason: "replaced"}
}

// message handles one frame of a connected link.
func (f *SFU) message(s *session, conn *socket.Conn, l *limits, frame []byte) {
	env, err := protocol.Decode(frame)
	if !l.pass(conn, env.Type) {
		return
	}
	if env.Type == protocol.TypeError {
		s.log.Info("the client reports an error", "error", string(env.Payload[:min(len(env.Payload), 512)])) // and nothing is answered
		return
	}
	var msg protocol.Message
	if err == nil {
		msg, err = env.SFULink()
	}
	if err != nil {
		_ = conn.Send(protocol.EncodeError(protocol.AsError(err)))
		return
	}
	switch m := msg.(type) {
	case *protocol.Description:
		f.answerOffer(s, conn, m)
	case *protocol.ICECandidate: // never used: see newEngine
	case *protocol.View:
		s.room.show(s, m)
	case *protocol.Connect:
		_ = conn.Send(protocol.EncodeError(protocol.Errorf(protocol.InvalidRequest, env.Type, "this link is connected; a session is opened by a link of its own")))
	}
}

func (f *SFU) answerOffer(s *session, conn *socket.Conn, m *protocol.Description) {
	raw, err := base64.StdEncoding.DecodeString(m.SDP)
	if err != nil {
		_ = conn.Send(protocol.EncodeError(offer.Bad("the sdp is not base64: %v", err)))
		return
	}
	bad := s.offer(string(raw), func(answer string) {
		_ = conn.Send(protocol.MustEncode(protocol.TypeSDPAnswer, protocol.Description{From: protocol.SFUParty, SDP: base64.StdEncoding.EncodeToString([]byte(answer))}))
		// All candidates stand in the answer.
		_ = conn.Send(protocol.MustEncode(protocol.TypeICECandidate, protocol.ICECandidate{From: protocol.SFUParty, Candidate: json.RawMessage("null")}))
	})
	if bad != nil {
		_ = conn.Send(protocol.EncodeError(bad))
	}
}
