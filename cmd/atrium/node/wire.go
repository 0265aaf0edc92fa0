package node

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"

	"github.com/prometheus/client_golang/prometheus"

	"atrium/configs"
	"atrium/sfu"
	"atrium/signaling"
	"atrium/signaling/identity"
	"atrium/signaling/socket"
	"atrium/signaling/space"
	"atrium/topology"
	"atrium/turn"
)

// parts are what a node runs. None of them knows another one but by the interfaces that it declares.
type parts struct {
	controller *topology.Controller
	sfu        *sfu.SFU
	turn       *turn.Server // nil: off
	members    *signaling.Server
	papers     papers
}

// wire makes the parts on the sockets of l. After an error every socket is closed.
func wire(cfg *configs.Config, worlds []*space.Map, secrets configs.Secrets, l *listeners, addrs Addrs,
	logger *slog.Logger, metrics prometheus.Registerer) (_ *parts, err error) {
	keys, err := cfg.Auth.Keys()
	if err != nil {
		return nil, err
	}
	auth := identity.Auth{Secret: secrets.Auth, PublicKeys: keys, Issuer: cfg.Auth.Issuer}
	s := &sink{}
	p := &parts{}
	if p.papers, err = openPapers(cfg, logger, metrics); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = p.papers.close() // nothing is in it yet
		}
	}()
	p.controller = topology.New(controllerConfig(cfg, secrets, addrs.TURN, metrics), s, logger.With("part", "topology"))
	p.sfu, err = sfu.New(sfu.Options{
		UDP: l.sfuUDP, TCP: l.sfuTCP, PublicIP: cfg.Media.PublicIP,
		AudioSlots: cfg.SFU.AudioSlots, VideoSlots: cfg.SFU.VideoSlots,
		Grace: cfg.Session.Grace, Heartbeat: cfg.Session.Heartbeat, Connect: cfg.Session.ConnectTimeout, FrameBytes: cfg.Limits.SFUFrameBytes,
		Negotiation: socket.Rate(cfg.Limits.Negotiation), Other: socket.Rate(cfg.Limits.Other),
		Controller: p.controller, Places: s, Logger: logger.With("part", "sfu"), Registerer: metrics,
	})
	if err != nil {
		p.controller.Close()
		return nil, err
	}
	if cfg.TURN.Enabled {
		p.turn, err = turn.New(turnOptions(cfg, l, p, logger, metrics))
		if err != nil {
			now, cancel := context.WithCancel(context.Background())
			cancel() // nobody is connected yet: nothing to wait for
			_ = p.sfu.Shutdown(now)
			p.controller.Close()
			return nil, err
		}
		p.sfu.SetRelay(p.turn)
	}
	p.members = signaling.New(signaling.Options{
		Worlds: worlds,
		Rules: space.Rules{
			MaxSpeed: cfg.Movement.MaxSpeed, Slack: cfg.Movement.Slack, Reach: cfg.Movement.Reach,
			Removal: cfg.Moderation.Removal, Kick: cfg.Moderation.Kick,
		},
		Auth:       auth,
		Controller: p.controller,
		Muter:      p.sfu,
		Kicked:     p.papers.recheck,
		PublicURL:  cfg.Server.PublicURL,
		STUN:       stunURLs(cfg, addrs),
		GuestLogin: cfg.Auth.GuestLogin,
		Limits: signaling.Limits{
			Presence: signaling.Rate(cfg.Limits.Presence), Movement: signaling.Rate(cfg.Limits.Movement),
			Negotiation: signaling.Rate(cfg.Limits.Negotiation), Other: signaling.Rate(cfg.Limits.Other),
		},
		Grace: cfg.Session.Grace, Heartbeat: cfg.Session.Heartbeat, ConnectTimeout: cfg.Session.ConnectTimeout,
		Tick: cfg.Presence.Tick, FrameBytes: int64(cfg.Limits.FrameBytes), Queue: cfg.Session.Queue,
		Logger: logger.With("part", "signaling"), Registerer: metrics,
	})
	p.papers.serve(cfg, auth, p.members, logger, metrics)
	s.members, s.sessions, s.allocations = p.members, p.sfu, p.turn
	return p, nil
}

func controllerConfig(cfg *configs.Config, secrets configs.Secrets, urls []string, metrics prometheus.Registerer) topology.Config {
	c := topology.Config{
		Default:    policy(cfg.Topology),
		Policies:   make(map[string]topology.Policy),
		SFUSecret:  make([]byte, 32),
		TokenTTL:   cfg.SFU.TokenTTL,
		Registerer: metrics,
		TURN: topology.TURNConfig{
			Enabled: cfg.TURN.Enabled, URLs: urls, Secret: secrets.TURN,
			TTL: cfg.TURN.CredentialTTL, AllocationsPerPair: cfg.TURN.AllocationsPerPair,
		},
	}
	// SFU tokens live for a minute and name live members: none of them needs to outlive the process.
	rand.Read(c.SFUSecret) // never fails (crypto/rand since Go 1.24)
	for zone, t := range cfg.Topology.ByType() {
		c.Policies[zone] = policy(t)
	}
	return c
}

func policy(t configs.Topology) topology.Policy {
	return topology.Policy{
		PromoteAt: t.PromoteAt, DemoteAt: t.DemoteAt, DemoteAfter: t.DemoteAfter,
		Dwell: t.Dwell, Deadline: t.Deadline, Cooldown: t.Cooldown,
	}
}

func turnOptions(cfg *configs.Config, l *listeners, p *parts, logger *slog.Logger, metrics prometheus.Registerer) turn.Options {
	o := turn.Options{
		Realm: cfg.TURN.Realm, RelayIP: cfg.TURN.RelayIP, Authority: p.controller,
		SFU: p.sfu, SFUAddrs: p.sfu.Addrs(),
		Logger: logger.With("part", "turn"), Registerer: metrics,
	}
	if l.turnUDP != nil {
		o.UDP = []net.PacketConn{l.turnUDP}
	}
	for _, t := range []net.Listener{l.turnTCP, l.turnTLS} {
		if t != nil {
			o.TCP = append(o.TCP, t)
		}
	}
	return o
}

// describe tells what a part that could not start was about.
func describe(err error) error { return fmt.Errorf("the node cannot start: %w", err) }
