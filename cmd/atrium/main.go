// Command atrium is the virtual office in one process: signaling server, SFU, TURN server, topology
// controller and web client.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go onSignals(signals, stop, os.Exit)
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// onSignals drains at the first signal and ends at once at the second: whoever asks twice means it. It
// lives as long as the process.
func onSignals(signals <-chan os.Signal, drain func(), exit func(int)) {
	<-signals
	drain()
	s := <-signals
	code := 1
	if n, ok := s.(syscall.Signal); ok {
		code = 128 + int(n) // as a shell tells it
	}
	exit(code)
}
