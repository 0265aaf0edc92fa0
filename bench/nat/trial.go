package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// trial is one combination.
type trial struct {
	name      string
	hosts     []kind
	promoteAt int

	// What it must come to.
	topology string
	local    string // the candidate types that may carry, as a prefix of "type/transport"
	via      string // the exact local "type/transport" of the first host; empty: any of local
}

// trials are the table's rows.
func trials() []trial {
	return []trial{
		{name: "no NAT", hosts: []kind{open, open}, promoteAt: 5, topology: "P2P_DIRECT", local: "host"},
		{name: "cone and cone", hosts: []kind{cone, cone}, promoteAt: 5, topology: "P2P_DIRECT", local: "srflx prflx host"},
		{name: "cone and symmetric", hosts: []kind{cone, symmetric}, promoteAt: 5, topology: "P2P_TURN", local: "relay"},
		{name: "symmetric and symmetric", hosts: []kind{symmetric, symmetric}, promoteAt: 5, topology: "P2P_TURN", local: "relay"},
		{name: "no UDP on one side", hosts: []kind{noUDP, cone}, promoteAt: 5, topology: "P2P_TURN", local: "relay", via: "relay/tcp"},
		{name: "no UDP on both", hosts: []kind{noUDP, noUDP}, promoteAt: 5, topology: "P2P_TURN", local: "relay", via: "relay/tcp"},
		{name: "SFU, NATs of all kinds", hosts: []kind{cone, symmetric, noUDP}, promoteAt: 3, topology: "SFU", local: "host srflx prflx relay"},
		{name: "SFU, only web and relay let out", hosts: []kind{webOnly, webOnly, webOnly}, promoteAt: 3, topology: "SFU", local: "relay", via: "relay/tcp"},
	}
}

// within is the time from a person's joining until audio flows that is promised.
const within = 5 * time.Second

// outcome is what a trial came to.
type outcome struct {
	trial
	settled string
	pairs   []string      // per host: "local <-> remote" of what carried
	first   time.Duration // from the last one's joining until everyone had heard everyone
	flows   bool          // audio went on afterwards
	stories []string      // what each host's person told
	err     error
}

// good says whether it came to what it must.
func (o outcome) good() bool {
	return o.err == nil && o.settled == o.topology && o.flows && o.first <= within && o.carried()
}

func (o outcome) carried() bool {
	for i, p := range o.pairs {
		local, _, _ := strings.Cut(p, " ")
		typ, _, _ := strings.Cut(local, "/")
		if !slices.Contains(strings.Fields(o.local), typ) || i == 0 && o.via != "" && local != o.via {
			return false
		}
	}
	return len(o.pairs) == len(o.hosts)
}

// hold carries a trial out.
func (t trial) hold(ctx context.Context, p programs) outcome {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	o := outcome{trial: t}
	dir, err := os.MkdirTemp("", "atrium-nat")
	if err != nil {
		o.err = err
		return o
	}
	defer os.RemoveAll(dir)
	g, err := lay(ctx, t.hosts)
	if err != nil {
		o.err = err
		return o
	}
	defer func() { o.err = errors.Join(o.err, g.clear()) }()
	server, err := serve(ctx, g, p, dir, t.promoteAt)
	if err != nil {
		o.err = err
		return o
	}
	defer server.stop()
	var people []*person
	defer func() {
		for _, q := range people {
			q.stop()
		}
	}()
	for i := range t.hosts {
		q, err := join(ctx, g, p, i)
		if err != nil {
			o.err = err
			return o
		}
		people = append(people, q)
		if err := q.until(ctx, "it joined", func(all []entry) bool { return find(all, "joined") >= 0 }); err != nil {
			o.err = fmt.Errorf("host %d: %w; the server: %s", i+1, err, server.complaints())
			return o
		}
	}
	o.err = o.look(ctx, people)
	for _, q := range people {
		o.stories = append(o.stories, q.story())
	}
	return o
}

// look waits until everyone hears everyone and goes on to, and reads how.
func (o *outcome) look(ctx context.Context, people []*person) error {
	others := len(people) - 1
	last := people[others].entries()
	began := last[find(last, "joining")].At
	for i, q := range people {
		way := "p2p"
		if o.topology == "SFU" {
			way = "sfu"
		}
		if err := q.until(ctx, "it heard everyone", func(all []entry) bool { return len(firsts(all, way)) >= others }); err != nil {
			return fmt.Errorf("host %d: %w", i+1, err)
		}
		for _, at := range firsts(q.entries(), "") { // by any way: before a promotion it is the other one
			o.first = max(o.first, at.Sub(began))
		}
	}
	o.flows = true
	for i, q := range people {
		// Three reports from now on, one a second: each must have heard more of everyone.
		from := len(q.entries())
		if err := q.until(ctx, "three more seconds", func(all []entry) bool { return len(reports(all[from:])) >= 3 }); err != nil {
			return fmt.Errorf("host %d: %w", i+1, err)
		}
		all := q.entries()
		r := reports(all[from:])
		for k := 1; k < len(r); k++ {
			if len(r[k].Heard) < others {
				o.flows = false
			}
			for who, h := range r[k].Heard {
				o.flows = o.flows && h.Audio > r[k-1].Heard[who].Audio
			}
		}
		settled, pair := standing(all)
		if o.settled != "" && o.settled != settled {
			settled = o.settled + " and " + settled
		}
		o.settled = settled
		o.pairs = append(o.pairs, pair)
	}
	return nil
}

func find(all []entry, typ string) int {
	return slices.IndexFunc(all, func(e entry) bool { return e.Type == typ })
}

// firsts gives when audio first came from each other one, by a way or, empty, by any.
func firsts(all []entry, way string) map[string]time.Time {
	got := make(map[string]time.Time)
	for _, e := range all {
		if e.Type != "delivered" || e.Kind != "audio" || way != "" && !strings.EqualFold(e.Way, way) {
			continue
		}
		if _, ok := got[e.User]; !ok {
			got[e.User] = e.At
		}
	}
	return got
}

func reports(all []entry) []entry {
	var r []entry
	for _, e := range all {
		if e.Type == "packets" {
			r = append(r, e)
		}
	}
	return r
}

// standing gives the topology that was told last and the candidates that carry in it.
func standing(all []entry) (topology, pair string) {
	for _, e := range all {
		switch {
		case (e.Type == "joined" || e.Type == "topology") && e.Topology != "":
			topology = e.Topology
		case e.Type == "pair_connected" && topology != "SFU", e.Type == "sfu_up":
			pair = e.Local + " <-> " + e.Remote
		}
	}
	return topology, pair
}
