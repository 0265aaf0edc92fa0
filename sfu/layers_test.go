package sfu

import (
	"fmt"
	"testing"
	"time"
)

// flowing is a layer that brings so many kbit/s in each of its parts, by spatial and temporal layer.
func flowing(u *uplink, rid string, lines []int64, kbits [][]int64) *layer {
	l := &layer{up: u, rid: rid}
	for s, h := range lines {
		l.lines[s].Store(h)
		l.pixels.Store(h * h)
	}
	u.layers = append(u.layers, l)
	at := int64(time.Second)
	for range 2 {
		for s := range kbits {
			for t, k := range kbits[s] {
				l.parts[s][t].bytes.Add(k * 125)
				l.parts[s][t].last.Store(at)
			}
		}
		l.last.Store(at)
		l.measure(at)
		at += int64(time.Second)
	}
	return l
}

func ladder(u *uplink) (text []string) {
	for _, r := range u.rungs {
		text = append(text, fmt.Sprintf("%s/%d/%d %d:%.0f", r.layer.rid, r.cut.sid, r.cut.tid, r.lines, r.rate/1000))
	}
	return text
}

// Frames are left out before pictures get smaller, and most of them only of what is the smallest.
func TestRungs(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(u *uplink)
		want string
	}{
		{"simulcast with temporal layers", func(u *uplink) {
			flowing(u, "q", []int64{90}, [][]int64{{40, 20, 40}})
			flowing(u, "h", []int64{180}, [][]int64{{160, 80, 160}})
			flowing(u, "f", []int64{360}, [][]int64{{400, 200, 400}})
		}, "[q/255/0 90:40 q/255/1 90:60 q/255/255 90:100 h/255/1 180:240 h/255/255 180:400 f/255/1 360:600 f/255/255 360:1000]"},
		{"simulcast without", func(u *uplink) {
			flowing(u, "q", []int64{90}, [][]int64{{100}})
			flowing(u, "f", []int64{360}, [][]int64{{1000}})
		}, "[q/255/255 90:100 f/255/255 360:1000]"},
		{"SVC", func(u *uplink) {
			flowing(u, "", []int64{180, 360}, [][]int64{{80, 40, 80}, {240, 120, 240}})
		}, "[/0/0 180:80 /0/1 180:120 /0/255 180:200 /255/1 360:480 /255/255 360:800]"},
		{"two temporal layers", func(u *uplink) {
			flowing(u, "", []int64{360}, [][]int64{{300, 200}})
		}, "[/255/0 360:300 /255/255 360:500]"},
	} {
		u := &uplink{video: true}
		c.make(u)
		u.measure(int64(2*time.Second) + 1)
		if got := fmt.Sprint(ladder(u)); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.name, got, c.want)
		}
		for i, r := range u.rungs {
			if k := rungOf(u.rungs, r.layer, r.cut); k != i {
				t.Errorf("%s: rung %d is found at %d", c.name, i, k)
			}
			if i > 0 && r.rate < u.rungs[i-1].rate {
				t.Errorf("%s: rung %d is cheaper than the one before", c.name, i)
			}
		}
	}
}

func TestTheRungThatCoversHasAllOfItsFrames(t *testing.T) {
	u := &uplink{video: true}
	flowing(u, "", []int64{180, 360}, [][]int64{{80, 40, 80}, {240, 120, 240}})
	u.measure(int64(2*time.Second) + 1)
	for shown, want := range map[int]int{1: 2, 180: 2, 200: 2, 300: 4, 360: 4, 2000: 4} {
		if k := covers(u.rungs, shown); k != want {
			t.Errorf("%d lines: rung %d, want %d", shown, k, want)
		}
	}
	// A layer that has ended is none of a ladder, though the stream goes on.
	l := u.layers[0]
	later := int64(10 * time.Second)
	l.last.Store(later)
	l.parts[0][0].last.Store(later)
	u.measure(later)
	if got := fmt.Sprint(len(u.rungs)); got != "1" {
		t.Errorf("%v", ladder(u))
	}
}

// When a way gets narrower, a picture has first fewer frames, then less size, then fewer frames again; two that share it go
// down in turn.
func TestNarrowerWaysCostFramesFirst(t *testing.T) {
	u := &uplink{video: true}
	flowing(u, "q", []int64{90}, [][]int64{{40, 20, 40}})
	flowing(u, "f", []int64{360}, [][]int64{{400, 200, 400}})
	u.measure(int64(2*time.Second) + 1)
	rates := make([]float64, 0, 8)
	for _, r := range u.rungs {
		rates = append(rates, r.rate)
	}
	for budget, want := range map[float64]int{1200e3: 4, 900e3: 3, 500e3: 2, 70e3: 1, 50e3: 0, 30e3: -1} {
		d := []demand{{rates: rates, top: 4, now: 4}}
		if allocate(budget, d); d[0].rung != want {
			t.Errorf("%.0f bit/s: rung %d, want %d", budget, d[0].rung, want)
		}
	}
}
