package sfu

import (
	"math"
	"time"
)

const (
	// Loudness is in dB above silence: 127 less the level of RFC 6464, which is in dB under full scale.
	loudest   = 127
	unleveled = 80 // what a microphone counts as that sends packets but no level: a voice that is not loud
	speech    = 77 // from here on it is speech, not a room: -50 dBov
	louder    = 6  // by so much a voice must exceed the one that it displaces

	voiceRise  = 50 * time.Millisecond // a first syllable gets its slot
	voiceFall  = time.Second           // a pause between two words does not lose it
	voicePause = 500 * time.Millisecond

	spokenFor = 400 * time.Millisecond // speech that brings a picture with it: no cough
	spokenAgo = 30 * time.Second       // for how long it does
)

// voice is how loud a microphone is, smoothed: it rises fast and falls slowly. Owned by a layer's reader.
type voice struct {
	level float64
	at    int64
}

// hear takes the level of one packet and gives the voice's.
func (v *voice) hear(p *packet) float64 {
	x := float64(unleveled)
	if p.hasLevel {
		x = loudest - float64(p.level&0x7f)
	}
	passed := min(max(p.at-v.at, 0), int64(voiceFall))
	v.at = p.at
	tau := voiceRise
	if x < v.level {
		tau = voiceFall
	}
	v.level += (x - v.level) * (1 - math.Exp(-float64(passed)/float64(tau)))
	return v.level
}

// loudness is what is left now of the level that a microphone had at its last packet; what pauses (DTX, a lost transport)
// falls on.
func loudness(level float64, now, last int64) float64 {
	if d := time.Duration(now-last) - voicePause; d > 0 {
		level *= math.Exp(-float64(d) / float64(voiceFall))
	}
	return level
}

// climb lets in a ranking who is clearly louder pass who stands before it. One pass brings the loudest all the way to the
// top; who is about as loud as the one before stays behind it, so that the ranking does not flutter. It returns the
// highest place that changed, len(loud) if none did.
func climb[T any](ranking []T, loud []float64) (changed int) {
	changed = len(ranking)
	for i := len(ranking) - 1; i > 0; i-- {
		if loud[i] > loud[i-1]+louder {
			loud[i], loud[i-1] = loud[i-1], loud[i]
			ranking[i], ranking[i-1] = ranking[i-1], ranking[i]
			changed = i - 1
		}
	}
	return changed
}
