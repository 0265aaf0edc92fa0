package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"atrium/cmd/atrium/node"
	"atrium/configs"
)

// drainWithin is how long everyone has to be told and let go. The parts take a few seconds more at the
// very worst, and ten are promised.
const drainWithin = 5 * time.Second

func serveCommand(environ []string) *cobra.Command {
	c := &cobra.Command{Use: "serve", Short: "Run the office"}
	load := configFlag(c, environ)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		return serve(c.Context(), cfg, c.OutOrStdout(), newLogger(cfg.Log, c.ErrOrStderr()))
	}
	return c
}

// serve runs a node until ctx ends, and then drains it. At SIGHUP it reads the worlds again, from its beginning on: what
// comes before it is ready counts then.
func serve(ctx context.Context, cfg *configs.Config, stdout io.Writer, logger *slog.Logger) error {
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGHUP)
	defer signal.Stop(again)
	node.CollectEarlier()
	n, err := node.Start(ctx, cfg, logger)
	if err != nil {
		return err
	}
	fmt.Fprint(stdout, ready(n.Addrs))
	for running := true; running; {
		select {
		case <-ctx.Done():
			logger.Info("draining: nobody is taken in any more")
			running = false
		case err = <-n.Failed():
			logger.Error("draining", "err", err)
			running = false
		case <-again:
			reload(n, logger)
		}
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainWithin)
	defer cancel()
	if shut := n.Shutdown(drain); shut != nil {
		logger.Warn("not everything ended in time", "err", shut)
	}
	logger.Info("ended")
	return err
}

// reload reads the worlds again and logs each thing that is wrong with them.
func reload(n *node.Node, logger *slog.Logger) {
	err := n.ReloadWorlds()
	if err == nil {
		logger.Info("the worlds were read again")
		return
	}
	problems := node.Split(err)
	for _, p := range problems {
		logger.Error("a world's map is refused", "err", p)
	}
	logger.Error("the worlds stay as they were", "errors", len(problems))
}

// ready says where a node listens.
func ready(a node.Addrs) string {
	s := "Atrium is ready: " + a.HTTP + "\n"
	line := func(what string, at ...string) {
		list := ""
		for i := 0; i+1 < len(at); i += 2 {
			if at[i+1] == "" {
				continue
			}
			if list != "" {
				list += ", "
			}
			list += at[i] + at[i+1]
		}
		if list != "" {
			s += fmt.Sprintf("  %-6s %s\n", what, list)
		}
	}
	line("admin", "", a.Admin)
	line("turn", "udp ", place(a.TURNUDP), "tcp ", place(a.TURNTCP), "tls ", place(a.TURNTLS))
	line("sfu", "udp ", place(a.SFUUDP), "tcp ", place(a.SFUTCP))
	return s
}

func place(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// newLogger makes the log that the configuration asks for.
func newLogger(c configs.Log, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo // the configuration was checked: only a Config made by hand gets here
	}
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
