package socket

import (
	"slices"

	"github.com/google/uuid"
)

// Tick is the presence of a zone or a document that changed since the last tick. It is written once, in both forms that
// clients read, and every outbox that it goes to refers to it. It must not change once it was sent. An entry is what only
// the latest counts of, by its key: a user, or where there are several kinds of presence a user's presence of one kind.
type Tick struct {
	keys   []uuid.UUID
	frames section // messages, each a WebSocket frame with its header
	batch  section // their payloads, with commas between, for who reads batches
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
	b := &t.batch
	if len(b.spans) > 0 {
		b.bytes = append(b.bytes, ',')
	}
	start := len(b.bytes)
	b.bytes = append(b.bytes, frame[from:to]...)
	b.spans = append(b.spans, span{start, len(b.bytes)})
	return t.AddMessage(user, frame)
}

// AddMessage is Add for a tick that goes to nobody who reads batches.
func (t *Tick) AddMessage(key uuid.UUID, message []byte) int {
	t.keys = append(t.keys, key)
	f := &t.frames
	start := len(f.bytes)
	f.bytes = appendFrame(f.bytes, opText, message)
	f.spans = append(f.spans, span{start, len(f.bytes)})
	return len(t.keys) - 1
}

// Len is how many entries it holds.
func (t *Tick) Len() int { return len(t.keys) }

// Own says which entries of a tick are the receiver's own: N from the first on.
type Own struct{ First, N int }

func (o Own) has(i int) bool { return i >= o.First && i < o.First+o.N }

// without gives the entries but the receiver's own, in two pieces.
func (s *section) without(own Own, gap int) (before, after []byte) {
	if own.N == 0 {
		return s.bytes, nil
	}
	end := s.spans[own.First+own.N-1].to
	if own.First == 0 {
		return nil, s.bytes[min(len(s.bytes), end+gap):]
	}
	return s.bytes[:s.spans[own.First-1].to], s.bytes[end:]
}

// lane is the second lane of an outbox: the latest presence per key. As a rule a tick is written before the next one
// comes, and then the lane is a reference to what all receivers share. Only for a receiver that is behind is it kept key
// by key. The newer takes the place of the older at the end, so that what came last is read last: where two kinds of
// presence say something of the same, the reader is left with the newer.
type lane struct {
	tick *Tick // nil: none
	own  Own   // in tick

	late  [][]byte          // entries of the section that the receiver reads
	index map[uuid.UUID]int // in late
	gone  int               // of late, dropped or replaced: nil entries
}

func (l *lane) empty() bool { return l.tick == nil && len(l.late) == l.gone }

// add puts a tick into the lane, but for the receiver's own, and says how many entries it replaced.
func (l *lane) add(t *Tick, own Own, batch bool) (replaced int) {
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

func (l *lane) merge(t *Tick, own Own, batch bool) (replaced int) {
	s := &t.frames
	if batch {
		s = &t.batch
	}
	if l.index == nil {
		l.index = make(map[uuid.UUID]int, len(t.keys))
	}
	for i, key := range t.keys {
		if own.has(i) {
			continue
		}
		var entry []byte // a copy: a reader that stays behind must not keep many ticks alive
		if at, ok := l.index[key]; ok {
			replaced++
			entry, l.late[at] = l.late[at][:0], nil
			l.gone++
		}
		l.index[key] = len(l.late)
		l.late = append(l.late, append(entry, s.entry(i)...))
	}
	l.compact()
	return replaced
}

// compact takes out what is gone once that is most of it, so that a reader that stays behind holds what it will be sent.
func (l *lane) compact() {
	if l.gone <= len(l.late)/2 {
		return
	}
	to := make([]int, len(l.late)) // where an entry goes
	kept := l.late[:0]
	for i, entry := range l.late {
		to[i] = len(kept)
		if entry != nil {
			kept = append(kept, entry)
		}
	}
	clear(l.late[len(kept):])
	l.late, l.gone = kept, 0
	for key, at := range l.index {
		l.index[key] = to[at]
	}
}

// drop forgets the presence of a key.
func (l *lane) drop(key uuid.UUID, batch bool) {
	if l.tick != nil && slices.Contains(l.tick.keys, key) {
		l.spread(batch)
	}
	if i, ok := l.index[key]; ok {
		delete(l.index, key)
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
