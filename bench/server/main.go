package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"atrium/cmd/atrium/node"
	"atrium/configs"
)

// childEnv marks the process that is to be a node.
const childEnv = "ATRIUM_BENCH_NODE"

const (
	startWithin = 20 * time.Second
	stopWithin  = 15 * time.Second
)

// Main makes the process a node if Start executed it for that, and then does not return.
func Main() {
	if os.Getenv(childEnv) == "" {
		return
	}
	if err := beNode(os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func beNode(in io.Reader, out, log io.Writer) error {
	var cfg configs.Config
	d := json.NewDecoder(in)
	if err := d.Decode(&cfg); err != nil {
		return fmt.Errorf("server: configuration of the node: %w", err)
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Log.Level)); err != nil {
		return fmt.Errorf("server: log level of the node: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	node.CollectEarlier() // as atrium serve does
	n, err := node.Start(ctx, &cfg, slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: level})))
	if err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(n.Addrs); err != nil {
		return fmt.Errorf("server: addresses of the node: %w", err)
	}
	_, _ = io.Copy(io.Discard, in)
	stop, end := context.WithTimeout(context.Background(), stopWithin)
	defer end()
	return n.Shutdown(stop)
}
