// Command atrium is the virtual office in one process: signaling server, SFU, TURN server, topology
// controller and web client.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go onSignals(signals, echo, stop, os.Exit)
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// echo is how soon a second signal is still the first one: timeout(1) sends it to the process and to its
// group, and a terminal's Ctrl-C comes directly and by the shell or make around the process.
const echo = 500 * time.Millisecond

// onSignals drains at the first signal and ends at once at a later one: whoever asks twice means it. It
// lives as long as the process.
func onSignals(signals <-chan os.Signal, echo time.Duration, drain func(), exit func(int)) {
	<-signals
	first := time.Now()
	drain()
	for s := range signals {
		if time.Since(first) < echo {
			continue
		}
		code := 1
		if n, ok := s.(syscall.Signal); ok {
			code = 128 + int(n) // as a shell tells it
		}
		exit(code)
		return
	}
}
