package topology

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config is all that the controller is told at its start.
type Config struct {
	// Default is the policy of every zone type that Policies does not name.
	Default  Policy
	Policies map[string]Policy // by ZoneType

	TURN TURNConfig

	// SFUSecret signs the SFU tokens (HS256).
	SFUSecret []byte
	// TokenTTL is how long an SFU token may be shown; the session it opens outlives it.
	TokenTTL time.Duration

	// Registerer takes the controller's metrics; nil: none are kept.
	Registerer prometheus.Registerer
}

// Policy says when a zone's media changes its way. Thresholds up and down differ, so that one person
// walking in and out of a door does not move everybody's media each time.
type Policy struct {
	PromoteAt   int           // live members at which the zone goes to the SFU
	DemoteAt    int           // live members at or under which it may come back
	DemoteAfter time.Duration // for how long it must have stayed there
	Dwell       time.Duration // the least time between a change and one that only saves resources
	Deadline    time.Duration // how long a change waits for the reports of its members
	Cooldown    time.Duration // after a roll-back: no new try for as long
}

// TURNConfig describes the relay as the controller needs it.
type TURNConfig struct {
	Enabled            bool
	URLs               []string
	Secret             []byte
	TTL                time.Duration
	AllocationsPerPair int
}

// DefaultPolicy is the zone protocol's: up at 5, down at 3 after 10 s.
func DefaultPolicy() Policy {
	return Policy{
		PromoteAt:   5,
		DemoteAt:    3,
		DemoteAfter: 10 * time.Second,
		Dwell:       10 * time.Second,
		Deadline:    10 * time.Second,
		Cooldown:    30 * time.Second,
	}
}

// normal fills in what was left out.
func (c Config) normal() Config {
	if c.Default == (Policy{}) {
		c.Default = DefaultPolicy()
	}
	if c.TokenTTL <= 0 {
		c.TokenTTL = time.Minute
	}
	if c.TURN.TTL <= 0 {
		c.TURN.TTL = time.Hour
	}
	if c.TURN.AllocationsPerPair <= 0 {
		c.TURN.AllocationsPerPair = 6
	}
	return c
}

// rules gives what the state machine knows of the relay. Credentials are renewed when three quarters of their
// time are over, so that one renewal may be lost and an allocation made at the last moment still has some.
func (c TURNConfig) rules() relayRules {
	return relayRules{on: c.Enabled, refresh: max(c.TTL/4*3, time.Second), perPair: c.AllocationsPerPair}
}
