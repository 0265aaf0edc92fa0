// Package relay measures a TURN server between two clients of its own: allocations and channels are made by requests, as
// any client makes them (client.go), then ChannelData goes both ways over every pair of allocations at a given rate
// (load.go), each packet stamped with its number and the time that it was sent. Where the kernel says when a datagram
// came (UDP), that is the time of its arrival, so that the client's own wake-ups are not part of the latency, and the
// client reads in intervals, so that the server is not charged for waking it. The same client measures Atrium, with
// credentials that two members of a zone were given over /signal (office.go), and coturn (coturn.go).
package relay
