// Package forward measures the SFU between members whose media is this package's own, so that the load takes a fraction of
// what the SFU takes: each is a member by the zone protocol (/signal, /sfu), with ICE, DTLS and SRTP as any client has them
// (member.go, connect.go), but its packets are made and counted by one thread (load.go). That thread reads the sockets in
// intervals and the kernel says when a datagram came, so that the clients' own wake-ups are no part of the latency. Every
// packet is counted by its header, one in sampleEvery is decrypted for the stamp that it carries.
//
// What is sent is a timeline (timeline.go): bursts of equal packets, or frames of the sizes that an encoder makes, paced as
// a browser does. Whom they meet is a place: an office of Atrium's (office.go), or the room of another server under the same
// load (janus.go, janusroom.go). floor.go measures what the kernel and AES-GCM take by themselves for the same timeline.
package forward
