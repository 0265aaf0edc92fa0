package peer

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/pion/rtp"
	"github.com/pion/transport/v4"
	"github.com/pion/webrtc/v4"
)

// Topology is a MediaTopology by its name on the wire (the zone protocol, section 5.2).
type Topology string

// The three topologies.
const (
	Direct Topology = "P2P_DIRECT"
	Relay  Topology = "P2P_TURN"
	SFU    Topology = "SFU"
)

// Kind is a kind of media.
type Kind uint8

// The kinds that this client sends.
const (
	Audio Kind = iota
	Video
)

// String names the kind as SDP does.
func (k Kind) String() string { return [...]string{"audio", "video"}[k] }

// Way is how a packet came.
type Way uint8

// The two ways between members: their own connection (direct or relayed), and the SFU.
const (
	WayP2P Way = iota
	WaySFU
)

// String names the way.
func (w Way) String() string { return [...]string{"p2p", "sfu"}[w] }

// Packet is a media packet that came in. It is valid during the call that brings it only.
type Packet struct {
	From uuid.UUID // uuid.Nil: in a slot that SLOTS has given to nobody yet
	Kind Kind
	Way  Way
	Mid  string
	SSRC uint32 // of the stream that this client receives
	RTP  *rtp.Packet
	At   time.Time
}

// Hooks tell what happens. Any may be nil. Packet is called from the goroutine of the stream, the others from the peer's
// own: none may block or call a method of Peer that waits.
type Hooks struct {
	Packet   func(Packet)
	Event    func(Event)
	KeyFrame func(Kind) // somebody asks for a key frame
	// LayerKeyFrame: the SFU asks for a key frame of one of Options.Layers.
	LayerKeyFrame func(layer int)
	Uplink        func(Uplink)
}

// Uplink is a stream that this peer sends: which SSRC its packets carry on which way.
type Uplink struct {
	Way  Way
	To   uuid.UUID // the other member; uuid.Nil: the SFU
	Kind Kind
	SSRC uint32
}

// Options say who the peer is and what it does.
type Options struct {
	URL   string    // of the node: http(s)://host:port
	World uuid.UUID // zero: the one that the guest login names

	// Token admits the user; empty: POST /api/guest with Name and Avatar.
	Token  string
	Name   string
	Avatar string
	// Features of CONNECT; nil: topology_changed.
	Features []string

	// Layers are the RIDs of the camera's encodings to the SFU, the smallest first; nil: one without a RID. They are written by
	// WriteLayer.
	Layers []string

	Muted    bool // the microphone's section is offered inactive
	NoCamera bool
	// ForceRelay lets media go over TURN only; RelayProtocol then keeps only the URLs of one transport ("udp", "tcp", "" for all).
	ForceRelay    bool
	RelayProtocol string
	AudioSlots    int // asked of the SFU, within what it offers; zero: 16
	VideoSlots    int

	// FeedbackEvery is how often transport-wide feedback goes out; zero: Pion's 100 ms.
	FeedbackEvery time.Duration

	// Net carries media and signaling; nil: the system's.
	Net transport.Net
	TLS *tls.Config
	// Setting may change Pion's settings after the peer's own.
	Setting func(*webrtc.SettingEngine)
	// Loopback: gather loopback candidates and nothing else.
	Loopback bool
	// ICEPatience is how long a pair may stay unconnected before ICE_FAILED; zero: 3 s.
	ICEPatience time.Duration

	Hooks  Hooks
	Logger *slog.Logger // nil: silence
}

func (o *Options) fill() error {
	if o.URL == "" {
		return errors.New("peer: URL is empty; it must be the node's, as in http://127.0.0.1:8080")
	}
	if o.Token != "" && o.World == uuid.Nil {
		return errors.New("peer: a token was given without a world to join")
	}
	if o.Features == nil {
		o.Features = []string{"topology_changed"}
	}
	if o.AudioSlots == 0 {
		o.AudioSlots = 16
	}
	if o.VideoSlots == 0 {
		o.VideoSlots = 16
	}
	if o.FeedbackEvery == 0 {
		o.FeedbackEvery = 100 * time.Millisecond
	}
	if o.ICEPatience == 0 {
		// The zone protocol's fallback counts on it: three seconds without a connection are a failure.
		o.ICEPatience = 3 * time.Second
	}
	if o.Name == "" {
		o.Name = "peer"
	}
	if o.Avatar == "" {
		o.Avatar = "synthetic"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}
