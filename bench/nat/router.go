package main

import "fmt"

// kind is what stands between a host and the network.
type kind string

const (
	// open: no NAT; the host has an address of the network.
	open kind = "open"
	// cone: keeps the inner port towards everyone (endpoint-independent mapping of RFC 4787) and lets in only whom
	// the host has sent to (address and port-dependent filtering). Home routers are of this kind.
	cone kind = "cone"
	// symmetric: another outer port per destination. Nobody can guess it: only a relay helps.
	symmetric kind = "symmetric"
	// noUDP: a symmetric NAT that lets no UDP out.
	noUDP kind = "no udp"
	// webOnly: lets out TCP to the web page and to the relay, and nothing else.
	webOnly kind = "web only"
)

// Ports of the server, as a firewall's owner would know them.
const (
	portWeb    = 8080
	portTURN   = 3478
	portSFUUDP = 7882
	portSFUTCP = 7881
)

// ruleset is nft's input for the namespace of a NAT, whose outer interface is wan and inner lan. The input chain is
// part of being a NAT: without it, a packet that comes before the host's own takes the port in the connection
// table, and the host's mapping is moved to another.
func (k kind) ruleset() string {
	masquerade := "masquerade persistent"
	if k != cone {
		masquerade = "masquerade fully-random"
	}
	forward := ""
	switch k {
	case noUDP:
		forward = `iifname "lan" meta l4proto udp drop`
	case webOnly:
		forward = fmt.Sprintf(`iifname "lan" tcp dport { %d, %d } accept; iifname "lan" drop`, portWeb, portTURN)
	}
	return fmt.Sprintf(`
table ip nat {
	chain outwards { type nat hook postrouting priority srcnat; policy accept; oifname "wan" %s; }
}
table ip filter {
	chain inwards { type filter hook input priority filter; policy accept; iifname "wan" ct state new drop; }
	chain through {
		type filter hook forward priority filter; policy accept;
		iifname "wan" ct state new drop
		%s
	}
}
`, masquerade, forward)
}
