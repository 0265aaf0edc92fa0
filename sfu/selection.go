package sfu

import (
	"github.com/google/uuid"

	"atrium/signaling/protocol"
)

// sourceKey names what a slot can carry. It outlives a session: who comes back with a new one finds its slots again.
type sourceKey struct {
	user   uuid.UUID
	source protocol.Source
}

// candidate is a source that wants a slot.
type candidate struct {
	key  sourceKey
	idle bool // silent for long: gives way to one that waits
}

// seats says which source is in which slot of a receiver; the zero key: nobody. Index k of both carries one stream id.
type seats struct {
	audio, video []sourceKey
}

// assign fills a receiver's slots: who has one keeps it, a person's microphone and camera go to the same index where both
// have room, and while there are too few slots, who flows takes the place of who has long been silent. It is pure; the
// loudest, the pinned and the near will be chosen here too. candidates are in the order in which they came.
func assign(now seats, want []candidate) seats {
	next := seats{audio: make([]sourceKey, len(now.audio)), video: make([]sourceKey, len(now.video))}
	wanted := make(map[sourceKey]candidate, len(want))
	for _, c := range want {
		wanted[c.key] = c
	}
	keep := func(to, from []sourceKey, audio bool) {
		for k, key := range from {
			if _, ok := wanted[key]; ok && (key.source == protocol.Mic) == audio {
				to[k] = key
			}
		}
	}
	keep(next.audio, now.audio, true)
	keep(next.video, now.video, false)
	for _, c := range want {
		if c.idle || !next.seat(c.key) {
			continue
		}
		next.evict(c.key, wanted)
	}
	for _, c := range want { // the silent take what is left
		if c.idle {
			next.seat(c.key)
		}
	}
	return next
}

// seat gives key a free slot unless it has one. True: it has none and there is none.
func (s *seats) seat(key sourceKey) (full bool) {
	own, other := s.lanes(key)
	if index(own, key) >= 0 {
		return false
	}
	var zero sourceKey
	switch key.source {
	case protocol.Mic, protocol.Camera:
		partner := sourceKey{key.user, protocol.Camera}
		if key.source == protocol.Camera {
			partner.source = protocol.Mic
		}
		if k := index(other, partner); k >= 0 && k < len(own) && own[k] == zero {
			own[k] = key
			return false
		}
		// Alone so far: an index that is free for the partner as well, so that it finds its place beside.
		for k := range own {
			if own[k] == zero && k < len(other) && other[k] == zero {
				own[k] = key
				return false
			}
		}
	case protocol.Screen: // from the far end: a screen has no partner to sit beside
		for k := len(own) - 1; k >= 0; k-- {
			if own[k] == zero && (k >= len(other) || other[k] == zero) {
				own[k] = key
				return false
			}
		}
	}
	if k := index(own, zero); k >= 0 {
		own[k] = key
		return false
	}
	return true
}

// evict gives key the slot of one that has long been silent, if there is such.
func (s *seats) evict(key sourceKey, wanted map[sourceKey]candidate) {
	own, _ := s.lanes(key)
	for k := range own {
		if wanted[own[k]].idle {
			own[k] = key
			return
		}
	}
}

func (s *seats) lanes(key sourceKey) (own, other []sourceKey) {
	if key.source == protocol.Mic {
		return s.audio, s.video
	}
	return s.video, s.audio
}

func index(lane []sourceKey, key sourceKey) int {
	for k := range lane {
		if lane[k] == key {
			return k
		}
	}
	return -1
}
