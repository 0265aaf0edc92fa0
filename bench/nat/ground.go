package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Addresses of the network: TEST-NET-3 of RFC 5737, as nothing leaves the namespaces.
const (
	serverIP = "203.0.113.10"
	prefix   = "atrium-nat-" // of the namespaces' names, followed by the process id
)

// ground is the network of one trial: a switch, the server's host, and hosts each behind a NAT of its own.
type ground struct {
	base  string
	hosts []string // namespaces of the hosts, in order
	all   []string
}

// errNotAllowed: this machine does not let us make namespaces.
var errNotAllowed = errors.New("network namespaces are not allowed here")

// allowed tries what a trial needs, because a container may have the tools and the user id and still not the right.
func allowed(ctx context.Context) error {
	for _, tool := range []string{"ip", "nft"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w: %s is not installed", errNotAllowed, tool)
		}
	}
	sweep(ctx)
	g := &ground{base: prefix + strconv.Itoa(os.Getpid()) + "-"}
	ns, err := g.namespace(ctx, "try")
	if err == nil {
		err = do(ctx, "", "ip", "-n", ns, "link", "add", "one", "type", "veth", "peer", "name", "two")
	}
	if err == nil {
		err = do(ctx, "", "ip", "netns", "exec", ns, "nft", "add", "table", "ip", "nat")
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%w: %w", errNotAllowed, err), g.clear())
	}
	return g.clear()
}

// lay makes the network. On an error nothing of it is left.
func lay(ctx context.Context, kinds []kind) (g *ground, err error) {
	g = &ground{base: prefix + strconv.Itoa(os.Getpid()) + "-"}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.clear())
		}
	}()
	wan, err := g.namespace(ctx, "wan")
	if err != nil {
		return g, err
	}
	if err := do(ctx, "", "ip", "-n", wan, "link", "add", "br0", "type", "bridge", "forward_delay", "0"); err != nil {
		return g, err
	}
	if err := do(ctx, "", "ip", "-n", wan, "link", "set", "br0", "up"); err != nil {
		return g, err
	}
	server, err := g.namespace(ctx, "server")
	if err != nil {
		return g, err
	}
	if err := g.plug(ctx, server, "srv", serverIP); err != nil {
		return g, err
	}
	for i, k := range kinds {
		if err := g.host(ctx, i, k); err != nil {
			return g, fmt.Errorf("host %d behind %q: %w", i+1, k, err)
		}
	}
	return g, nil
}

func (g *ground) server() string { return g.base + "server" }

// host makes a host behind a NAT.
func (g *ground) host(ctx context.Context, i int, k kind) error {
	name := fmt.Sprintf("host%d", i+1)
	host, err := g.namespace(ctx, name)
	if err != nil {
		return err
	}
	g.hosts = append(g.hosts, host)
	outer := fmt.Sprintf("203.0.113.%d", 21+i)
	if k == open {
		return g.plug(ctx, host, "h"+strconv.Itoa(i), outer)
	}
	nat, err := g.namespace(ctx, fmt.Sprintf("nat%d", i+1))
	if err != nil {
		return err
	}
	if err := g.plug(ctx, nat, "n"+strconv.Itoa(i), outer); err != nil {
		return err
	}
	inner := fmt.Sprintf("192.168.%d.", 21+i)
	for _, c := range [][]string{
		{"ip", "link", "add", "lan", "netns", nat, "type", "veth", "peer", "name", "lan", "netns", host},
		{"ip", "-n", nat, "addr", "add", inner + "1/24", "dev", "lan"},
		{"ip", "-n", nat, "link", "set", "lan", "up"},
		{"ip", "-n", host, "addr", "add", inner + "2/24", "dev", "lan"},
		{"ip", "-n", host, "link", "set", "lan", "up"},
		{"ip", "-n", host, "route", "add", "default", "via", inner + "1"},
		{"ip", "netns", "exec", nat, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"},
	} {
		if err := do(ctx, "", c...); err != nil {
			return err
		}
	}
	return do(ctx, k.ruleset(), "ip", "netns", "exec", nat, "nft", "-f", "-")
}

// namespace makes one, with its loopback up.
func (g *ground) namespace(ctx context.Context, name string) (string, error) {
	ns := g.base + name
	if err := do(ctx, "", "ip", "netns", "add", ns); err != nil {
		return ns, err
	}
	g.all = append(g.all, ns)
	return ns, do(ctx, "", "ip", "-n", ns, "link", "set", "lo", "up")
}

// plug connects a namespace to the switch, by an interface called wan.
func (g *ground) plug(ctx context.Context, ns, port, ip string) error {
	wan := g.base + "wan"
	for _, c := range [][]string{
		{"ip", "link", "add", port, "netns", wan, "type", "veth", "peer", "name", "wan", "netns", ns},
		{"ip", "-n", wan, "link", "set", port, "master", "br0"},
		{"ip", "-n", wan, "link", "set", port, "up"},
		{"ip", "-n", ns, "addr", "add", ip + "/24", "dev", "wan"},
		{"ip", "-n", ns, "link", "set", "wan", "up"},
	} {
		if err := do(ctx, "", c...); err != nil {
			return err
		}
	}
	return nil
}

// clear takes everything away again; interfaces, rules and bridges go with their namespaces.
func (g *ground) clear() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var errs []error
	for _, ns := range g.all {
		errs = append(errs, do(ctx, "", "ip", "netns", "del", ns))
	}
	g.all = nil
	return errors.Join(errs...)
}

// sweep removes namespaces of runs that were killed.
func sweep(ctx context.Context) {
	left, _ := filepath.Glob("/run/netns/" + prefix + "*")
	for _, path := range left {
		ns := filepath.Base(path)
		id, _, _ := strings.Cut(strings.TrimPrefix(ns, prefix), "-")
		pid, err := strconv.Atoi(id)
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = do(ctx, "", "ip", "netns", "del", ns)
		}
	}
}

// do runs a command and says what it printed when it fails.
func do(ctx context.Context, stdin string, args ...string) error {
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Stdin = strings.NewReader(stdin)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(out.String()))
	}
	return nil
}
