package configs

import (
	"net/netip"
	"net/url"
	"time"

	"github.com/google/uuid"
)

// Config is everything that can be configured. atrium.yaml documents each key; a field's key is its
// path of yaml names (server.listen), and its variable that path in capitals (ATRIUM_SERVER_LISTEN).
type Config struct {
	Server     Server     `yaml:"server"`
	Admin      Admin      `yaml:"admin"`
	DataDir    Path       `yaml:"data_dir"`
	Log        Log        `yaml:"log"`
	Auth       Auth       `yaml:"auth"`
	Session    Session    `yaml:"session"`
	Limits     Limits     `yaml:"limits"`
	Presence   Presence   `yaml:"presence"`
	Movement   Movement   `yaml:"movement"`
	Moderation Moderation `yaml:"moderation"`
	Media      Media      `yaml:"media"`
	Topology   Topology   `yaml:"topology"`
	TURN       TURN       `yaml:"turn"`
	SFU        SFU        `yaml:"sfu"`
	Worlds     Worlds     `yaml:"worlds"`
	Documents  Documents  `yaml:"documents"`

	// File is where it came from; empty: the embedded demo's.
	File string `yaml:"-"`
	// sources says where a key was set: "atrium.yaml:12", or the variable.
	sources map[string]string
}

// Path is a file or directory. Relative ones in a file are relative to that file.
type Path string

// Secret is a shared secret; it never shows itself in a log.
type Secret string

// String hides the secret.
func (s Secret) String() string { return "(secret)" }

// RedisURL is where a Redis server is, with the password for it, which never shows itself in a log.
type RedisURL string

// String hides the password.
func (u RedisURL) String() string {
	parsed, err := url.Parse(string(u))
	if err != nil {
		return "(no URL)"
	}
	return parsed.Redacted()
}

// Server is the listener for people: web page, API, zone and document protocol, SFU link.
type Server struct {
	Listen    string `yaml:"listen"`
	PublicURL string `yaml:"public_url"`
	TLS       TLS    `yaml:"tls"`
}

// TLS names a certificate's files; both empty: none.
type TLS struct {
	Cert Path `yaml:"cert"`
	Key  Path `yaml:"key"`
}

// Admin is the listener for operators: metrics, health, pprof.
type Admin struct {
	Listen string `yaml:"listen"` // empty: none
}

// Log says what is logged, and how.
type Log struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

// Auth says whose tokens are accepted.
type Auth struct {
	Secret     Secret `yaml:"secret"`
	PublicKeys []Path `yaml:"public_keys"`
	Issuer     string `yaml:"issuer"`
	GuestLogin bool   `yaml:"guest_login"`
}

// Session bounds a connection's life.
type Session struct {
	Grace          time.Duration `yaml:"grace"`
	Heartbeat      time.Duration `yaml:"heartbeat"`
	ConnectTimeout time.Duration `yaml:"connect_timeout"`
	Queue          int           `yaml:"queue"`
}

// Limits bound what a connection may send: frame sizes, and messages a second by kind.
type Limits struct {
	FrameBytes    int `yaml:"frame_bytes"`
	SFUFrameBytes int `yaml:"sfu_frame_bytes"`
	Presence      int `yaml:"presence"`
	Movement      int `yaml:"movement"`
	Negotiation   int `yaml:"negotiation"`
	Other         int `yaml:"other"`
}

// Presence says how often presence goes out.
type Presence struct {
	Tick time.Duration `yaml:"tick"`
}

// Movement holds the numbers of the rules of movement.
type Movement struct {
	MaxSpeed float64 `yaml:"max_speed"`
	Slack    float64 `yaml:"slack"`
	Reach    float64 `yaml:"reach"`
}

// Moderation says how long a removal and a kick last.
type Moderation struct {
	Removal time.Duration `yaml:"removal"`
	Kick    time.Duration `yaml:"kick"`
}

// Media is where media can be reached.
type Media struct {
	PublicIP netip.Addr `yaml:"public_ip"` // zero: the listeners' own addresses
}

// Topology is when a zone's media changes its way, for all zone types and for each.
type Topology struct {
	PromoteAt   int           `yaml:"promote_at"`
	DemoteAt    int           `yaml:"demote_at"`
	DemoteAfter time.Duration `yaml:"demote_after"`
	Dwell       time.Duration `yaml:"dwell"`
	Deadline    time.Duration `yaml:"deadline"`
	Cooldown    time.Duration `yaml:"cooldown"`
	Zones       ZonePolicies  `yaml:"zones"`
}

// ZonePolicies hold what differs for a zone type.
type ZonePolicies struct {
	OpenArea    ZonePolicy `yaml:"OpenArea"`
	TeamArea    ZonePolicy `yaml:"TeamArea"`
	MeetingRoom ZonePolicy `yaml:"MeetingRoom"`
	PrivateRoom ZonePolicy `yaml:"PrivateRoom"`
}

