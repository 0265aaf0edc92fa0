package main

import (
	"testing"
	"time"
)

// TestSoak is a short one: people come and go at a node of its own, and the report says that nothing of them is left.
func TestSoak(t *testing.T) {
	r, err := soak(t.Context(), soakOptions{People: 6, For: 6 * time.Second, Every: 300 * time.Millisecond, Seed: 7, Progress: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range r.Targets {
		if !x.Pass && x.Name != "memory of the second half over the first's" { // six seconds say nothing about memory
			t.Errorf("%s: %s, want %s", x.Name, x.Got, x.Want)
		}
	}
	if len(r.Plots) == 0 || len(r.Plots[0].Series[0].X) == 0 {
		t.Error("nothing was looked at")
	}
}
