// Package topology moves each zone's media between P2P_DIRECT, P2P_TURN and SFU, and is the one place that knows
// who is a live member of what: every credential that is shown anywhere in the process is held against its table.
//
// # What flows in and out
//
// In: from the signaling server who joined, left, lost its connection and resumed, what members report (ICE_FAILED,
// SFU_CONNECTED, SFU_DISCONNECTED); from the SFU tokens that are shown and what becomes of the sessions; from the TURN
// server usernames that are shown; and time. Out, to a [Sink]: TURN_CREDENTIALS, PROMOTE_TO_SFU and TOPOLOGY_CHANGED
// for single members, and orders to end a session or allocations.
//
// The package imports nothing of the project. [Controller] is the shell: a mutex, a table of zones, a timer per zone,
// the minting of credentials. All decisions are in step (step.go), which is a deterministic function of a zone, an
// event and the time. It does no I/O and reads no clock.
//
// # The states of a zone
//
// A zone is settled in one topology or in a change from one to another. Each try of a change takes the next epoch, and
// an epoch names one topology of one zone for ever. During a change the epochs of both ways are good, after it only that
// of the way in force.
//
//	           first failure of a pair (relay)
//	P2P_DIRECT ------------------------------> P2P_TURN
//	  |    ^   <------------------------------    |  ^
//	  |    |    no such pair left, dwell (direct) |  |
//	  |    |                                      |  |
//	  | count reaches promote_at, or a pair that  |  |
//	  | the relay does not join either; not       |  |
//	  | before the cool-down is over              |  |
//	  v    |                                      v  |
//	[ promotion: PROMOTE_TO_SFU to each; all reported and flowing, or half at the deadline: commit ]
//	  |    ^ fewer than half at the deadline: rolled_back to where it was, cool-down
//	  v
//	 SFU <------------------------------------------------------.
//	  | count at or under demote_at for demote_after, dwell and  | the SFU is needed after all:
//	  | cool-down over, all know topology_changed (demoted);     | rolled_back at once, cool-down
//	  | or one fails three times in a minute                     |
//	  v                                                          |
//	[ demotion to P2P_DIRECT, or P2P_TURN while a pair needs it; its members SFU_DISCONNECTED, or the deadline: commit ]
//
//	the last member leaves: P2P_DIRECT at once; only the count of epochs remains
//
// A demotion to P2P_DIRECT in which a pair fails goes on as one to P2P_TURN, with the next epoch.
//
// Beside that a zone may have releases pending: a way that was left, whose sessions or allocations are kept until
// members have had the time to give them up. After a promotion these are the relay's allocations (3 s), after relay to
// direct the same (the deadline; dropped if the relay is needed again), after a roll-back of a promotion the SFU
// sessions that were up already (the deadline). After a demotion the sessions go at once: everybody has left them.
//
// # Files
//
// state.go, event.go and effect.go say what there is; step.go runs an event; membership.go, promote.go, sessions.go,
// demote.go and relay.go hold the rules, policy.go decides when they apply, due.go when to look again. admission.go
// answers the doors, credentials.go writes and reads what is shown there, shell.go carries effects out.
package topology
