package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"atrium/bench/peer"
	"atrium/bench/talker"
)

// joinLine is one line of `bench join`.
type joinLine struct {
	At       time.Time      `json:"at"`
	MS       int64          `json:"ms"` // since the start
	Type     peer.EventType `json:"type"`
	Name     string         `json:"name"`
	User     string         `json:"user,omitempty"`
	Topology peer.Topology  `json:"topology,omitempty"`
	Epoch    uint64         `json:"epoch,omitempty"`
	Reason   string         `json:"reason,omitempty"`
	Members  int            `json:"members,omitempty"`
	Kind     string         `json:"kind,omitempty"`
	Way      string         `json:"way,omitempty"`
	Local    string         `json:"local,omitempty"`
	Remote   string         `json:"remote,omitempty"`
	URLs     []string       `json:"urls,omitempty"`
	// In the line of type "packets", which comes every second: what was heard so far, by sender's id.
	Heard map[string]joinHeard `json:"heard,omitempty"`
}

type joinHeard struct {
	Audio    int `json:"audio"`
	Video    int `json:"video"`
	AudioP2P int `json:"audio_p2p"`
	AudioSFU int `json:"audio_sfu"`
}

func joinCommand() *cobra.Command {
	var (
		o        peer.Options
		world    string
		insecure bool
		lasts    time.Duration
	)
	c := &cobra.Command{
		Use: "join", Short: "Be one person at a node and print what happens as JSON lines",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if world != "" {
				id, err := uuid.Parse(world)
				if err != nil {
					return fmt.Errorf("bench: --world %q is not a uuid: %w", world, err)
				}
				o.World = id
			}
			if insecure {
				o.TLS = &tls.Config{InsecureSkipVerify: true}
			}
			return join(cmd.Context(), o, lasts, cmd.OutOrStdout())
		},
	}
	f := c.Flags()
	f.StringVar(&o.URL, "url", "http://127.0.0.1:8080", "the node")
	f.StringVar(&world, "world", "", "the world to join (default: the guest login's)")
	f.StringVar(&o.Token, "token", "", "a token of `atrium token` (default: log in as a guest)")
	f.StringVar(&o.Name, "name", "peer", "display name")
	f.BoolVar(&o.Muted, "muted", false, "send no audio")
	f.BoolVar(&o.NoCamera, "no-camera", false, "send no video")
	f.BoolVar(&o.ForceRelay, "force-relay", false, "media by TURN only")
	f.StringVar(&o.RelayProtocol, "relay-protocol", "", "use only the TURN URLs of this transport: udp or tcp")
	f.BoolVar(&o.Loopback, "loopback", false, "gather loopback candidates only")
	f.DurationVar(&o.ICEPatience, "ice-patience", 3*time.Second, "time without a connection before ICE_FAILED")
	f.BoolVar(&insecure, "insecure", false, "accept any certificate")
	f.DurationVar(&lasts, "for", 0, "leave after this time (default: stay until interrupted)")
	return c
}

func join(ctx context.Context, o peer.Options, lasts time.Duration, out io.Writer) error {
	start := time.Now()
	var mu sync.Mutex
	enc := json.NewEncoder(out)
	line := func(l joinLine) {
		mu.Lock()
		defer mu.Unlock()
		l.Name, l.MS = o.Name, l.At.Sub(start).Milliseconds()
		_ = enc.Encode(l) // who stopped reading needs no error
	}
	dial, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	t, err := talker.Start(dial, talker.Options{Peer: o, Event: func(_ *talker.Talker, e peer.Event) {
		l := joinLine{
			At: e.At, Type: e.Type, Topology: e.Topology, Epoch: e.Epoch, Reason: e.Reason,
			Members: e.Members, Local: e.Local, Remote: e.Remote, URLs: e.URLs,
		}
		if e.User != uuid.Nil {
			l.User = e.User.String()
		}
		if e.Type == peer.EventDelivered {
			l.Kind, l.Way = e.Kind.String(), e.Way.String()
		}
		line(l)
	}})
	if err != nil {
		return err
	}
	if lasts > 0 {
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, lasts)
		defer end()
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			line(joinLine{At: now, Type: "packets", Heard: heard(t)})
			continue
		case <-ctx.Done():
		}
		break
	}
	line(joinLine{At: time.Now(), Type: "packets", Heard: heard(t)})
	end, stop := context.WithTimeout(context.Background(), 10*time.Second)
	defer stop()
	return t.Stop(end)
}

func heard(t *talker.Talker) map[string]joinHeard {
	all := make(map[string]joinHeard)
	for src, n := range t.Counts() {
		h := all[src.From.String()]
		if src.Kind == peer.Audio {
			h.AudioP2P, h.AudioSFU = n[peer.WayP2P], n[peer.WaySFU]
			h.Audio = n[peer.WayP2P] + n[peer.WaySFU]
		} else {
			h.Video = n[peer.WayP2P] + n[peer.WaySFU]
		}
		all[src.From.String()] = h
	}
	return all
}
