package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"atrium/cmd/atrium/node"
	"atrium/configs"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitConfig = 2 // the configuration or the command line is wrong
)

// usageError is a command line that is wrong.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run is the program: it knows its environment by its arguments alone.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:   "atrium",
		Short: "A virtual office in one process",
		Long: "Atrium is a virtual office in one process: people walk as avatars through worlds made of zones,\n" +
			"and whoever shares a zone sees and hears each other.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown command %q (`atrium --help` lists what there is)", args[0])}
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(serveCommand(environ), tokenCommand(environ), checkCommand(environ), versionCommand())
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w (`%s --help` lists what there is)", err, c.CommandPath())}
	})
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	for _, e := range node.Split(err) {
		fmt.Fprintln(stderr, "atrium:", e)
	}
	if isConfig(err) {
		return exitConfig
	}
	return exitFailed
}

// isConfig says whether whoever wrote the configuration or the command line can mend the error.
func isConfig(err error) bool {
	var usage usageError
	var config *node.ConfigError
	return errors.As(err, &usage) || errors.As(err, &config)
}

// configFlag adds --config and gives what reads it.
func configFlag(c *cobra.Command, environ []string) func() (*configs.Config, error) {
	file := c.Flags().String("config", "", "configuration file (default: the embedded demo's)")
	c.Args = func(_ *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usageError{fmt.Errorf("unknown argument %q: %s takes flags only", args[0], c.CommandPath())}
		}
		return nil
	}
	return func() (*configs.Config, error) {
		cfg, err := configs.Load(*file, environ)
		if err != nil {
			return nil, &node.ConfigError{Errs: node.Split(err)}
		}
		return cfg, nil
	}
}
