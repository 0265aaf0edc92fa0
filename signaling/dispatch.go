package signaling

import (
	"time"

	"atrium/signaling/protocol"
)

// route says what a message of a client is for.
type route struct {
	kind kind
	// member handles a message of a zone. It is called with Server.mu held; what it returns is sent as ERROR.
	member func(*session, *member, protocol.Message) *protocol.Error
}

// routes is the table of the messages that need a place in a world. CONNECT, JOIN_WORLD and ERROR are handled
// by themselves.
var routes = map[string]route{
	protocol.TypePresenceUpdate:  {kindPresence, (*session).presenceUpdate},
	protocol.TypeMoveIntent:      {kindMovement, (*session).moveIntent},
	protocol.TypeZoneTransition:  {kindMovement, (*session).zoneTransition},
	protocol.TypeInteractRequest: {kindOther, (*session).interactRequest},
	protocol.TypeInteractEnd:     {kindOther, (*session).interactEnd},
	protocol.TypeMuteUser:        {kindOther, (*session).muteUser},
	protocol.TypeRemoveFromZone:  {kindOther, (*session).removeFromZone},
	protocol.TypeKickFromWorld:   {kindOther, (*session).kickFromWorld},
	protocol.TypeSDPOffer:        {kindNegotiation, (*session).sdpOffer},
	protocol.TypeSDPAnswer:       {kindNegotiation, (*session).sdpAnswer},
	protocol.TypeICECandidate:    {kindNegotiation, (*session).iceCandidate},
	protocol.TypeICEFailed:       {kindNegotiation, (*session).iceFailed},
	protocol.TypeSFUConnected:    {kindNegotiation, (*session).sfuConnected},
	protocol.TypeSFUDisconnected: {kindNegotiation, (*session).sfuDisconnected},
}

// request is a frame that is within the limits, with its envelope read.
type request struct {
	env   protocol.Envelope
	err   error // of the envelope
	route route
}

// admit holds a frame against the limits; false: it is dropped.
func (s *session) admit(frame []byte) (q request, ok bool) {
	now := s.srv.opt.Now()
	if !s.limits.all.Take(now) {
		s.srv.metrics.in.of(unreadType).Inc()
		s.limited("", "all")
		s.pause()
		return q, false
	}
	q.env, q.err = protocol.Decode(frame)
	q.route = routes[q.env.Type]
	s.srv.metrics.in.of(q.env.Type).Inc()
	if !s.limits.byKind[q.route.kind].Take(now) {
		s.limited(q.env.Type, q.route.kind.String())
		return q, false
	}
	return q, true
}

// handle answers a request: state, payload, then the message's own handler.
func (s *session) handle(q request) {
	env, r, err := q.env, q.route, q.err
	if s.claims == nil && env.Type != protocol.TypeConnect && env.Type != "" {
		s.refuse(protocol.Errorf(protocol.AuthFailed, protocol.Named(env.Type), "the first message must be CONNECT"), protocol.CloseAuth)
		return
	}
	if env.Type == protocol.TypeError {
		s.log().Info("a client reports an error", "error", string(env.Payload[:min(len(env.Payload), 512)])) // and nothing is answered, however it is written
		return
	}
	if err != nil {
		e := protocol.AsError(err)
		if env.Type == protocol.TypeConnect && e.Field() == "protocol_version" {
			s.refuse(badVersion(), protocol.CloseProtocol)
			return
		}
		s.sendError(e) // and the connection stays, before CONNECT too, as on the SFU link: ConnectTimeout bounds that
		return
	}
	if env.Type == protocol.TypeConnect {
		if e := s.connect(env); e != nil {
			s.sendError(e)
		}
		return
	}
	msg, err := env.Zone()
	if err != nil {
		s.sendError(protocol.AsError(err))
		return
	}
	if e := s.dispatch(env.Type, r, msg); e != nil {
		if env.Type != "" {
			e.With("type", env.Type)
		}
		s.sendError(e)
	}
}

func (s *session) dispatch(typ string, r route, msg protocol.Message) *protocol.Error {
	switch m := msg.(type) {
	case *protocol.JoinWorld:
		return s.joinWorld(m)
	}
	s.srv.mu.Lock()
	defer s.srv.mu.Unlock()
	m := s.srv.members[s.claims.User]
	if m == nil || m.session != s {
		return protocol.Errorf(protocol.InvalidRequest, typ, "%s needs a place in a world; send JOIN_WORLD first", typ).With("reason", "not_joined")
	}
	return r.member(s, m, msg)
}

// pause lets a client that is over all its limits wait for one message's worth, so that what it floods with stays
// in its own socket and costs nobody else a processor. Only it waits.
func (s *session) pause() {
	t := time.NewTimer(s.limits.all.Every())
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.conn.Done():
	}
}

// limited drops a message that is over a limit, tells so once a second, and closes who goes on.
func (s *session) limited(typ, kind string) {
	s.srv.metrics.limited.WithLabelValues(kind).Inc()
	tell, over := s.limits.overrun.Refused(s.srv.opt.Now())
	if tell && over > s.srv.opt.Flooding { // its last words are told once a second too
		s.refuse(protocol.Errorf(protocol.RateLimited, protocol.Named(typ), "over the limit for %s on end", s.srv.opt.Flooding).With("kind", kind), protocol.CloseFlooding)
		return
	}
	if tell && typ != protocol.TypeError { // an error is never answered, or two sides that do would never end
		s.sendError(protocol.Errorf(protocol.RateLimited, protocol.Named(typ), "too many messages of this kind (%s); this one is dropped", kind).With("kind", kind))
	}
}
