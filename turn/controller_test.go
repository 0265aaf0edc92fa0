package turn_test

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pion/stun/v3"

	"atrium/topology"
	"atrium/turn"
)

// sink hands the controller's effects on, as the process's wiring does.
type sink struct {
	mu          sync.Mutex
	server      *turn.Server
	credentials map[uuid.UUID]topology.TURNCredentials
}

func (s *sink) TURNCredentials(user uuid.UUID, c topology.TURNCredentials) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.credentials[user] = c
}
func (s *sink) PromoteToSFU(uuid.UUID, topology.Promotion)     {}
func (s *sink) TopologyChanged(uuid.UUID, topology.Change)     {}
func (s *sink) EndSession(zone, user uuid.UUID, reason string) {}
func (s *sink) EndAllocations(zone, user uuid.UUID, upTo topology.Epoch) {
	s.server.EndAllocations(zone, user, upTo)
}

func (s *sink) of(user uuid.UUID) topology.TURNCredentials {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.credentials[user]
}

func TestWithTheController(t *testing.T) {
	s := &sink{credentials: map[uuid.UUID]topology.TURNCredentials{}}
	c := topology.New(topology.Config{TURN: topology.TURNConfig{
		Enabled: true, URLs: []string{"turn:127.0.0.1:3478"}, Secret: []byte("a secret of at least thirty-two bytes"),
		TTL: time.Hour, AllocationsPerPair: 2,
	}}, s, nil)
	defer c.Close()
	h := open(t, func(o *turn.Options) { o.Authority = c })
	s.server = h.server

	zone := topology.Zone{ID: uuid.New(), Type: "MeetingRoom"}
	ann, bob := uuid.New(), uuid.New()
	for _, u := range []uuid.UUID{ann, bob} {
		c.Join(zone, topology.Member{ID: u, TopologyChanged: true}, func(topology.View) {})
	}
	if err := c.ICEFailed(zone.ID, ann, bob); err != nil {
		t.Fatal(err)
	}
	ends := map[uuid.UUID]*end{}
	for u, transport := range map[uuid.UUID]string{ann: "udp", bob: "tcp"} {
		cred := s.of(u)
		client := h.dial(t, transport, cred.Username, cred.Credential)
		relay, err := client.Allocate()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { relay.Close() })
		ends[u] = &end{PacketConn: relay, client: client, zone: zone.ID, user: u, name: relay.LocalAddr().(*net.UDPAddr).AddrPort()}
	}
	ends[ann].permit(t, ends[bob])
	ends[bob].permit(t, ends[ann])
	ends[ann].send(t, "hello", ends[bob].LocalAddr())
	ends[bob].expect(t, "hello", ends[ann].LocalAddr())

	// Two live members are one pair, which has two allocations each.
	cred := s.of(ann)
	h.raw(t, cred.Username, cred.Credential).allocate()
	third := h.raw(t, cred.Username, cred.Credential)
	if e := code(third.request(stun.MethodAllocate, transportUDP())); e != stun.CodeAllocQuotaReached {
		t.Fatalf("a third allocation of a pair's two: %v, want 486", e)
	}

	c.Leave(zone.ID, ann)
	eventually(t, "the allocations of who left end", time.Second, func() bool { return h.server.Open() <= 1 })
	if e := code(third.request(stun.MethodAllocate, transportUDP())); e != stun.CodeBadRequest {
		t.Fatalf("allocating after leaving: %v", e)
	}
	c.Leave(zone.ID, bob)
	eventually(t, "nothing is left", time.Second, func() bool { return h.server.Open() == 0 && h.server.Members() == 0 })
}
