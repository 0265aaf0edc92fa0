package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"atrium/bench/presence"
	"atrium/bench/server"
)

// errMissed: the figures are there, and a target is not reached.
var errMissed = errors.New("bench: a target was missed")

func main() {
	server.Main()
	presence.Main()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := &cobra.Command{
		Use: "bench", Short: "Measure Atrium with synthetic people",
		SilenceUsage: true, SilenceErrors: true,
	}
	root.AddCommand(switchCommand(), floorCommand(), fanoutCommand(), meshCommand(), audioCommand(), scaleCommand(), presenceCommand(), documentsCommand(), joinCommand(), relayCommand(), squeezeCommand(), soakCommand(), reportCommand())
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		stop()
		os.Exit(1)
	}
}
