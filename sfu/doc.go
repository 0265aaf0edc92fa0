// Package sfu forwards media between the members of a zone.
//
// What flows: a member opens the link (link.go), a WebSocket, and shows its token; the topology controller admits it or
// not, and a session (session.go) begins. Its offer (package offer, negotiate.go) names the uplinks that it sends and the slots
// that it wants filled; what each section agreed on (offer.Agreed: codecs, header extensions) is known to its uplink or slot.
// The socket (socket.go) takes what comes: checks of ICE say which address is whose and where a client is reached (package ice,
// connect.go), DTLS gives the keys (dtls.go, keys.go), and what is SRTP or SRTCP and comes from an address that a check has
// proved is given to the session's transport (transport.go), which decrypts it straight into the ring (ring.go) of the uplink
// layer that the packet belongs to (route.go, uplink.go). What a read brought is then handed to every slot that the room
// (room.go) has given to that source; who gets which slot is decided by selection (selection.go) and told in SLOTS. A slot
// (slot.go) writes the packet on a numbering of its own (rewrite.go), with the SSRC, payload type and extension ids of its
// receiver; the receiver's transport encrypts it in the place in the batch (batch.go) from which the socket takes it to the
// kernel, or to the relay for a client that is reached only by TURN, or to the queue of one on TCP (tcp.go). Retransmissions
// come out of the same ring, sender reports (report.go) are carried onto the slot's numbering, and key frames are asked for
// where a slot needs one. What the SFU tells the senders of their streams is in reception.go.
//
//	link -> session
//	socket -> ICE, DTLS -> transport: where the client is, and its keys
//	socket -> transport (in) -> ring -> slots -> transport (out) -> batch -> network, relay or TCP
//
// Who owns what: a session's run goroutine owns its life and is the only one that talks to the controller about it; the
// socket's reader carries a packet all the way from its read to the writes that it causes (for a client on TCP its connection's
// reader does), and no media has a goroutine of its own; a handshake has while it lasts, and a TCP connection a reader and a
// writer; one ticker serves all rooms and sessions. Locks are taken in the order transport.wayMu, transport.inMu, SFU, room,
// session or slot, layer, transport.outMu; none is held while the controller is called, so that EndSession may be called with
// the controller's lock held.
//
// What waits, and what happens when it is full: packets from the relay (the newest is dropped), a TCP client's packets
// (its own are dropped), the link's messages (the link is closed, the media goes on for the grace). A layer's ring
// replaces its oldest. A packet waits between an uplink and a slot only for the rest of what one read brought, or in its ring
// for the pace of its receiver (held.go: at most 300 ms, or a key frame's length).
//
// Who is in whose slots (seating.go): while slots suffice, everybody. Else microphones stand in one ranking for the room, in
// which only a clearly louder voice (voice.go, by the levels of RFC 6464) passes another, and each receiver hears its head; of
// pictures, each receiver has a bounded number of candidates (pinned in VIEW, screens, who spoke last, who stands near:
// nearby.go), of which the best are assigned. So a member costs the same in a room of 20 and of 200 (BenchmarkRoom).
//
// What a receiver is sent (layers.go, allocate.go): its transport-wide feedback tells an estimator what the way to it carries
// (package estimate, downlink.go). Audio comes first; of the rest each picture gets its lowest layer, then each the next, up to
// the height that VIEW says it is shown with. A layer is changed at a key frame, on a timeline that goes on; one that is far
// too much is stopped at once. A picture for which nothing is left is paused and SLOTS calls it inactive. Where more would be
// of use, a probe sends the last packets again, or padding, in steps. What the SFU adds of its own is bounded: probes by their
// steps, retransmissions by a quarter of the estimate, one per round trip and packet; what is over is dropped and asked for
// again. A packet was sent when it was written, and feedback came when the kernel had it (batch.go, read_linux.go): what a busy
// machine keeps back is no queue of the network.
//
// Media comes paced by its senders, but what several send at once to one receiver is a burst all the same: key frames that
// coincide, or all slots of who has just come. A bucket for each receiver (pace.go), which its estimate fills, says from when on
// packets of pictures may go. It holds more than frames of the usual sizes, which pass in the batch that brought them, at the
// price of one atomic load. What may not go yet stays where it is: the slot remembers a place in the ring of its layer
// (held.go), so nothing is copied and no queue grows; the pacer, which sleeps unless something waits or a probe is under way,
// goes on from there every 5 ms, who came first first. A key frame replaces what waits before it and is then sent to its end;
// other pictures that have waited for 300 ms are given up for a key frame. Voices never wait. A packet gets its numbers
// when it goes. Where key frames of three senders coincide every second (bench squeeze --key-every), voices wait 7 ms in the
// link's queue for the 33 without, the longest 110 for 193; on a wide link nothing is held, and a packet costs the same.
//
// What did not pay there: the slope of the one-way delay (GCC's trend line), which a key frame bends as a narrow link does,
// so that it needs more smoothing than 300 ms allow; the standing queue needs none. To answer every NACK, which kept a full
// queue full. To lower the estimate to what little is sent whenever some of it is lost or late: it takes probes to get it
// back.
//
// Codecs: what a packet says of its picture (picture.go; vp8.go, h264.go, vp9.go, av1.go) is read once, and is all that
// forwarding knows of them. A source can be taken in rungs: an encoding of its simulcast, or so many spatial layers of its
// stream, and of either some temporal layers (cut.go); half of the frames go before the picture gets smaller, more of them only
// before it goes. What is left out leaves no gap (rewrite.go). Spatial layers are added in key pictures and dropped at any;
// below the cut everything is taken, also what L3T3_KEY does not need between its key pictures: else a step down would need
// one. AV1's mask of active decode targets is not rewritten: Chromium's decoder shows the highest layer that comes. Sound is
// Opus, with its in-band repair, or RED (red.go), which is passed to those who take it; the others get the sound out of it. A
// slot carries any codec that its section offered; a source in another is in none of the member's (seating.go).
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
//   - Shorter slices of the kernel's scheduler for the whole process (sched_setattr, EEVDF): p99 beside other work falls, on a quiet
//     machine nothing changes, and a tick of presence, which is cut up then, costs half as much again (0.79 and 1.22 µs an update).
//   - A smaller batch for the caches' sake: with 256 KB, a frame for fifty receivers takes two writes, and messages are
//     half as long; 512 KB are no slower for the processor.
//
// The SFU is ICE-lite, reads no candidates of clients, and so sends to no address that has not proved by a check that it
// knows the session's password (RFC 8445, sections 2.5 and 7.3). What proves nothing is not answered at all. An address is the
// session's that proved it last, a session has a bounded number of them, and a client is reached where it nominated last.
//
// A session at rest is its state and two goroutines, its own and its link's. It was a PeerConnection of Pion, of which ICE and
// DTLS alone were used: twice the memory, five times the processor time of an answer, and goroutines of which one raced with
// the session's end. Of DTLS there is a connection while a handshake lasts, and for a moment where one side says goodbye;
// between, the last flight and the state are enough (dtls.go).
package sfu
