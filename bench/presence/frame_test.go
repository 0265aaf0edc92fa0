package presence

import (
	"slices"
	"testing"
)

// TestUpdates: whatever the order of fields, the same is read.
func TestUpdates(t *testing.T) {
	id := func(n int) string { return userID(n).String() }
	want := []update{{7, 1.5, 2.25}, {300, 10, 0.001}}
	for _, frame := range []string{
		`{"type":"PRESENCE_BATCH","payload":{"updates":[{"user_id":"` + id(7) + `","position":{"x":1.5,"y":2.25},"facing":"east","state":"idle"},{"user_id":"` + id(300) + `","position":{"x":10,"y":0.001},"facing":"east","state":"idle"}]},"protocol_version":1}`,
		`{"type":"PRESENCE_BATCH","payload":{"updates":[{"position":{"y":2.25,"x":1.5},"user_id":"` + id(7) + `"}, {"user_id": "` + id(300) + `","position":{"x":10,"y":0.001}}]}}`,
	} {
		got, err := updates(nil, []byte(frame))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v %v", got, err)
		}
	}
	got, err := updates(nil, []byte(`{"type":"PRESENCE_BROADCAST","payload":{"position":{"x":1.5,"y":2.25},"user_id":"`+id(7)+`"}}`))
	if err != nil || !slices.Equal(got, want[:1]) {
		t.Errorf("%v %v", got, err)
	}
	if _, err := updates(nil, []byte(`{"type":"PRESENCE_BATCH","payload":{"updates":[{"user_id":"`)); err == nil {
		t.Error("half a frame is read")
	}
}

// TestScatter: everybody has a turn in every round.
func TestScatter(t *testing.T) {
	for people := 1; people < 60; people++ {
		seen := map[int]bool{}
		for turn := range people {
			seen[scatter(turn, people)] = true
		}
		if len(seen) != people {
			t.Errorf("%d of %d", len(seen), people)
		}
	}
}
