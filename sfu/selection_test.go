package sfu

import (
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"atrium/signaling/protocol"
)

func empty(audio, video int) seats {
	return seats{audio: make([]sourceKey, audio), video: make([]sourceKey, video)}
}

func wants(keys ...sourceKey) []candidate {
	var all []candidate
	for _, k := range keys {
		all = append(all, candidate{key: k})
	}
	return all
}

func TestAssign(t *testing.T) {
	a, b, c := uuid.UUID{1}, uuid.UUID{2}, uuid.UUID{3}
	mic := func(u uuid.UUID) sourceKey { return sourceKey{u, protocol.Mic} }
	cam := func(u uuid.UUID) sourceKey { return sourceKey{u, protocol.Camera} }
	screen := func(u uuid.UUID) sourceKey { return sourceKey{u, protocol.Screen} }

	s := assign(empty(3, 3), wants(mic(a), mic(b), cam(b), cam(a), screen(a)), 3)
	if index(s.audio, mic(a)) != index(s.video, cam(a)) || index(s.audio, mic(b)) != index(s.video, cam(b)) {
		t.Errorf("not side by side: %v", s)
	}
	if index(s.video, screen(a)) != 2 {
		t.Errorf("the screen is not at the far end: %v", s)
	}
	// Who stays keeps the place, whoever leaves.
	k := index(s.audio, mic(b))
	s = assign(s, wants(mic(b), cam(b), mic(c)), 3)
	if index(s.audio, mic(b)) != k || index(s.video, cam(b)) != k || index(s.audio, mic(c)) < 0 {
		t.Errorf("moved: %v", s)
	}
	// Too few: of equals who came first stays; who is wanted more takes the place, but not for a trifle.
	s = assign(empty(1, 0), wants(mic(a), mic(b)), 0)
	if s.audio[0] != mic(a) {
		t.Errorf("%v", s)
	}
	s = assign(s, []candidate{{mic(a), 0}, {mic(b), stay}}, 0)
	if s.audio[0] != mic(a) {
		t.Errorf("replaced for a trifle: %v", s)
	}
	s = assign(s, []candidate{{mic(a), 0}, {mic(b), stay + 1}}, 0)
	if s.audio[0] != mic(b) {
		t.Errorf("the louder one waits: %v", s)
	}
	s = assign(s, []candidate{{mic(a), stay}, {mic(b), 0}}, 0)
	if s.audio[0] != mic(b) {
		t.Errorf("%v", s)
	}
	// Fewer pictures than slots, where the receiver wants no more.
	s = assign(empty(0, 3), []candidate{{cam(a), 1}, {cam(b), 2}, {cam(c), 3}}, 1)
	if index(s.video, cam(c)) < 0 || index(s.video, cam(a)) >= 0 || index(s.video, cam(b)) >= 0 {
		t.Errorf("one picture: %v", s)
	}
}

func TestAssignProperties(t *testing.T) {
	sources := []protocol.Source{protocol.Mic, protocol.Camera, protocol.Screen}
	rapid.Check(t, func(t *rapid.T) {
		s := empty(rapid.IntRange(0, 5).Draw(t, "audio"), rapid.IntRange(0, 5).Draw(t, "video"))
		for range 6 {
			var want []candidate
			scores := map[sourceKey]float64{}
			count := map[bool]int{}
			for u := range 5 {
				for _, src := range sources {
					if rapid.Bool().Draw(t, "wants") {
						c := candidate{sourceKey{uuid.UUID{byte(u + 1)}, src}, float64(rapid.IntRange(0, 30).Draw(t, "score"))}
						want = append(want, c)
						scores[c.key] = c.score
						count[src == protocol.Mic]++
					}
				}
			}
			most := rapid.IntRange(0, 6).Draw(t, "most")
			next := assign(s, want, most)
			seen := map[sourceKey]bool{}
			check := func(lane, former []sourceKey, audio bool, most int) {
				full := 0
				for k, key := range lane {
					if key == (sourceKey{}) {
						continue
					}
					full++
					if _, wanted := scores[key]; seen[key] || !wanted || (key.source == protocol.Mic) != audio {
						t.Fatalf("%v in %v", key, next)
					}
					seen[key] = true
					if j := index(former, key); j >= 0 && j != k {
						t.Fatalf("%v moved from %d to %d", key, j, k)
					}
				}
				if full != min(most, count[audio]) {
					t.Fatalf("%d slots of %d are filled for %d sources", full, most, count[audio])
				}
			}
			check(next.audio, s.audio, true, len(s.audio))
			check(next.video, s.video, false, min(most, len(s.video)))
			for key, score := range scores {
				if seen[key] {
					continue
				}
				lane, _ := next.lanes(key)
				former, _ := s.lanes(key)
				mine := score
				if index(former, key) >= 0 {
					mine += stay
				}
				for _, in := range lane {
					if in == (sourceKey{}) {
						continue
					}
					least := scores[in]
					if index(former, in) >= 0 {
						least += stay
					}
					if mine > least {
						t.Fatalf("%v with %v waits for %v with %v", key, mine, in, least)
					}
				}
			}
			if again := assign(next, want, most); !equal(again, next) {
				t.Fatalf("not settled: %v, then %v", next, again)
			}
			s = next
		}
	})
}

func equal(a, b seats) bool {
	for k := range a.audio {
		if a.audio[k] != b.audio[k] {
			return false
		}
	}
	for k := range a.video {
		if a.video[k] != b.video[k] {
			return false
		}
	}
	return true
}
