package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"atrium/cmd/atrium/node"
	"atrium/configs"
)

// ownNode says how the bench's own node differs from a default one.
type ownNode struct {
	PromoteAt int
	DemoteAt  int
	// Quick: nobody wants to wait for the default 10 s until an emptier zone leaves the SFU, nor 5 s for a leaver's place.
	Grace, DemoteAfter, Dwell time.Duration
	Verbose                   io.Writer // its log; nil: none
}

// start runs a node in this process, on loopback, on ports that are free. stop ends it.
func (o ownNode) start(ctx context.Context) (n *node.Node, stop func() error, err error) {
	dir, err := os.MkdirTemp("", "atrium-bench-")
	if err != nil {
		return nil, nil, fmt.Errorf("bench: data directory of the node: %w", err)
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	cfg := configs.Default()
	cfg.DataDir = configs.Path(dir)
	cfg.Server.Listen, cfg.Admin.Listen = "127.0.0.1:0", ""
	cfg.TURN.UDP, cfg.TURN.TCP = "127.0.0.1:0", "127.0.0.1:0"
	cfg.SFU.UDP, cfg.SFU.TCP = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Auth.GuestLogin = true
	cfg.Session.Grace = o.Grace
	cfg.Topology.PromoteAt, cfg.Topology.DemoteAt = o.PromoteAt, o.DemoteAt
	cfg.Topology.DemoteAfter, cfg.Topology.Dwell = o.DemoteAfter, o.Dwell
	logger := slog.New(slog.DiscardHandler)
	if o.Verbose != nil {
		logger = slog.New(slog.NewTextHandler(o.Verbose, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	n, err = node.Start(ctx, cfg, logger)
	if err != nil {
		return nil, nil, fmt.Errorf("bench: start of the node: %w", err)
	}
	return n, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		err := n.Shutdown(ctx)
		if e := os.RemoveAll(dir); err == nil {
			err = e
		}
		return err
	}, nil
}
