package socket

import (
	"slices"

	"github.com/google/uuid"
)

// Tick is the presence of a zone that changed since the last tick. It is written once, in both forms that clients read, and
// every outbox of the zone refers to it. It must not change once it was sent.
type Tick struct {
	users  []uuid.UUID
	frames section // PRESENCE_BROADCASTs, each a WebSocket frame with its header
	batch  section // their payloads, with commas between
}

// section is entries one after the other, with as many bytes between any two.
type section struct {
	bytes []byte
	spans []span
}

type span struct{ from, to int }

func (s *section) entry(i int) []byte { return s.bytes[s.spans[i].from:s.spans[i].to] }

// Add puts a user's presence into it: a message of which frame[from:to] is the payload. It gives the entry's number.
func (t *Tick) Add(user uuid.UUID, frame []byte, from, to int) int {
	t.users = append(t.users, user)
	f, b := &t.frames, &t.batch
	start := len(f.bytes)
	f.bytes = appendFrame(f.bytes, opText, frame)
	f.spans = append(f.spans, span{start, len(f.bytes)})
	if len(b.spans) > 0 {
		b.bytes = append(b.bytes, ',')
	}
	start = len(b.bytes)
	b.bytes = append(b.bytes, frame[from:to]...)
	b.spans = append(b.spans, span{start, len(b.bytes)})
	return len(t.users) - 1
}

// Len is how many users' presence it holds.
func (t *Tick) Len() int { return len(t.users) }

// without gives the entries but one, in two pieces; none: -1.
func (s *section) without(i, gap int) (before, after []byte) {
	switch {
	case i < 0:
		return s.bytes, nil
	case i == 0:
		return nil, s.bytes[min(len(s.bytes), s.spans[0].to+gap):]
	}
	return s.bytes[:s.spans[i-1].to], s.bytes[s.spans[i].to:]
}

// lane is the second lane of an outbox: the latest presence per user. As a rule a tick is written before the next one
// comes, and then the lane is a reference to what all receivers share. Only for a receiver that is behind is it kept user
// by user, the newer in the place of the older.
type lane struct {
	tick *Tick // nil: none
	own  int   // the entry of tick that is the receiver's own, or -1

	late  [][]byte          // entries of the section that the receiver reads
	index map[uuid.UUID]int // in late
	gone  int               // of late, dropped: nil entries
}

func (l *lane) empty() bool { return l.tick == nil && len(l.late) == l.gone }

// add puts a tick into the lane, but for one entry, and says how many users' presence it replaced.
func (l *lane) add(t *Tick, own int, batch bool) (replaced int) {
	if l.empty() {
		*l = lane{tick: t, own: own}
		return 0
	}
	l.spread(batch)
	return l.merge(t, own, batch)
}

// spread turns the shared tick into entries of the receiver's own.
func (l *lane) spread(batch bool) {
	if t := l.tick; t != nil {
		l.tick = nil
		l.merge(t, l.own, batch)
	}
}

func (l *lane) merge(t *Tick, own int, batch bool) (replaced int) {
	s := &t.frames
	if batch {
		s = &t.batch
	}
	if l.index == nil {
		l.index = make(map[uuid.UUID]int, len(t.users))
	}
	for i, user := range t.users {
		if i == own {
			continue
		}
		at, ok := l.index[user]
		if ok {
			replaced++
		} else {
			at = len(l.late)
			l.index[user] = at
			l.late = append(l.late, nil)
		}
		l.late[at] = append(l.late[at][:0], s.entry(i)...) // a copy: a reader that stays behind must not keep many ticks alive
	}
	return replaced
}

// drop forgets a user's presence.
func (l *lane) drop(user uuid.UUID, batch bool) {
	if l.tick != nil && slices.Contains(l.tick.users, user) {
		l.spread(batch)
	}
	if i, ok := l.index[user]; ok {
		delete(l.index, user)
		l.late[i] = nil
		l.gone++
	}
}

// append writes what is in the lane: as frames, or for who reads batches as one.
func (l *lane) append(b []byte, head, tail []byte) []byte {
	switch {
	case head == nil && l.tick != nil:
		before, after := l.tick.frames.without(l.own, 0)
		return append(append(b, before...), after...)
	case head == nil:
		for _, entry := range l.late {
			b = append(b, entry...)
		}
		return b
	case l.tick != nil:
		before, after := l.tick.batch.without(l.own, 1)
		b = append(appendHeader(b, opText, len(head)+len(before)+len(after)+len(tail)), head...)
		b = append(append(b, before...), after...)
		return append(b, tail...)
	case len(l.late) == l.gone:
		return b
	}
	size := len(head) + len(l.late) - l.gone - 1 + len(tail) // the commas too
	for _, entry := range l.late {
		size += len(entry)
	}
	b = append(appendHeader(b, opText, size), head...)
	comma := false
	for _, entry := range l.late {
		if entry == nil {
			continue
		}
		if comma {
			b = append(b, ',')
		}
		comma = true
		b = append(b, entry...)
	}
	return append(b, tail...)
}
