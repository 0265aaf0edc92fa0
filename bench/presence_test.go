package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestPresence is the scenario in small: what it counts is there, and what must be right is. What it costs is the
// benchmark's to say.
func TestPresence(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	o := presenceOptions{People: 12, Hz: 15, For: 500 * time.Millisecond, Warmup: 200 * time.Millisecond, Progress: io.Discard}
	r, err := o.walk(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Tables) != 1 || len(r.Tables[0].Rows) != 3 || len(r.Targets) != 3 {
		t.Fatalf("%+v", r)
	}
	for _, row := range r.Tables[0].Rows {
		if row[1] == "0" || row[7] != "0" {
			t.Errorf("%v", row)
		}
	}
	for _, target := range r.Targets[1:] {
		if !target.Pass {
			t.Errorf("%s: %s", target.Name, target.Got)
		}
	}
}

// TestPresenceBesideTheRude: whatever a few do, the others are told the truth.
func TestPresenceBesideTheRude(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	o := presenceOptions{People: 8, Hz: 15, For: time.Second, Progress: io.Discard}
	r, err := o.beside(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range r.Targets[1:] {
		if !target.Pass {
			t.Errorf("%s: %s", target.Name, target.Got)
		}
	}
	for _, way := range ways {
		if note := r.Notes[0]; !strings.Contains(note, string(way)) {
			t.Errorf("nobody %s: %s", way, note)
		}
	}
}

// TestPresenceIdle is the scenario idle in small, with people who now and then move.
func TestPresenceIdle(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	o := idleOptions{presenceOptions: presenceOptions{Hz: 2, For: time.Second, Progress: io.Discard}, Connections: 60, Zones: 6}
	r, err := o.hold(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range r.Targets {
		if !target.Pass {
			t.Errorf("%s: %s", target.Name, target.Got)
		}
	}
}
