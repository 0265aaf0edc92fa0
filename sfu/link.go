package sfu

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"atrium/signaling/protocol"
	"atrium/signaling/socket"
	"atrium/topology"
)

const (
	connectWithin = 10 * time.Second
	floodFor      = 10 * time.Second // over the limit for so long: closed
	rateErrors    = time.Second      // at most one RATE_LIMITED in it
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
		go f.serve(conn) // and return: a live handler pins net/http's buffers
	})
}

// serve owns a link: CONNECT, then messages until the connection ends.
func (f *SFU) serve(conn *socket.Conn) {
	defer f.links.Done()
	late := time.AfterFunc(f.connectWithin, func() { conn.Close(protocol.CloseTimeout, "no CONNECT within 10 s") })
	frame, err := conn.Read(f.ctx)
	if !late.Stop() && err == nil {
		// The close is under way; what was read came too late.
		_, err = conn.Read(f.ctx)
	}
	if err != nil {
		return
	}
	s, why := f.connect(conn, frame)
	if s == nil {
		bye(conn, why)
		f.drain(conn)
		return
	}
	limits := newLimits()
	for {
		frame, err := conn.Read(f.ctx)
		if err != nil {
			var closed *websocket.CloseError
			if errors.As(err, &closed) && closed.Code == websocket.CloseNormalClosure {
				s.mu.Lock()
				own := s.link == conn
				s.mu.Unlock()
				if own { // closed on purpose, not lost
					s.end(ending{reason: "the client closed the link"})
				}
			}
			s.detach(conn)
			return
		}
		f.message(s, conn, limits, frame)
	}
}

// drain reads on until the close handshake is over, which is how the connection ends in order.
func (f *SFU) drain(conn *socket.Conn) {
	for {
		if _, err := conn.Read(f.ctx); err != nil {
			return
		}
	}
}

// connect reads the first frame of a link and gives the session it opens or takes over, or how the link ends.
func (f *SFU) connect(conn *socket.Conn, frame []byte) (*session, ending) {
	refuse := func(e *protocol.Error, code int) (*session, ending) {
		return nil, ending{err: e, close: code, reason: e.Message}
	}
	env, err := protocol.Decode(frame)
	if err != nil {
		return refuse(protocol.AsError(err), protocol.CloseProtocol)
	}
	if env.Type != protocol.TypeConnect {
		return refuse(protocol.Errorf(protocol.AuthFailed, env.Type, "CONNECT comes first"), protocol.CloseAuth)
	}
	if env.Version == nil || *env.Version != protocol.Version {
		return refuse(protocol.Errorf(protocol.InvalidRequest, env.Type, "CONNECT needs a protocol_version that this server speaks").
			With("field", "protocol_version").With("supported_versions", protocol.SupportedVersions()), protocol.CloseProtocol)
	}
	msg, err := env.SFULink()
	if err != nil {
		return refuse(protocol.AsError(err), protocol.CloseProtocol)
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
		bye(link, replaced)
	}
	if !ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		return nil, s.why
	}
	return s, ending{}
}

var replaced = ending{
	err:   protocol.Errorf(protocol.InvalidRequest, "", "the token was shown again").With("reason", "replaced"),
	close: protocol.CloseReplaced, reason: "replaced",
}

// message handles one frame of a connected link.
func (f *SFU) message(s *session, conn *socket.Conn, l *limits, frame []byte) {
	env, err := protocol.Decode(frame)
	var msg protocol.Message
	if err == nil {
		msg, err = env.SFULink()
	}
	now := time.Now()
	switch l.take(env.Type, now) {
	case over:
		_ = conn.Send(protocol.EncodeError(protocol.Errorf(protocol.RateLimited, env.Type, "too many messages; this one was dropped")))
		return
	case overQuiet:
		return
	case flooding:
		conn.Close(protocol.CloseFlooding, "too many messages for too long")
		return
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
		s.mu.Lock()
		s.view = *m
		s.mu.Unlock()
	case *protocol.Connect:
		_ = conn.Send(protocol.EncodeError(protocol.Errorf(protocol.InvalidRequest, env.Type, "this link is connected; a session is opened by a link of its own")))
	case *protocol.Error:
		s.log.Info("the client reports an error", "code", m.Code, "message", m.Message)
	}
}

func (f *SFU) answerOffer(s *session, conn *socket.Conn, m *protocol.Description) {
	raw, err := base64.StdEncoding.DecodeString(m.SDP)
	if err != nil {
		_ = conn.Send(protocol.EncodeError(badSDP("the sdp is not base64: %v", err)))
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

// limits are the token buckets of one link. Owned by its reader.
type limits struct {
	negotiation, other *rate.Limiter
	overSince, toldAt  time.Time
}

type verdict int

const (
	passes verdict = iota
	over
	overQuiet
	flooding
)

func newLimits() *limits {
	return &limits{negotiation: rate.NewLimiter(100, 300), other: rate.NewLimiter(10, 30)}
}

func (l *limits) take(typ string, now time.Time) verdict {
	bucket := l.other
	if typ == protocol.TypeSDPOffer || typ == protocol.TypeICECandidate {
		bucket = l.negotiation
	}
	if bucket.AllowN(now, 1) {
		if bucket.TokensAt(now) > 1 {
			l.overSince = time.Time{}
		}
		return passes
	}
	if l.overSince.IsZero() {
		l.overSince = now
	}
	if now.Sub(l.overSince) > floodFor {
		return flooding
	}
	if now.Sub(l.toldAt) < rateErrors {
		return overQuiet
	}
	l.toldAt = now
	return over
}
