package main

import "testing"

func TestCommandLeavesFilesOut(t *testing.T) {
	for want, args := range map[string][]string{
		"go run ./bench fanout --senders 3":                  {"fanout", "--json", "a.json", "--senders", "3", "--html=a.html"},
		"go run ./bench relay --transport udp --peer coturn": {"relay", "--transport", "udp", "--peer", "coturn"},
	} {
		if got := command(args); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
