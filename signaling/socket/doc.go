// Package socket is a WebSocket connection as this server uses it. Text frames flow in to a Handler, one by one and no
// larger than a limit; frames flow out through a two-lane outbox that never makes its caller wait. The first lane is a
// bounded queue whose order holds, the second keeps the latest presence per user; of a tick all receivers share one copy, each
// without its own part. gorilla/websocket does the handshake; frames are read and written here, where they cost an idle
// connection no buffer and a busy one no copy. The package also owns the heartbeat and a close handshake that ends in
// bounded time.
//
// How a connection waits: on one goroutine, with the 2 KiB of stack that it was born with and no buffer. It borrows one for
// each try to read; when something came it gives the connection to a goroutine that has handled others a moment ago, whose
// stack has grown, and ends. That one takes the frames apart, calls the handler, and starts a new goroutine to wait. A
// connection that is no *net.TCPConn, as under TLS, waits in its read with a buffer. A writer exists only while there
// is something to write; it drains all that is ready and flushes it with one system call.
package socket
