package sfu

import (
	"time"

	"atrium/signaling/protocol"
	"atrium/signaling/socket"
)

// limits are the token buckets of one link. Owned by its reader.
type limits struct {
	negotiation, other socket.Bucket
	overrun            socket.Overrun
	now                func() time.Time
}

func (f *SFU) newLimits() *limits {
	return &limits{negotiation: f.negotiationRate.Bucket(), other: f.otherRate.Bucket(), now: time.Now}
}

// pass says whether a message of that type is within the limits. One that is not is dropped; the client is told once a
// second, and its link is closed when it goes on for too long.
func (l *limits) pass(conn *socket.Conn, typ string) bool {
	tell, over := l.take(typ)
	switch {
	case over > floodFor:
		conn.Close(protocol.CloseFlooding, "too many messages for too long")
	case tell && typ != protocol.TypeError: // an error is never answered, or two sides that do would never end
		_ = conn.Send(protocol.EncodeError(protocol.Errorf(protocol.RateLimited, typ, "too many messages; this one was dropped")))
	}
	return over < 0
}

// take gives for how long on end the client has been over its limits, negative while it is within them, and whether it
// is to be told.
func (l *limits) take(typ string) (tell bool, over time.Duration) {
	bucket := &l.other
	if typ == protocol.TypeSDPOffer || typ == protocol.TypeICECandidate {
		bucket = &l.negotiation
	}
	now := l.now()
	if bucket.Take(now) {
		return false, -1
	}
	return l.overrun.Refused(now)
}
