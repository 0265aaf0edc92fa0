// Package signaling is the zone protocol's server. WebSocket frames of clients flow in, are decoded by
// protocol, decided by space and, where membership or negotiation is concerned, told to the topology
// controller; frames to those whom it concerns flow out through their sockets' outboxes. The same handler
// serves the guest login and the description of the worlds.
//
// One mutex, Server.mu, guards the worlds and who is where in them. The lock order of the process is
// Server.mu, the controller's lock, then the registry and the outboxes, which are leaves. The methods that carry
// out the controller's effects are called with the controller's lock held, so they use the registry only.
package signaling
