package documents

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"

	"atrium/signaling/documents/wire"
	"atrium/signaling/socket"
)

// lane is a kind of presence: of each, only a member's latest is sent.
type lane uint8

const (
	laneAll lane = iota // PresenceUpdate
	laneCursor
	laneSelection
	laneTyping
	laneStatus
	lanes
)

// presence is what a member last said of itself. Timestamps are its own.
type presence struct {
	Cursor    wire.Position
	Selection wire.Selection
	Typing    bool
	At        string // of any of these
	Status    string
	StatusAt  string

	// Clocks say when each was said, on the nodes' clock: that of laneCursor when Cursor was, and so on.
	Clocks [lanes]uint64
}

// arrived is the presence of who has said nothing yet.
func arrived(at string) presence { return presence{At: at, Status: "online", StatusAt: at} }

func (p *presence) update(m *wire.PresenceUpdate) {
	p.Cursor, p.Selection, p.Typing, p.At = m.Cursor, m.Selection, m.IsTyping, m.Timestamp
}

// said notes when what a lane says was said.
func (p *presence) said(l lane, clock uint64) {
	if l == laneAll {
		p.Clocks[laneCursor], p.Clocks[laneSelection], p.Clocks[laneTyping] = clock, clock, clock
		return
	}
	p.Clocks[l] = clock
}

// merge takes what is newer in another node's word, and says which lanes that were.
func (p *presence) merge(o *presence) (newer [lanes]bool) {
	for l := range p.Clocks {
		if newer[l] = o.Clocks[l] > p.Clocks[l]; newer[l] {
			p.Clocks[l] = o.Clocks[l]
		}
	}
	if newer[laneCursor] {
		p.Cursor = o.Cursor
	}
	if newer[laneSelection] {
		p.Selection = o.Selection
	}
	if newer[laneTyping] {
		p.Typing = o.Typing
	}
	if newer[laneCursor] || newer[laneSelection] || newer[laneTyping] {
		p.At = o.At
	}
	if newer[laneStatus] {
		p.Status, p.StatusAt = o.Status, o.StatusAt
	}
	newer[laneAll] = newer[laneCursor] && newer[laneSelection] && newer[laneTyping]
	return newer
}

// knowsMore says whether any lane is newer than in another node's word.
func (p *presence) knowsMore(o *presence) bool {
	for l := range p.Clocks {
		if p.Clocks[l] > o.Clocks[l] {
			return true
		}
	}
	return false
}

// stamp is a time of the server's own, as clients write theirs.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// member is a user in a document, with all its connections. Guarded by its document's mutex.
type member struct {
	user     uuid.UUID
	sessions int               // its connections to this node
	nodes    map[string]uint64 // others that it is connected to, with the version of what they said last
	presence presence

	pending [lanes]pending
	changed bool       // a lane is pending: it is in document.changed
	own     socket.Own // its entries of the tick that goes out

	notes   int           // its notes on their way to the store
	settled chan struct{} // closed when there are none; nil: nobody waits for that

	typing      *time.Timer // turns typing false; nil: it never typed
	typingUntil time.Time
}

// pending is a frame that goes out with the next tick.
type pending struct {
	lane  lane
	key   uuid.UUID // of the lane in outboxes
	frame []byte    // nil: none
	turn  uint64    // later is newer
	heard bool      // another node said it
}

func newMember(user uuid.UUID, at time.Time) *member {
	m := &member{user: user, nodes: make(map[string]uint64), presence: arrived(stamp(at))}
	for l := range m.pending {
		m.pending[l].lane, m.pending[l].key = lane(l), uuid.New()
	}
	return m
}

// latest gives what is pending. The newest comes last: a PresenceUpdate says what a CursorUpdate says too.
func (m *member) latest() []*pending {
	var buf [lanes]*pending
	found := buf[:0]
	for l := range m.pending {
		if p := &m.pending[l]; p.frame != nil {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b *pending) int { return cmp.Compare(a.turn, b.turn) })
	return found
}

// keys are the member's lanes in outboxes.
func (m *member) keys() []uuid.UUID {
	keys := make([]uuid.UUID, lanes)
	for l := range m.pending {
		keys[l] = m.pending[l].key
	}
	return keys
}

// told is the member as who joins is told of it.
func (m *member) told(document uuid.UUID) [][]byte {
	return [][]byte{m.update(document), m.status(document)}
}

func (m *member) update(document uuid.UUID) []byte {
	p := &m.presence
	return wire.Encode(wire.TagPresenceUpdate, wire.PresenceUpdate{
		DocumentID: document, UserID: m.user, Cursor: p.Cursor, Selection: p.Selection, IsTyping: p.Typing, Timestamp: p.At,
	})
}

func (m *member) status(document uuid.UUID) []byte {
	p := &m.presence
	return wire.Encode(wire.TagPresenceStatus, wire.PresenceStatus{DocumentID: document, UserID: m.user, Status: p.Status, Timestamp: p.StatusAt})
}
