package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"atrium/cmd/atrium/node"
)

func checkCommand(environ []string) *cobra.Command {
	c := &cobra.Command{
		Use:   "check",
		Short: "Say everything that is wrong with a configuration and its worlds",
		Long:  "check reads the configuration and its worlds and changes nothing. It exits with 0 if all is well,\nelse it prints every error and exits with 2.",
	}
	load := configFlag(c, environ)
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := load()
		if err != nil {
			return err
		}
		worlds, err := node.Worlds(cfg)
		if err != nil {
			return &node.ConfigError{Errs: node.Split(err)}
		}
		name := cfg.File
		if name == "" {
			name = "the demo's configuration"
		}
		fmt.Fprintf(c.OutOrStdout(), "%s is fine", name)
		for i, w := range worlds {
			sep := "; worlds: "
			if i > 0 {
				sep = ", "
			}
			fmt.Fprintf(c.OutOrStdout(), "%s%s (%s)", sep, w.Name, w.ID)
		}
		fmt.Fprintln(c.OutOrStdout())
		return nil
	}
	return c
}
