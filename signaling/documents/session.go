package documents

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"atrium/signaling/documents/store"
	"atrium/signaling/documents/wire"
	"atrium/signaling/identity"
	"atrium/signaling/protocol"
	"atrium/signaling/socket"
)

// session is a connection of a user. It may be in several documents.
type session struct {
	// Static after construction.
	srv    *Server
	conn   *socket.Conn
	claims *identity.Claims
	user   *user
	ack    bool // the user's own notes come back to it
	logger *slog.Logger
	expiry *time.Timer

	in   atomic.Int32  // documents that it joined
	told atomic.Uint64 // the outage of the bus that it was told of last

	// Owned by who handles its frames.
	all     socket.Bucket
	joins   socket.Bucket
	overrun socket.Overrun
	joined  map[uuid.UUID]*document // held; whether it is in one, the document says
}

var _ wire.Owner = (*session)(nil)

func newSession(srv *Server, conn *socket.Conn, claims *identity.Claims, u *user, ack bool) *session {
	s := &session{
		srv: srv, conn: conn, claims: claims, user: u, ack: ack,
		logger: srv.opt.Logger.With("remote", conn.RemoteAddr().String()),
		all:    srv.opt.Messages.Bucket(),
		joins:  srv.opt.Joins.Bucket(),
		joined: make(map[uuid.UUID]*document),
	}
	s.expiry = time.AfterFunc(claims.Expires.Add(identity.Leeway).Sub(srv.opt.Now()), func() {
		s.refuse(wire.Errorf(wire.AuthError, "the token has expired; connect again with a fresh one"), protocol.CloseAuth)
	})
	return s
}

// begin starts the session. It ends with its connection.
func (s *session) begin() {
	s.srv.metrics.connections.Inc()
	s.conn.Serve(s)
}

var _ socket.Handler = (*session)(nil)

// Frame implements socket.Handler.
func (s *session) Frame(frame []byte) {
	if s.paced() {
		s.guarded(frame)
	}
}

// Ended implements socket.Handler.
func (s *session) Ended(err error) {
	defer s.srv.running.Done()
	s.logger.Debug("connection ended", "err", err)
	s.end()
	s.srv.metrics.connections.Dec()
}

// leaveWithin is how long who leaves may wait for its notes to be stored.
const leaveWithin = time.Second

func (s *session) end() {
	s.expiry.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), leaveWithin)
	defer cancel()
	for _, d := range s.joined {
		d.leave(ctx, s)
		s.srv.release(d)
	}
	s.srv.gone(s)
}

// guarded keeps a bug in one message's handling from taking the process.
func (s *session) guarded(frame []byte) {
	defer func() {
		if r := recover(); r != nil {
			s.logger.Error("a handler panicked", "panic", r, "stack", string(debug.Stack()))
			s.conn.Close(protocol.CloseInternal, "internal error")
		}
	}()
	if e := s.handle(frame); e != nil {
		s.sendError(e)
	}
}

// paced lets a connection that is over its limit wait, so that what it floods with stays in its own socket: none of its
// messages is lost, and its presence goes out once a tick whatever it sends. Who goes on is closed; then it is false.
func (s *session) paced() bool {
	wait := s.all.Wait(s.srv.opt.Now())
	if wait == 0 {
		return true
	}
	s.srv.metrics.paused.Inc()
	tell, over := s.overrun.Refused(s.srv.opt.Now())
	if over > s.srv.opt.Flooding {
		s.refuse(wire.Errorf(wire.DocumentError, "over the limit for %s on end", s.srv.opt.Flooding), protocol.CloseFlooding)
		return false
	}
	if tell {
		s.sendError(wire.Errorf(wire.DocumentError, "more than %v messages a second: they are read as fast as that; send less", float64(s.srv.opt.Messages)))
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.conn.Done():
		return false
	}
}

// User implements wire.Owner.
func (s *session) User(id uuid.UUID) *wire.Error {
	if id != s.claims.User {
		return wire.Errorf(wire.AuthError, `"user_id" is not the token's; it must be %s`, s.claims.User)
	}
	return nil
}

// Document implements wire.Owner.
func (s *session) Document(id uuid.UUID) *wire.Error {
	if d := s.joined[id]; d != nil && d.has(s) || s.srv.opt.Access.MayOpen(s.claims, id) {
		return nil
	}
	return wire.Errorf(wire.AuthError, "the document is a world's that the token does not open")
}

