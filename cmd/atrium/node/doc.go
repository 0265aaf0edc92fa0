// Package node puts the parts of Atrium together in one process: signaling server, topology controller,
// SFU, TURN server, web client, and the listeners for people and for operators.
//
// In flows a configs.Config; out flows a running Node with the addresses that it really listens on. It is
// the one place that knows all parts. Tests and benchmarks start it as `atrium serve` does, any number of
// times in one process: a Node shares nothing with another.
package node
