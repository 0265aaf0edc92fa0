package main

import (
	"context"
	"io"
	"os/exec"
	"testing"
	"time"

	"atrium/bench/relay"
	"atrium/bench/skip"
)

// The scenario runs over each transport, beside coturn where that is installed, and says what came.
func TestRelayScenario(t *testing.T) {
	o := relayOptions{
		Transports: []relay.Transport{relay.UDP, relay.TCP, relay.TLS}, Sizes: []int{160}, Pacings: []relay.Pacing{relay.Browser},
		Rates: []int{600}, Pairs: 2, For: 200 * time.Millisecond, Rounds: 1, Allocations: 4, Coturn: true,
	}
	if _, err := exec.LookPath("turnserver"); err != nil {
		skip.Say("turnserver (Debian's coturn) is not installed")
		o.Coturn = false
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	servers, cases, _, err := measureRelay(ctx, o, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		for i, f := range c.figures {
			if f.Sent < 100 || f.Got != f.Sent || len(f.Latency) != f.Got || f.Latency[0] <= 0 || f.Latency[0] > time.Minute {
				t.Errorf("%s over %s: %d of %d came, %d latencies", servers[i].Name, c.Transport, f.Got, f.Sent, len(f.Latency))
			}
		}
	}
	r := relayReport(o, servers, cases, make([]int64, len(servers)))
	if rows := len(r.Tables[len(r.Tables)-1].Rows); rows != len(cases)*len(servers) {
		t.Errorf("%d rows for %d cases", rows, len(cases))
	}
}
