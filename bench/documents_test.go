package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestDocuments is the scenario in small: what must be right is. What it costs and how soon it is are the benchmark's to say.
func TestDocuments(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	o := documentsOptions{People: 6, Hz: 20, For: 500 * time.Millisecond, Warmup: 200 * time.Millisecond, Joins: 5, Away: 2 * time.Second, Progress: io.Discard}
	r, err := o.run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Tables) != 1 || len(r.Tables[0].Rows) != 3 || r.Tables[0].Rows[0][1] == "0" {
		t.Fatalf("%+v", r.Tables)
	}
	right := 0
	for _, target := range r.Targets {
		for _, name := range []string{"every last cursor", "annotations", "CONNECTION_ERROR"} {
			if !strings.HasPrefix(target.Name, name) {
				continue
			}
			if right++; !target.Pass {
				t.Errorf("%s: %s", target.Name, target.Got)
			}
		}
	}
	if right != 4 {
		t.Errorf("%d targets of %+v", right, r.Targets)
	}
}
