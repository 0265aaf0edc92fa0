// Package talker is a synthetic person: a peer (bench/peer) that sends stamped audio and video at their pace and keeps a log
// of what it sent, what it heard from whom by which way, what happened to it, and what its network dropped.
package talker
