package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"atrium/cmd/atrium/node"
	"atrium/signaling/identity"
	"atrium/signaling/space"
)

func tokenCommand(environ []string) *cobra.Command {
	c := &cobra.Command{
		Use:   "token",
		Short: "Print a token for a user",
		Long:  "token prints a JWT that the node with the same configuration accepts, and nothing else.",
	}
	load := configFlag(c, environ)
	f := c.Flags()
	user := f.String("user", "", "user's uuid (required)")
	name := f.String("name", "", "name that others see (required)")
	role := f.String("role", "", "admin, editor, member or guest (required)")
	avatar := f.String("avatar", "1", "avatar's id")
	workspace := f.String("workspace", "", "workspace's uuid (default: worlds.workspace_id)")
	worlds := f.String("worlds", "", "uuids of the worlds it opens, separated by commas (default: all of the workspace)")
	ttl := f.Duration("ttl", time.Hour, "how long it holds")

	c.RunE = func(c *cobra.Command, _ []string) error {
		var errs []error
		id := func(flag, value string) uuid.UUID {
			id, err := uuid.Parse(value)
			if err != nil || id == uuid.Nil {
				errs = append(errs, usageError{fmt.Errorf("--%s: %q: want a uuid like 6f1c1c2e-6a0b-4a39-9c0e-0d5a3f8e7b21", flag, value)})
			}
			return id
		}
		claims := identity.Claims{
			User: id("user", *user), Name: strings.TrimSpace(*name), Avatar: *avatar,
			Role: space.Role(*role), Expires: time.Now().Add(*ttl),
		}
		if claims.Name == "" {
			errs = append(errs, usageError{fmt.Errorf("--name: %q: want the name that others see", *name)})
		}
		if !claims.Role.Valid() {
			errs = append(errs, usageError{fmt.Errorf("--role: %q: want one of admin, editor, member, guest", *role)})
		}
		if *ttl <= 0 {
			errs = append(errs, usageError{fmt.Errorf("--ttl: %q: want a duration like 1h", *ttl)})
		}
		if *workspace != "" {
			claims.Workspace = id("workspace", *workspace)
		}
		if c.Flags().Changed("worlds") {
			claims.Worlds = []uuid.UUID{}
			for w := range strings.SplitSeq(*worlds, ",") {
				claims.Worlds = append(claims.Worlds, id("worlds", strings.TrimSpace(w)))
			}
		}
		cfg, err := load()
		if err = errors.Join(append(errs, err)...); err != nil {
			return err
		}
		if claims.Workspace == uuid.Nil {
			claims.Workspace = cfg.Worlds.WorkspaceID
		}
		secrets, err := cfg.Secrets()
		if err != nil {
			return &node.ConfigError{Errs: node.Split(err)}
		}
		if secrets.Auth == nil {
			return &node.ConfigError{Errs: []error{cfg.Problem("auth.secret", "", "tokens are signed with it, and this node has auth.public_keys alone: set it, or sign where the private keys are")}}
		}
		token, err := identity.Mint(identity.Auth{Secret: secrets.Auth, Issuer: cfg.Auth.Issuer}, claims)
		if err != nil {
			return err
		}
		fmt.Fprintln(c.OutOrStdout(), token)
		return nil
	}
	return c
}
