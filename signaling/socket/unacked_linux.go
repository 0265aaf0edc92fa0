package socket

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// limitUnacked ends a connection whose peer acknowledges nothing for d of what was sent to it, or keeps its window shut for so
// long (TCP_USER_TIMEOUT, RFC 5482). A write is over when the kernel has taken it, which takes megabytes; and a peer that does
// not read soon acknowledges nothing, and then not even what it sends comes: its kernel drops all that is beyond its window,
// the acknowledgements of its own packets too. Then no queue fills and no limit counts, and only the heartbeat would see it.
func limitUnacked(conn net.Conn, d time.Duration) {
	if inner, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS
		conn = inner.NetConn()
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { // where it fails the heartbeat is left
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
	})
}
