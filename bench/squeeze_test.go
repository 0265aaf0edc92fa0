package main

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"atrium/bench/squeeze"
)

// TestSqueeze is the scenario in small: the layer falls with the bandwidth, and audio goes on. How fast is the benchmark's to
// say.
func TestSqueeze(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	r, err := runSqueeze(ctx, squeezeOptions{
		Senders: 1, Show: squeeze.Show{KeySize: 3}, Wide: 2_250_000, Narrow: 750_000, Queue: 200 * time.Millisecond, Delay: 5 * time.Millisecond,
		Before: time.Second, For: 3 * time.Second, After: time.Second, Rounds: 1, Progress: io.Discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Tables) != 1 || len(r.Tables[0].Rows) != 1 || len(r.Plots) != 3 || len(r.Targets) != 4 {
		t.Fatalf("%+v", r)
	}
	if row := r.Tables[0].Rows[0]; row[1] == "never" || row[3] == "100.00" {
		t.Errorf("%v", row)
	}
}
