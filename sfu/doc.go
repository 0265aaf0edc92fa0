// Package sfu forwards media between the members of a zone.
//
// What flows: a member opens the link (link.go), a WebSocket, and shows its token; the topology controller admits it or
// not, and a session (session.go) begins. Its offer (sdp.go, negotiate.go) names the uplinks that it sends and the slots
// that it wants filled. Media passes Pion by: Pion does ICE and DTLS over the one socket (socket.go), and the socket takes
// what is SRTP or SRTCP and comes from an address that a check has proved, and gives it to the session's transport
// (transport.go), which decrypts it with keys of its own (keys.go) straight into the ring (ring.go) of the uplink layer that
// the packet belongs to (route.go, uplink.go). What a read brought is then handed to every slot that the room (room.go) has
// given to that source; who gets which slot is decided by selection (selection.go) and told in SLOTS. A slot (slot.go)
// writes the packet on a numbering of its own (rewrite.go), with the SSRC, payload type and extension ids of its receiver;
// the receiver's transport encrypts it in the place in the batch (batch.go) from which the socket takes it to the kernel, or
// to the relay for a client that is reached only by TURN. Retransmissions come out of the same ring, sender reports
// (report.go) are carried onto the slot's numbering, and key frames are asked for where a slot needs one. What the SFU tells
// the senders of their streams is in reception.go.
//
//	link -> session
//	socket -> transport (in) -> ring -> slots -> transport (out) -> batch -> network or relay
//
// Who owns what: a session's run goroutine owns its life and is the only one that talks to the controller about it; the
// socket's reader carries a packet all the way from its read to the writes that it causes (for a client on TCP its
// connection's reader does), and no media has a goroutine of its own; one ticker serves all rooms and sessions. Locks are
// taken in the order transport.inMu, SFU, room, session or slot, layer, transport.outMu; none is held while the controller is
// called, so that EndSession may be called with the controller's lock held.
//
// What waits, and what happens when it is full: packets from the relay (the newest is dropped), a TCP client's packets
// (its own are dropped), the link's messages (the link is closed, the media goes on for the grace). A layer's ring
// replaces its oldest. A packet waits between an uplink and a slot only for the rest of what one read brought.
//
// What a packet costs (bench fanout says how much): the kernel's part of a write is most of it, encryption a fifth, all else
// together less than that. So the work is in writing little and waking seldom. The reader takes all that has come by one
// recvmmsg, and what follows from it is written by as few sendmmsg as it takes, in which the packets to one receiver are one
// message where they have one size (UDP_SEGMENT). While a packet is encrypted for fifty receivers the rest of its frame
// comes, so the reader looks again before it writes; it sleeps a tenth of a millisecond for it where much is at stake, and
// nothing waits for more than half of one. All of it is one goroutine's, so one core forwards; signaling, handshakes and
// clients on TCP have the others. Messages of feedback are read where they stand, as each receiver sends many.
//
// What was tried and did not pay:
//
//   - A thread that waits in the kernel (ppoll) for the socket, in place of Go's poller: a third more and worse, since the runtime takes
//     the processor away from who waits in a system call and has to give it back.
//   - To tell Go's scheduler of reads and writes that never sleep (Syscall in place of RawSyscall): the first call after a
//     pause wakes the runtime's monitor thread, which alone was a tenth of everything.
//   - A smaller batch for the caches' sake: with 256 KB, a frame for fifty receivers takes two writes, and messages are
//     half as long; 512 KB are no slower for the processor.
//
// The SFU is ICE-lite, reads no candidates of clients, and so sends to no address that has not proved by a check that it
// knows the session's password (RFC 8445, sections 2.5 and 7.3).
package sfu
