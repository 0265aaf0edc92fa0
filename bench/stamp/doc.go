// Package stamp makes media packets that say who sent them, as what, in which order and when, inside the RTP payload, so
// that whoever forwards them as Opus and VP8 leaves the stamp whole, and the receiver can tell what was lost, doubled or late
// whatever happened to SSRC, sequence number, timestamp and VP8 picture id on the way.
package stamp