// ZonePolicy holds what differs from Topology; nil: what Topology says.
type ZonePolicy struct {
	PromoteAt   *int           `yaml:"promote_at"`
	DemoteAt    *int           `yaml:"demote_at"`
	DemoteAfter *time.Duration `yaml:"demote_after"`
	Dwell       *time.Duration `yaml:"dwell"`
	Deadline    *time.Duration `yaml:"deadline"`
	Cooldown    *time.Duration `yaml:"cooldown"`
}

// ByType gives the zone types' policies, complete.
func (t Topology) ByType() map[string]Topology {
	return map[string]Topology{
		"OpenArea":    t.with(t.Zones.OpenArea),
		"TeamArea":    t.with(t.Zones.TeamArea),
		"MeetingRoom": t.with(t.Zones.MeetingRoom),
		"PrivateRoom": t.with(t.Zones.PrivateRoom),
	}
}

func (t Topology) with(z ZonePolicy) Topology {
	t.Zones = ZonePolicies{}
	override(&t.PromoteAt, z.PromoteAt)
	override(&t.DemoteAt, z.DemoteAt)
	override(&t.DemoteAfter, z.DemoteAfter)
	override(&t.Dwell, z.Dwell)
	override(&t.Deadline, z.Deadline)
	override(&t.Cooldown, z.Cooldown)
	return t
}

func override[T any](v, with *T) {
	if with != nil {
		*v = *with
	}
}

// TURN is the STUN and TURN server.
type TURN struct {
	Enabled            bool          `yaml:"enabled"`
	UDP                string        `yaml:"udp"` // empty: none
	TCP                string        `yaml:"tcp"` // empty: none
	TLS                string        `yaml:"tls"` // empty: none; with server.tls's certificate
	RelayIP            netip.Addr    `yaml:"relay_ip"`
	Realm              string        `yaml:"realm"`
	Secret             Secret        `yaml:"secret"`
	CredentialTTL      time.Duration `yaml:"credential_ttl"`
	AllocationsPerPair int           `yaml:"allocations_per_pair"`
}

// SFU is the media server.
type SFU struct {
	UDP        string        `yaml:"udp"`
	TCP        string        `yaml:"tcp"` // empty: none
	AudioSlots int           `yaml:"audio_slots"`
	VideoSlots int           `yaml:"video_slots"`
	TokenTTL   time.Duration `yaml:"token_ttl"`
}

// Worlds says which worlds there are.
type Worlds struct {
	Dir         Path      `yaml:"dir"` // empty: the embedded demo world
	WorkspaceID uuid.UUID `yaml:"workspace_id"`
}

// Documents is the document protocol.
type Documents struct {
	Enabled  bool          `yaml:"enabled"`
	RedisURL RedisURL      `yaml:"redis_url"` // empty: one node, its notes in data_dir
	Messages int           `yaml:"messages"`
	Joins    int           `yaml:"joins"`
	Notes    int           `yaml:"notes"`
	MaxNotes int           `yaml:"max_notes"`
	MaxBytes int           `yaml:"max_bytes"`
	Tick     time.Duration `yaml:"tick"`
}

// DemoWorkspace is the workspace of worlds that nobody gave another one.
var DemoWorkspace = uuid.MustParse("3d9a1c60-5b1e-4c0e-9f63-0e8f6a0f6a01")

// Default is the configuration of an empty file.
func Default() *Config {
	return &Config{
		Server:     Server{Listen: "127.0.0.1:8080"},
		Admin:      Admin{Listen: "127.0.0.1:9090"},
		Log:        Log{Level: "info", Format: "text"},
		Auth:       Auth{Issuer: "atrium"},
		Session:    Session{Grace: 5 * time.Second, Heartbeat: 20 * time.Second, ConnectTimeout: 10 * time.Second, Queue: 256},
		Limits:     Limits{FrameBytes: 64 << 10, SFUFrameBytes: 1 << 20, Presence: 20, Movement: 20, Negotiation: 100, Other: 10},
		Presence:   Presence{Tick: 66 * time.Millisecond},
		Movement:   Movement{MaxSpeed: 10, Slack: 2, Reach: 2},
		Moderation: Moderation{Removal: 5 * time.Minute, Kick: 10 * time.Minute},
		Topology: Topology{
			PromoteAt: 5, DemoteAt: 3, DemoteAfter: 10 * time.Second,
			Dwell: 10 * time.Second, Deadline: 10 * time.Second, Cooldown: 30 * time.Second,
		},
		TURN: TURN{
			Enabled: true, UDP: "127.0.0.1:3478", TCP: "127.0.0.1:3478",
			RelayIP: netip.AddrFrom4([4]byte{192, 0, 2, 1}), // TEST-NET-1 (RFC 5737): a name, nobody's address
			Realm:   "atrium", CredentialTTL: time.Hour, AllocationsPerPair: 6,
		},
		SFU:    SFU{UDP: "127.0.0.1:7882", TCP: "127.0.0.1:7881", AudioSlots: 24, VideoSlots: 24, TokenTTL: time.Minute},
		Worlds: Worlds{WorkspaceID: DemoWorkspace},
		Documents: Documents{
			Enabled: true, Messages: 1000, Joins: 10, Notes: 10, MaxNotes: 10_000, MaxBytes: 8 << 20, Tick: 50 * time.Millisecond,
		},
	}
}
