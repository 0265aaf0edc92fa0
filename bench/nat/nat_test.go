package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"atrium/bench/skip"
)

// Real hosts in namespaces, real programs on them. The whole table is `make nat`.
func TestNamespaces(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	switch err := allowed(ctx); {
	case errors.Is(err, errNotAllowed):
		skip.Say("hosts behind NATs: network namespaces are not allowed here")
		t.Log(err)
		return
	case err != nil:
		t.Fatal(err)
	}
	p, err := build(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	tested := []string{"symmetric and symmetric", "no UDP on both", "SFU, only web and relay let out"}
	var out strings.Builder
	var all []outcome
	for _, c := range trials() {
		if !slices.Contains(tested, c.name) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			o := c.hold(ctx, p)
			all = append(all, o)
			if !o.good() {
				t.Errorf("settled in %q by %v, audio after %v, flows %v: %v", o.settled, o.pairs, o.first, o.flows, o.err)
				for i, story := range o.stories {
					t.Logf("host %d\n%s", i+1, story)
				}
			}
		})
	}
	if len(all) != len(tested) {
		t.Fatalf("%d trials held, want %d", len(all), len(tested))
	}
	_ = report(&out, all) // what failed is said above
	t.Log("\n" + out.String())
}

// What a killed run left is swept away by the next one.
func TestNothingIsLeft(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	switch err := allowed(ctx); {
	case errors.Is(err, errNotAllowed):
		skip.Say("what a killed run left: network namespaces are not allowed here")
		return
	case err != nil:
		t.Fatal(err)
	}
	g, err := lay(ctx, []kind{cone, symmetric, noUDP, webOnly, open})
	if err != nil {
		t.Fatal(err)
	}
	if len(g.hosts) != 5 {
		t.Fatalf("%d hosts", len(g.hosts))
	}
	if err := g.clear(); err != nil {
		t.Fatal(err)
	}
	dead := prefix + "4194305-wan" // above the kernel's largest process id
	if err := do(ctx, "", "ip", "netns", "add", dead); err != nil {
		t.Fatal(err)
	}
	sweep(ctx)
	if err := do(ctx, "", "ip", "netns", "del", dead); err == nil {
		t.Fatal("a dead run's namespace was still there")
	}
}
