//go:build !unix

package socket

import (
	"net"
	"syscall"
)

// rawConn is nothing here: a connection waits in its read, with a buffer.
func rawConn(net.Conn) syscall.RawConn { return nil }

func (c *Conn) tryRead(uintptr) bool { return true }
