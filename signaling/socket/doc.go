// Package socket is a WebSocket connection as this server uses it: text frames flow in through Read, one by one
// and no larger than a limit; frames flow out through a two-lane outbox that never makes its caller wait. The
// first lane is a bounded queue whose order holds, the second keeps the latest presence per user; of a tick all receivers
// share one copy, each without its own part. gorilla/websocket does the handshake and reads; frames are written here, since
// it would copy and write each by itself. A writer that
// exists only while there is something to write drains all that is ready and flushes it with one system call.
// The package also owns the heartbeat and a close handshake that ends in bounded time.
package socket
