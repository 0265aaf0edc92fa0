package signaling

import (
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"atrium/signaling/socket"
	"atrium/signaling/space"
	"atrium/topology"
)

// Controller is what the signaling server tells the topology controller.
type Controller interface {
	Join(z topology.Zone, m topology.Member, welcome func(topology.View))
	Leave(zone, user uuid.UUID)
	Lost(zone, user uuid.UUID)
	Renewed(zone uuid.UUID, m topology.Member)
	Resume(z topology.Zone, m topology.Member, welcome func(topology.View))
	ICEFailed(zone, user, peer uuid.UUID) error
	SFUConnected(zone, user uuid.UUID) error
	SFUDisconnected(zone, user uuid.UUID, failed bool) error
}

var _ Controller = (*topology.Controller)(nil)

// Rate is a token bucket: so many a second, bursts of three times that.
type Rate = socket.Rate

// Limits are the token buckets of one connection. Zero fields take the default beside them.
type Limits struct {
	Presence    Rate // PRESENCE_UPDATE: 20
	Movement    Rate // MOVE_INTENT, ZONE_TRANSITION: 20
	Negotiation Rate // SDP, ICE and SFU reports: 100
	Other       Rate // everything else: 10
}

// Options are all that a Server is told at its start. Durations and numbers of zero take the default beside them.
type Options struct {
	Worlds     []*space.Map // the first is the one that guests are sent to
	Rules      space.Rules
	Auth       Auth
	Controller Controller
	Muter      Muter // nil: mutes are told, and nobody enforces them on media that the server carries

	// Kicked is called after a kick, without any lock: what the world opened to its people is closed to one of them. Nil:
	// nothing else is.
	Kicked func()

	// PublicURL is how clients reach this process (https://office.example); from it follows sfu_url. Empty: the
	// host and scheme by which a client came to /signal.
	PublicURL string

	// STUN are the servers that CONNECTED names, as stun: URLs (RFC 7064).
	STUN []string

	GuestLogin bool
	GuestTTL   time.Duration // 12 h

	Limits         Limits
	Grace          time.Duration // 5 s
	Heartbeat      time.Duration // 20 s
	ConnectTimeout time.Duration // 10 s
	Tick           time.Duration // of presence: 66 ms
	Flooding       time.Duration // over a limit for so long on end: closed, 10 s
	FrameBytes     int64         // 64 KiB
	Queue          int           // ordered messages that wait for a reader: 256

	ServerVersion string // told in CONNECTED: "1.0.0"
	Logger        *slog.Logger
	Registerer    prometheus.Registerer // nil: no metrics are registered
	Now           func() time.Time      // time.Now
}

func (o Options) withDefaults() Options {
	dur := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	rate := func(r *Rate, v Rate) {
		if *r <= 0 {
			*r = v
		}
	}
	dur(&o.GuestTTL, 12*time.Hour)
	dur(&o.Grace, 5*time.Second)
	dur(&o.Heartbeat, 20*time.Second)
	dur(&o.ConnectTimeout, 10*time.Second)
	dur(&o.Tick, 66*time.Millisecond)
	dur(&o.Flooding, 10*time.Second)
	rate(&o.Limits.Presence, 20)
	rate(&o.Limits.Movement, 20)
	rate(&o.Limits.Negotiation, 100)
	rate(&o.Limits.Other, 10)
	if o.FrameBytes <= 0 {
		o.FrameBytes = 64 << 10
	}
	if o.Queue <= 0 {
		o.Queue = 256
	}
	if o.Rules == (space.Rules{}) {
		o.Rules = space.DefaultRules()
	}
	if o.ServerVersion == "" {
		o.ServerVersion = "1.0.0"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}
