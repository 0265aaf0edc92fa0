// Package turn answers STUN bindings and TURN on the same UDP and TCP ports, with a closed relay: a relayed
// address is a name in a table of this process (RFC 5737's 192.0.2.1 unless configured otherwise), never an open
// socket.
//
// What flows in: datagrams and streams of clients, the controller's word on who may allocate, and the SFU's packets
// for relayed names. What flows out: the clients' answers, packets between two members of one zone, handed over in
// memory, and packets from relayed names to the SFU's media addresses. Nothing else can be reached through it: there
// is no code here that opens a connection or a port.
//
// The way of a packet on a channel: a read of the socket (socket.go, some datagrams at a time) or of the connection
// (stream.go, some frames at a time) -> shortcut (the channels that pion/turn has bound and not let go) -> route (is the
// sender's port alive, the destination's, are they of one zone; or is it the SFU) -> the receiver's channel number is
// written over the sender's where the packet lies -> the round (round.go), which at the end of what was read sends all of
// it: one sendmmsg for all UDP clients, packets of one size to one client as one message, one write for each TCP client.
// No goroutine wakes for it but the reader, nothing is copied between the two system calls over UDP and once over TCP,
// nothing is allocated.
//
// All else, requests and Send indications, goes on to pion/turn, which keeps allocations, permissions, channels and their
// lifetimes: its read loop is the reader. Its packets come back through port (the net.PacketConn that pion/turn takes for
// a relay socket) to route, and what has no channel at its receiver waits in that port's queue for pion/turn to make a
// Data indication of it.
//
// What paid, by `bench relay` at 10,000 packets a second on two virtual processors, where waking a thread costs more than
// passing a packet on (coturn took 20 to 44 µs a packet, this package 20 to 50 before):
//
//   - reading and writing by the batch, leaving pion/turn out, and waiting in the read instead of in Go's poller: 9 to 23 µs,
//     the more the evener the packets come. At 3,000 a second it is 23 instead of 80, at 1,000 48 to 73 instead of 130;
//   - a reader that Go's scheduler sees every 5 ms (batch.Reader). Before, the scheduler took its processor away each 10 ms
//     and its monitor thread then looked every 20 µs, for as much processor time as the relaying itself;
//   - letting packets gather for a tenth of a millisecond while they come faster than 20,000 a second (turn/batch: pace): 5 to
//     6 µs at 30,000.
//
// What did not: to let them gather for half a millisecond. At 10,000 a second a packet took 7 to 9 µs instead of 8 to 13, and
// 0.35 ms more, which is three times what coturn adds; at 30,000 it saved 1 µs. A reader that waits in recvmmsg whatever the
// rate: a packet after more than 10 ms of silence wakes the monitor thread for some sixty rounds, so that a lone call cost more
// than through Go's poller; hence the three ways of waiting. A cache of the last sender, a copy less in the TCP queue: not to be
// seen beside the system calls, left out. Over TCP and TLS a packet costs about what it costs coturn: there a reader wakes for
// each connection, and TLS needs its writer's goroutine, since encrypting and waiting for the client are one call.
package turn
