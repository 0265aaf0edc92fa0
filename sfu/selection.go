package sfu

import (
	"cmp"
	"slices"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
)

// sourceKey names what a slot can carry. It outlives a session: who comes back with a new one finds its slots again.
type sourceKey struct {
	user   uuid.UUID
	source protocol.Source
}

// candidate is a source that wants a slot of a receiver, and how much the receiver wants it; see standing.
type candidate struct {
	key   sourceKey
	score float64
}

// stay is by how much a score must exceed that of a source in a slot to take its place: two that are alike do not
// change places all the time.
const stay = 10

// seats says which source is in which slot of a receiver; the zero key: nobody. Index k of both carries one stream id.
type seats struct {
	audio, video []sourceKey
}

// assign fills a receiver's slots with the candidates of the highest scores, pictures in most slots at most. Who has a
// slot and keeps one keeps the same; a person's microphone and camera go to the same index where both have room. It is
// pure. Of equal scores the earlier candidate counts as the higher.
func assign(now seats, want []candidate, most int) seats {
	next := seats{audio: make([]sourceKey, len(now.audio)), video: make([]sourceKey, len(now.video))}
	chosen := make([]candidate, 0, len(want))
	chosen = append(chosen, best(now.audio, want, true, len(now.audio))...)
	chosen = append(chosen, best(now.video, want, false, min(most, len(now.video)))...)
	sits := func(key sourceKey) bool {
		lane, _ := now.lanes(key)
		k := index(lane, key)
		if k >= 0 {
			own, _ := next.lanes(key)
			own[k] = key
		}
		return k >= 0
	}
	chosen = slices.DeleteFunc(chosen, func(c candidate) bool { return sits(c.key) })
	for _, c := range want { // in their order, so that a person's two sources find their places together
		if slices.Contains(chosen, c) {
			next.seat(c.key)
		}
	}
	return next
}

// best gives the n candidates of a lane with the highest scores.
func best(lane []sourceKey, want []candidate, audio bool, n int) []candidate {
	own := make([]candidate, 0, len(want))
	for _, c := range want {
		if (c.key.source == protocol.Mic) == audio {
			own = append(own, c)
		}
	}
	if len(own) <= n {
		return own
	}
	sits := func(c candidate) float64 {
		if index(lane, c.key) >= 0 {
			return stay
		}
		return 0
	}
	slices.SortStableFunc(own, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.score+sits(b), a.score+sits(a)), cmp.Compare(sits(b), sits(a)))
	})
	return own[:max(n, 0)]
}

// seat gives key a free slot. There is one.
func (s *seats) seat(key sourceKey) {
	own, other := s.lanes(key)
	var zero sourceKey
	switch key.source {
	case protocol.Mic, protocol.Camera:
		partner := sourceKey{key.user, protocol.Camera}
		if key.source == protocol.Camera {
			partner.source = protocol.Mic
		}
		if k := index(other, partner); k >= 0 && k < len(own) && own[k] == zero {
			own[k] = key
			return
		}
		// Alone so far: an index that is free for the partner as well, so that it finds its place beside.
		for k := range own {
			if own[k] == zero && k < len(other) && other[k] == zero {
				own[k] = key
				return
			}
		}
	case protocol.Screen: // from the far end: a screen has no partner to sit beside
		for k := len(own) - 1; k >= 0; k-- {
			if own[k] == zero && (k >= len(other) || other[k] == zero) {
				own[k] = key
				return
			}
		}
	}
	if k := index(own, zero); k >= 0 {
		own[k] = key
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
