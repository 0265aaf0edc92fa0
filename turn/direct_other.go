//go:build !unix

package turn

import "net"

// direct would write to a TCP connection what its socket has room for; here writeLoop alone writes.
type direct struct{}

func newDirect(net.Conn) *direct { return nil }

func (*direct) write([]byte) int { return 0 }
