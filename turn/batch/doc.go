// Package batch reads and writes UDP by the batch: many datagrams for one system call, and a run of datagrams of one
// size to one destination as one message that the kernel cuts up (UDP_SEGMENT, "GSO"; udp(7)). It knows nothing of what
// the datagrams hold.
//
// A Socket takes over a *net.UDPConn. On Linux it takes it out of Go's poller: its reader sleeps in recvmmsg(2) itself, so
// that a datagram wakes the thread that reads it and nobody else. Everywhere else it is the net package's socket, and a
// batch is one datagram.
//
// A Reader is one goroutine's; so is a Writer. A Writer keeps what it is given until Flush, without copying it.
package batch
