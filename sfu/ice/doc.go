// Package ice is the lite side of ICE (RFC 8445, section 2.5), without a socket: it reads connectivity checks and writes what
// answers them. A lite agent sends no checks of its own; who it may send to, and where its peer is reached, follows from those
// that come.
//
//	packet -> Read -> Check -> Proves(password)? -> Answer -> packet
//
// What does not prove the password is not answered at all, not even by an error as RFC 8489, section 9.1.3, has it: the SFU
// sends nothing to an address of which it does not know that its owner is a member.
package ice
