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

	s := assign(empty(3, 3), wants(mic(a), mic(b), cam(b), cam(a), screen(a)))
	if index(s.audio, mic(a)) != index(s.video, cam(a)) || index(s.audio, mic(b)) != index(s.video, cam(b)) {
		t.Errorf("not side by side: %v", s)
	}
	if index(s.video, screen(a)) != 2 {
		t.Errorf("the screen is not at the far end: %v", s)
	}
	// Who stays keeps the place, whoever leaves.
	k := index(s.audio, mic(b))
	s = assign(s, wants(mic(b), cam(b), mic(c)))
	if index(s.audio, mic(b)) != k || index(s.video, cam(b)) != k || index(s.audio, mic(c)) < 0 {
		t.Errorf("moved: %v", s)
	}
	// Too few: who came first stays, unless it is silent.
	s = assign(empty(1, 0), wants(mic(a), mic(b)))
	if s.audio[0] != mic(a) {
		t.Errorf("%v", s)
	}
	s = assign(s, []candidate{{mic(a), true}, {mic(b), false}})
	if s.audio[0] != mic(b) {
		t.Errorf("silence keeps its place: %v", s)
	}
	s = assign(s, []candidate{{mic(a), true}, {mic(b), true}})
	if s.audio[0] != mic(b) {
		t.Errorf("%v", s)
	}
}

func TestAssignProperties(t *testing.T) {
	sources := []protocol.Source{protocol.Mic, protocol.Camera, protocol.Screen}
	rapid.Check(t, func(t *rapid.T) {
		s := empty(rapid.IntRange(0, 5).Draw(t, "audio"), rapid.IntRange(0, 5).Draw(t, "video"))
		for range 6 {
			var want []candidate
			count := map[bool]int{}
			for u := range 5 {
				for _, src := range sources {
					if rapid.Bool().Draw(t, "wants") {
						want = append(want, candidate{sourceKey{uuid.UUID{byte(u + 1)}, src}, rapid.Bool().Draw(t, "idle")})
						count[src == protocol.Mic]++
					}
				}
			}
			next := assign(s, want)
			seen := map[sourceKey]bool{}
			check := func(lane, former []sourceKey, audio bool) {
				full := 0
				for k, key := range lane {
					if key == (sourceKey{}) {
						continue
					}
					full++
					if seen[key] || (key.source == protocol.Mic) != audio {
						t.Fatalf("%v in %v", key, next)
					}
					seen[key] = true
					if j := index(former, key); j >= 0 && j != k {
						t.Fatalf("%v moved from %d to %d", key, j, k)
					}
				}
				if full != min(len(lane), count[audio]) {
					t.Fatalf("%d of %d slots for %d sources", full, len(lane), count[audio])
				}
			}
			check(next.audio, s.audio, true)
			check(next.video, s.video, false)
			for _, c := range want {
				if !seen[c.key] && !c.idle { // then nobody idle sits there
					lane, _ := next.lanes(c.key)
					for _, d := range want {
						if d.idle && index(lane, d.key) >= 0 {
							t.Fatalf("%v waits while %v is silent in a slot", c.key, d.key)
						}
					}
				}
			}
			s = next
		}
	})
}
