// Package topology moves each zone's media between P2P_DIRECT, P2P_TURN and SFU.
package topology
