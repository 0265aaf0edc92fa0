package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"atrium/bench/skip"
)

func main() {
	only := flag.String("only", "", "hold only the trials whose name contains this")
	verbose := flag.Bool("v", false, "tell what each host's person told")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	switch err := table(ctx, *only, *verbose, os.Stdout, os.Stderr); {
	case errors.Is(err, errNotAllowed):
		skip.Say("network namespaces are not allowed here")
		fmt.Fprintln(os.Stderr, err)
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// table holds the trials and prints what they came to.
func table(ctx context.Context, only string, verbose bool, out, progress io.Writer) error {
	if err := allowed(ctx); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "atrium-nat")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Fprintln(progress, "building atrium and bench ...")
	p, err := build(ctx, dir)
	if err != nil {
		return err
	}
	var all []outcome
	for _, t := range trials() {
		if !strings.Contains(t.name, only) || ctx.Err() != nil {
			continue
		}
		fmt.Fprintf(progress, "%s ...\n", t.name)
		o := t.hold(ctx, p)
		all = append(all, o)
		for i, story := range o.stories {
			if verbose {
				fmt.Fprintf(progress, " host %d\n%s", i+1, story)
			}
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return report(out, all)
}

// report prints the table. The error names what did not come to what it must.
func report(out io.Writer, all []outcome) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "TRIAL\tBEHIND\tTOPOLOGY\tCARRIED BY\tAUDIO AFTER\tFLOWS\t")
	var bad []error
	for _, o := range all {
		var behind []string
		for _, k := range o.hosts {
			behind = append(behind, string(k))
		}
		verdict := "ok"
		if !o.good() {
			verdict = "FAILED"
			bad = append(bad, fmt.Errorf("%s: want %s by %s %s, audio within %v: %w", o.name, o.topology, o.local, o.via, within,
				errors.Join(o.err, errors.New("see the table"))))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d ms\t%v\t%s\n", o.name, strings.Join(behind, ", "), o.settled, strings.Join(o.pairs, "; "),
			o.first/time.Millisecond, o.flows, verdict)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return errors.Join(bad...)
}
