package sfu

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// speak gives the level after d of packets of one level.
func speak(v *voice, at *time.Duration, level byte, d time.Duration) (l float64) {
	for end := *at + d; *at < end; *at += 20 * time.Millisecond {
		l = v.hear(&packet{at: int64(*at), level: level, hasLevel: true})
	}
	return l
}

func TestVoiceRisesFastAndFallsSlowly(t *testing.T) {
	v, at := &voice{}, time.Hour
	if l := speak(v, &at, 127, time.Second); l != 0 {
		t.Errorf("silence is %v", l)
	}
	if l := speak(v, &at, 30, 100*time.Millisecond); l < speech {
		t.Errorf("after 100 ms of speech: %v", l)
	}
	before := speak(v, &at, 30, time.Second)
	l := speak(v, &at, 127, 200*time.Millisecond)
	if l < before*0.75 {
		t.Errorf("a pause of 200 ms takes %v to %v", before, l)
	}
	// A microphone that sends nothing is not remembered as loud.
	if l := loudness(l, int64(at+10*time.Second), int64(at)); l > 1 {
		t.Errorf("10 s after its last packet: %v", l)
	}
}

func TestClimbProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		loud := rapid.SliceOfN(rapid.Float64Range(0, 127), 1, 40).Draw(t, "loudness")
		ranking := make([]int, len(loud))
		for i := range ranking {
			ranking[i] = i
		}
		before, of := slices.Clone(ranking), slices.Clone(loud)
		changed := climb(ranking, loud)
		if !slices.Equal(ranking[:changed], before[:changed]) {
			t.Fatalf("changed before place %d: %v", changed, ranking)
		}
		if changed < len(ranking) && ranking[changed] == before[changed] {
			t.Fatalf("place %d did not change: %v", changed, ranking)
		}
		// Nobody is far louder than all who stand before it.
		if top := slices.Max(of); of[ranking[0]] < top-float64(len(of))*louder {
			t.Fatalf("%v stands first, the loudest is %v", of[ranking[0]], top)
		}
		for range len(ranking) {
			climb(ranking, loud)
		}
		if n := climb(ranking, loud); n != len(ranking) {
			t.Fatalf("it never settles: place %d", n)
		}
		for i := 1; i < len(ranking); i++ {
			if loud[i] > loud[i-1]+louder {
				t.Fatalf("%v before %v", loud[i-1], loud[i])
			}
		}
		slices.Sort(ranking)
		if !slices.Equal(ranking, before) {
			t.Fatalf("someone was lost: %v", ranking)
		}
	})
}
