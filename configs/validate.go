package configs

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Validate checks a configuration that was made by hand. The error joins an *Error for each problem.
func (c *Config) Validate() error {
	p := &problems{c: c}
	c.validate(p)
	return p.err()
}

func (c *Config) validate(p *problems) {
	c.Server.validate(p)
	c.Log.validate(p)
	c.Auth.validate(p)
	c.Session.validate(p)
	c.Limits.validate(p)
	p.duration("presence.tick", c.Presence.Tick, 5*time.Millisecond, time.Second)
	p.float("movement.max_speed", c.Movement.MaxSpeed, 0.1, 1000)
	p.float("movement.slack", c.Movement.Slack, 0, 1000)
	p.float("movement.reach", c.Movement.Reach, 0, 1000)
	p.duration("moderation.removal", c.Moderation.Removal, 0, 365*24*time.Hour)
	p.duration("moderation.kick", c.Moderation.Kick, 0, 365*24*time.Hour)
	if ip := c.Media.PublicIP; ip.IsValid() && (ip.IsUnspecified() || ip.IsMulticast() || ip.Zone() != "") {
		p.add("media.public_ip", ip.String(), "want the address at which others reach this machine, or no such key for the listeners' own")
	}
	c.Topology.validate(p)
	c.TURN.validate(p)
	c.SFU.validate(p)
	c.Worlds.validate(p)
	c.Documents.validate(p)
	c.validateListeners(p)
}

