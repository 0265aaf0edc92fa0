package signaling

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
	"atrium/topology"
)

// The effects of the topology controller that a member sees. They are called with the controller's lock held and
// only enqueue. A member in its grace has no connection; the controller tells it afresh when it resumes.

// TURNCredentials sends TURN_CREDENTIALS.
func (s *Server) TURNCredentials(user uuid.UUID, c topology.TURNCredentials) {
	if sess := s.registry.get(user); sess != nil {
		sess.send(protocol.TypeTURNCredentials, protocol.TURNCredentials{URLs: c.URLs, Username: c.Username, Credential: c.Credential})
	}
}

// PromoteToSFU sends PROMOTE_TO_SFU with the URL by which this member reaches the process.
func (s *Server) PromoteToSFU(user uuid.UUID, p topology.Promotion) {
	if sess := s.registry.get(user); sess != nil {
		sess.send(protocol.TypePromoteToSFU, protocol.PromoteToSFU{SFUURL: sess.sfuURL, SFUToken: p.Token, ZoneID: p.Zone})
	}
}

// TopologyChanged sends TOPOLOGY_CHANGED to who listed the feature.
func (s *Server) TopologyChanged(user uuid.UUID, c topology.Change) {
	sess := s.registry.get(user)
	if sess == nil || !sess.features.Load().topologyChanged {
		return
	}
	sess.send(protocol.TypeTopologyChanged, protocol.TopologyChanged{
		ZoneID: c.Zone, MediaTopology: protocol.MediaTopology(c.Media.String()),
		Epoch: uint64(c.Epoch), Reason: protocol.ChangeReason(c.Reason),
	})
}

// sfuURL is where a client finds the SFU's link: under the configured URL, else where it found this server.
func sfuURL(public string, r *http.Request) string {
	if public != "" {
		if u, err := url.Parse(public); err == nil && u.Host != "" {
			scheme := "ws"
			if u.Scheme == "https" || u.Scheme == "wss" {
				scheme = "wss"
			}
			return scheme + "://" + u.Host + strings.TrimSuffix(u.Path, "/") + "/sfu"
		}
	}
	scheme := "ws"
	if r.TLS != nil {
		scheme = "wss"
	}
	return scheme + "://" + r.Host + "/sfu"
}