func (s *session) handle(frame []byte) *wire.Error {
	tag, msg, e := wire.Decode(frame, s)
	known := tag
	if known == "" {
		known = "unknown"
	}
	s.srv.metrics.in.WithLabelValues(known).Inc()
	if e != nil {
		return e
	}
	switch m := msg.(type) {
	case *wire.JoinDocument:
		return s.join(m.DocumentID)
	case *wire.LeaveDocument:
		return s.leave(m.DocumentID)
	case *wire.PresenceUpdate:
		return s.change(m.DocumentID, tag, laneAll, m, func(p *presence) { p.update(m) })
	case *wire.CursorUpdate:
		return s.change(m.DocumentID, tag, laneCursor, m, func(p *presence) { p.Cursor, p.At = m.Position, m.Timestamp })
	case *wire.SelectionUpdate:
		return s.change(m.DocumentID, tag, laneSelection, m, func(p *presence) { p.Selection, p.At = m.Selection, m.Timestamp })
	case *wire.TypingIndicator:
		return s.change(m.DocumentID, tag, laneTyping, m, func(p *presence) { p.Typing, p.At = m.IsTyping, m.Timestamp })
	case *wire.PresenceStatus:
		return s.change(m.DocumentID, tag, laneStatus, m, func(p *presence) { p.Status, p.StatusAt = m.Status, m.Timestamp })
	case *wire.Annotation:
		return s.note(m.DocumentID, tag, m)
	case *wire.Comment:
		return s.note(m.DocumentID, tag, m)
	case *wire.Error:
		s.logger.Info("a client reports an error", "code", m.Code, "message", m.Message) // and nothing is answered
	}
	return nil
}

func (s *session) join(id uuid.UUID) *wire.Error {
	if !s.joins.Take(s.srv.opt.Now()) {
		return wire.Errorf(wire.DocumentError, "more than %v JoinDocument a second; try again in a moment", float64(s.srv.opt.Joins))
	}
	d := s.joined[id]
	if d == nil {
		if len(s.joined) >= s.srv.opt.MaxJoined {
			return wire.Errorf(wire.DocumentError, "a connection is in at most %d documents; leave one, or open another connection", s.srv.opt.MaxJoined)
		}
		if d = s.srv.acquire(store.ID{Workspace: s.claims.Workspace, Document: id}); d == nil {
			return wire.Errorf(wire.ConnectionError, "the server is shutting down; connect again in a moment")
		}
		s.joined[id] = d
		d.await(s)
	}
	if e := d.join(s); e != nil {
		delete(s.joined, id)
		s.srv.release(d)
		return e
	}
	s.in.Store(int32(len(s.joined)))
	s.tellOutage(s.srv.outageNow())
	return nil
}

func (s *session) leave(id uuid.UUID) *wire.Error {
	d := s.joined[id]
	if d == nil {
		return notJoined(wire.TagLeaveDocument)
	}
	delete(s.joined, id)
	s.in.Store(int32(len(s.joined)))
	ctx, cancel := context.WithTimeout(context.Background(), leaveWithin)
	was := d.leave(ctx, s)
	cancel()
	s.srv.release(d)
	if !was {
		return notJoined(wire.TagLeaveDocument)
	}
	return nil
}

func (s *session) change(id uuid.UUID, tag string, l lane, msg any, apply func(*presence)) *wire.Error {
	d := s.joined[id]
	if d == nil || !d.change(s, l, wire.Encode(tag, msg), apply) {
		return notJoined(tag)
	}
	return nil
}

func (s *session) note(id uuid.UUID, tag string, msg any) *wire.Error {
	d := s.joined[id]
	if d == nil {
		return notJoined(tag)
	}
	return d.note(s, tag, wire.Encode(tag, msg))
}

func notJoined(tag string) *wire.Error {
	return wire.Errorf(wire.DocumentError, "%s needs a place in the document; send JoinDocument first", tag)
}

// send queues a frame of the ordered lane. A connection that is full or closed is its read loop's to end.
func (s *session) send(tag string, frames ...[]byte) {
	s.srv.metrics.out.WithLabelValues(tag).Add(float64(len(frames)))
	if err := s.conn.SendAll(frames); errors.Is(err, socket.ErrFull) {
		s.srv.metrics.slow.Inc()
		s.logger.Info("closed: it does not read, its queue is full")
	}
}

func (s *session) sendError(e *wire.Error) {
	s.srv.metrics.refused.WithLabelValues(string(e.Code)).Inc()
	s.send(wire.TagError, wire.Encode(wire.TagError, e))
}

// refuse sends an error and closes.
func (s *session) refuse(e *wire.Error, code int) {
	s.sendError(e)
	s.conn.Close(code, e.Message)
}