func (s Server) validate(p *problems) {
	if u := s.PublicURL; u != "" {
		parsed, err := url.Parse(u)
		if err != nil || (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Hostname() == "" ||
			strings.Trim(parsed.Path, "/") != "" || parsed.RawQuery != "" || parsed.Fragment != "" || parsed.User != nil {
			p.add("server.public_url", u, "want scheme and host alone, like https://office.example.org")
		}
	}
	switch cert, key := s.TLS.Cert, s.TLS.Key; {
	case cert == "" && key == "":
	case cert == "":
		p.add("server.tls.cert", "", "server.tls.key is set: name the certificate's PEM file too, or neither")
	case key == "":
		p.add("server.tls.key", "", "server.tls.cert is set: name the key's PEM file too, or neither")
	default:
		if _, err := tls.LoadX509KeyPair(string(cert), string(key)); err != nil {
			p.add("server.tls.cert", string(cert), "no certificate with its key in server.tls.key: %v", err)
		}
	}
}

func (l Log) validate(p *problems) {
	p.word("log.level", l.Level, "debug", "info", "warn", "error")
	p.word("log.format", l.Format, "text", "json")
}

func (a Auth) validate(p *problems) {
	p.secret("auth.secret", a.Secret)
	p.name("auth.issuer", a.Issuer)
	for _, f := range a.PublicKeys {
		if _, err := readPublicKey(f); err != nil {
			p.add("auth.public_keys", string(f), "want a PEM file with a P-256, RSA (2048 bits or more) or Ed25519 public key: %v", err)
		}
	}
}

func (s Session) validate(p *problems) {
	p.duration("session.grace", s.Grace, 100*time.Millisecond, 10*time.Minute)
	p.duration("session.heartbeat", s.Heartbeat, 100*time.Millisecond, 10*time.Minute)
	p.duration("session.connect_timeout", s.ConnectTimeout, 100*time.Millisecond, 10*time.Minute)
	p.int("session.queue", s.Queue, 16, 1<<16)
}

func (l Limits) validate(p *problems) {
	p.int("limits.frame_bytes", l.FrameBytes, 4<<10, 16<<20)
	p.int("limits.sfu_frame_bytes", l.SFUFrameBytes, 64<<10, 16<<20)
	p.int("limits.presence", l.Presence, 1, 1<<20)
	p.int("limits.movement", l.Movement, 1, 1<<20)
	p.int("limits.negotiation", l.Negotiation, 1, 1<<20)
	p.int("limits.other", l.Other, 1, 1<<20)
}

func (t Topology) validate(p *problems) {
	t.validateAt(p, "topology", Topology{})
	t.with(t.Zones.OpenArea).validateAt(p, "topology.zones.OpenArea", t)
	t.with(t.Zones.TeamArea).validateAt(p, "topology.zones.TeamArea", t)
	t.with(t.Zones.MeetingRoom).validateAt(p, "topology.zones.MeetingRoom", t)
	t.with(t.Zones.PrivateRoom).validateAt(p, "topology.zones.PrivateRoom", t)
}

// validateAt checks a policy; what a zone type inherits is said once, where it comes from.
func (t Topology) validateAt(p *problems, key string, from Topology) {
	top := from == Topology{}
	if top || t.PromoteAt != from.PromoteAt {
		p.int(key+".promote_at", t.PromoteAt, 2, 1000)
	}
	if top || t.DemoteAt != from.DemoteAt {
		p.int(key+".demote_at", t.DemoteAt, 0, 1000)
	}
	if (top || t.PromoteAt != from.PromoteAt || t.DemoteAt != from.DemoteAt) && t.DemoteAt >= t.PromoteAt {
		p.add(key+".demote_at", strconv.Itoa(t.DemoteAt), "want less than promote_at (%d), or the zone would change back and forth", t.PromoteAt)
	}
	for _, d := range []struct {
		name        string
		v, from     time.Duration
		least, most time.Duration
	}{
		{"demote_after", t.DemoteAfter, from.DemoteAfter, 0, time.Hour},
		{"dwell", t.Dwell, from.Dwell, 0, time.Hour},
		{"deadline", t.Deadline, from.Deadline, 100 * time.Millisecond, 5 * time.Minute},
		{"cooldown", t.Cooldown, from.Cooldown, 0, time.Hour},
	} {
		if top || d.v != d.from {
			p.duration(key+"."+d.name, d.v, d.least, d.most)
		}
	}
}

func (t TURN) validate(p *problems) {
	p.secret("turn.secret", t.Secret)
	p.name("turn.realm", t.Realm)
	if !t.RelayIP.Is4() || t.RelayIP.IsUnspecified() || t.RelayIP.IsMulticast() {
		p.add("turn.relay_ip", t.RelayIP.String(), "want an IPv4 address to name relayed addresses by, like 192.0.2.1; no socket is opened on it")
	}
	p.duration("turn.credential_ttl", t.CredentialTTL, 10*time.Second, 7*24*time.Hour)
	p.int("turn.allocations_per_pair", t.AllocationsPerPair, 1, 100)
	if t.Enabled && t.UDP == "" && t.TCP == "" && t.TLS == "" {
		p.add("turn.udp", "", "turn is enabled and listens nowhere: set turn.udp, turn.tcp or turn.tls, or turn.enabled to false")
	}
	if s := p.c.Server.TLS; t.Enabled && t.TLS != "" && s.Cert == "" {
		p.add("turn.tls", t.TLS, "it needs a certificate: set server.tls.cert and server.tls.key")
	}
}

func (s SFU) validate(p *problems) {
	p.int("sfu.audio_slots", s.AudioSlots, 1, 200)
	p.int("sfu.video_slots", s.VideoSlots, 1, 200)
	p.duration("sfu.token_ttl", s.TokenTTL, time.Second, time.Hour)
}

func (w Worlds) validate(p *problems) {
	if w.WorkspaceID == uuid.Nil {
		p.add("worlds.workspace_id", w.WorkspaceID.String(), "want the uuid of the workspace that the worlds belong to, as tokens name it")
	}
	if w.Dir == "" {
		return
	}
	if maps, err := filepath.Glob(filepath.Join(string(w.Dir), "*.tmj")); err != nil || len(maps) == 0 {
		if _, err := os.Stat(string(w.Dir)); err != nil {
			p.add("worlds.dir", string(w.Dir), "no such directory: %v", err)
		} else {
			p.add("worlds.dir", string(w.Dir), "no world is in it: put a Tiled map (*.tmj) there, or leave the key out for the demo's")
		}
	}
}

const wantRedis = "a URL like redis://127.0.0.1:6379/0, or rediss://user:password@host:6379/0 over TLS"

func (d Documents) validate(p *problems) {
	if d.RedisURL != "" {
		u, err := url.Parse(string(d.RedisURL))
		if err != nil || u.Scheme != "redis" && u.Scheme != "rediss" || u.Hostname() == "" || !isDatabase(u.Path) {
			p.add("documents.redis_url", d.RedisURL.String(), "want %s", wantRedis)
		}
	}
	p.int("documents.messages", d.Messages, 10, 1<<20)
	p.int("documents.joins", d.Joins, 1, 1<<20)
	p.int("documents.notes", d.Notes, 1, 1<<20)
	p.int("documents.max_notes", d.MaxNotes, 1, 1<<20)
	p.int("documents.max_bytes", d.MaxBytes, 64<<10, 1<<30)
	p.duration("documents.tick", d.Tick, 5*time.Millisecond, time.Second)
}

// isDatabase says that a path names one of Redis' numbered databases, or none.
func isDatabase(path string) bool {
	path = strings.Trim(path, "/")
	_, err := strconv.ParseUint(path, 10, 16)
	return path == "" || err == nil
}

// validateListeners checks the addresses and that no two listeners want the same one.
func (c *Config) validateListeners(p *problems) {
	type listener struct {
		key, network, addr string
		must               bool
	}
	list := []listener{
		{"server.listen", "tcp", c.Server.Listen, true},
		{"admin.listen", "tcp", c.Admin.Listen, false},
		{"sfu.udp", "udp", c.SFU.UDP, true},
		{"sfu.tcp", "tcp", c.SFU.TCP, false},
	}
	if c.TURN.Enabled {
		list = append(list, listener{"turn.udp", "udp", c.TURN.UDP, false}, listener{"turn.tcp", "tcp", c.TURN.TCP, false},
			listener{"turn.tls", "tcp", c.TURN.TLS, false})
	}
	type place struct{ network, host, port string }
	var taken []place
	var by []string
	for _, l := range list {
		if l.addr == "" {
			if l.must {
				p.add(l.key, "", "want host:port, like 127.0.0.1:8080, or :8080 for all addresses")
			}
			continue
		}
		host, port, err := net.SplitHostPort(l.addr)
		n, err2 := strconv.ParseUint(port, 10, 16)
		if err != nil || err2 != nil {
			p.add(l.key, l.addr, "want host:port, like 127.0.0.1:8080, or :8080 for all addresses")
			continue
		}
		at := place{l.network, host, strconv.FormatUint(n, 10)}
		i := slices.IndexFunc(taken, func(t place) bool {
			return t.network == at.network && t.port == at.port && (t.host == at.host || every(t.host) || every(at.host))
		})
		if n != 0 && i >= 0 {
			p.add(l.key, l.addr, "%s has that %s port already: give one of them another", by[i], l.network)
			continue
		}
		taken, by = append(taken, at), append(by, l.key)
	}
}

// every says that a host stands for all addresses of the machine.
func every(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }

func (p *problems) duration(key string, v, least, most time.Duration) {
	if v < least || v > most {
		p.add(key, v.String(), "want %s to %s", least, most)
	}
}

func (p *problems) int(key string, v, least, most int) {
	if v < least || v > most {
		p.add(key, strconv.Itoa(v), "want %d to %d", least, most)
	}
}

func (p *problems) float(key string, v, least, most float64) {
	if !(v >= least && v <= most) {
		p.add(key, strconv.FormatFloat(v, 'g', -1, 64), "want %g to %g", least, most)
	}
}

func (p *problems) word(key, v string, known ...string) {
	if !slices.Contains(known, v) {
		p.add(key, v, "want one of %s", strings.Join(known, ", "))
	}
}

func (p *problems) name(key, v string) {
	if v == "" || len(v) > 128 || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == '"' || r == 0x7f }) {
		p.add(key, v, "want 1 to 128 printable characters without quotes")
	}
}

// minSecret is what HS256 asks for (RFC 7518, section 3.2): a key of at least the hash's size.
const minSecret = 32

func (p *problems) secret(key string, v Secret) {
	if v != "" && len(v) < minSecret {
		p.add(key, fmt.Sprintf("(%d bytes)", len(v)),
			"too weak, want at least %d bytes: take the output of `openssl rand -base64 32`, or leave the key out and one is made at first start", minSecret)
	}
}
