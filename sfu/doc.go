// Package sfu forwards media between the members of a zone.
//
// What flows: a member opens the link (link.go), a WebSocket, and shows its token; the topology controller admits it or
// not, and a session (session.go) begins. Its offer (sdp.go, negotiate.go) names the uplinks that it sends and the slots
// that it wants filled. Each encoding of an uplink has one reader (uplink.go) that puts packets into a ring (ring.go) and
// hands them to every slot that the room (room.go) has given to that source; who gets which slot is decided by selection
// (selection.go) and told in SLOTS. A slot (slot.go) writes the packet on a numbering of its own (rewrite.go), with the
// SSRC, payload type and extension ids of its receiver; Pion encrypts it, and the one socket (socket.go) takes it to the
// kernel, or to the relay for a client that is reached only by TURN. Retransmissions come out of the same ring, sender
// reports (report.go) are carried onto the slot's numbering, and key frames are asked for where a slot needs one.
//
//	link -> session -> uplink -> layer -> ring -> slots -> Pion (SRTP, ICE) -> socket -> network or relay
//
// Who owns what: a session's run goroutine owns its life and is the only one that talks to the controller about it; a
// layer's reader owns the layer's packets; one ticker serves all rooms. Locks are taken in the order SFU, room, session or
// slot, layer; the forward path takes the slot's alone, and none is held while the controller is called, so that
// EndSession may be called with the controller's lock held.
//
// What waits, and what happens when it is full: packets from the relay (the newest is dropped), a TCP client's packets
// (its own are dropped), the link's messages (the link is closed, the media goes on for the grace). A layer's ring
// replaces its oldest. A packet is never queued between an uplink and a slot.
//
// The SFU is ICE-lite, reads no candidates of clients, and so sends to no address that has not proved by a check that it
// knows the session's password (RFC 8445, sections 2.5 and 7.3).
package sfu
