package sfu

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"atrium/topology"
)

// Controller is what the SFU asks and tells the topology controller.
type Controller interface {
	// AdmitSession checks a shown token against the live members.
	AdmitSession(token string) (topology.Session, error)
	// SessionUp: ICE and DTLS of the session are up.
	SessionUp(s topology.Session)
	// SessionFlowing: every uplink that the member offered was seen and forwarded.
	SessionFlowing(s topology.Session)
	// SessionDown: the session is over.
	SessionDown(s topology.Session)
}

// Relay is the TURN server's in-process switch: the way to clients that are only reachable by their relayed address.
type Relay interface {
	// Owns says whether an address is a relayed name, not an address of the network.
	Owns(addr netip.AddrPort) bool
	// Send gives a packet to the owner of the relayed name to; false: no such name is live.
	Send(p []byte, from, to netip.AddrPort) bool
}

// Options of an SFU. UDP, TCP (nil: no ICE-TCP) and Controller are handed over; the SFU closes the sockets at Shutdown.
type Options struct {
	UDP        net.PacketConn // a *net.UDPConn
	TCP        net.Listener
	PublicIP   netip.Addr // advertised instead of the sockets' own addresses; zero: these
	AudioSlots int        // most downlink slots of a session, default 24
	VideoSlots int
	Grace      time.Duration // how long the media goes on after the link was lost, default 5 s
	Heartbeat  time.Duration // of the link, default 20 s
	FrameBytes int           // largest frame of the link, default 1 MiB
	Controller Controller
	Relay      Relay
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// SFU forwards media between the members of each zone.
type SFU struct {
}

// New starts an SFU on the given sockets.
func New(o Options) (*SFU, error) { return nil, errors.New("sfu: under way") }

// SetRelay joins the SFU with the relay. It may be called once, after New and before media flows by it.
func (f *SFU) SetRelay(r Relay) {}

// Link serves /sfu, the WebSocket over which a member negotiates its session.
func (f *SFU) Link() http.Handler { return http.NotFoundHandler() }

// EndSession ends a user's session in a zone: "left" (no member any more) or "released" (the zone left the SFU).
// It returns at once; it may be called with the controller's lock held.
func (f *SFU) EndSession(zone, user uuid.UUID, reason string) {}

// Deliver takes a packet that the owner of the relayed name from sent to the media address to. The packet is copied.
func (f *SFU) Deliver(p []byte, from, to netip.AddrPort) {}

// Addrs are the UDP addresses that the SFU advertises, which are those that the relay passes packets to.
func (f *SFU) Addrs() []netip.AddrPort { return nil }

// Mute drops (on) or passes (off) the audio of a user in a zone; it holds for later sessions too, until it is lifted.
func (f *SFU) Mute(zone, user uuid.UUID, on bool) {}

// Shutdown ends every session and closes the sockets.
func (f *SFU) Shutdown(ctx context.Context) error { return nil }
