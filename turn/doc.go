// Package turn answers STUN bindings and TURN on the same UDP and TCP ports, with a closed relay: a relayed
// address is a name in a table of this process (RFC 5737's 192.0.2.1 unless configured otherwise), never an open
// socket.
//
// What flows in: datagrams and streams of clients, the controller's word on who may allocate, and the SFU's packets
// for relayed names. What flows out: the clients' answers, packets between two members of one zone, handed over in
// memory, and packets from relayed names to the SFU's media addresses. Nothing else can be reached through it: there
// is no code here that opens a connection or a port.
//
// The way of a packet: socket or stream (frames, refusals) -> pion/turn (STUN, permissions, channels) -> port (the
// net.PacketConn that pion/turn takes for a relay socket) -> route (zone and destination are checked) -> the other
// port's queue, or its client's socket where a channel is bound, or the SFU.
package turn
