// Package peer is a client of Atrium in Go, written from the wire documents alone: what it knows of the server is the
// zone protocol and the SFU link. Messages come in over one WebSocket and are handled by one goroutine (Peer.run),
// which owns the zone as this client sees it: who is in it, one PeerConnection per other member while the topology is
// peer to peer, one to the SFU while it is not, and both while a change is under way. Media goes out through two local
// tracks that every one of these connections shares; what comes in is handed, packet by packet, to Hooks.Packet with
// the member it comes from, its kind and the way it came.
package peer
