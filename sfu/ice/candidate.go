package ice

import (
	"fmt"
	"net/netip"
)

const (
	hostPreference = 126 // RFC 8445, section 5.1.2.2
	passive        = 4   // of the eight directions and kinds of TCP (RFC 6544, section 4.2)
)

// Candidates writes host candidates as an answer has them: UDP ones, and TCP ones to which the client connects (RFC 6544).
func Candidates(udp, tcp []netip.AddrPort) []string {
	all := make([]string, 0, len(udp)+len(tcp))
	for i, a := range udp {
		local := max(65535-i, 0)
		all = append(all, fmt.Sprintf("u%d 1 udp %d %s %d typ host", i+1, priority(local), a.Addr(), a.Port()))
	}
	for i, a := range tcp {
		local := passive<<13 | max(8191-i, 0)
		all = append(all, fmt.Sprintf("t%d 1 tcp %d %s %d typ host tcptype passive", i+1, priority(local)-tcpLess, a.Addr(), a.Port()))
	}
	return all
}

// tcpLess takes TCP below UDP: 6 of the type preference.
const tcpLess = 6 << 24

func priority(local int) uint32 { return hostPreference<<24 | uint32(local)<<8 | 255 }
