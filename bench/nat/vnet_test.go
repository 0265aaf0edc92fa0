package main

import (
	"bytes"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/transport/v4/vnet"
	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"

	"atrium/topology"
	"atrium/turn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// office is the relay's side on the virtual network: the controller's credentials, and the relay that they open.
type office struct {
	server *turn.Server

	mu          sync.Mutex
	credentials map[uuid.UUID]topology.TURNCredentials
}

func (o *office) TURNCredentials(user uuid.UUID, c topology.TURNCredentials) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.credentials[user] = c
}
func (o *office) PromoteToSFU(uuid.UUID, topology.Promotion) {}
func (o *office) TopologyChanged(uuid.UUID, topology.Change) {}
func (o *office) EndSession(uuid.UUID, uuid.UUID, string)    {}
func (o *office) EndAllocations(zone, user uuid.UUID, upTo topology.Epoch) {
	o.server.EndAllocations(zone, user, upTo)
}

func (o *office) ice(user uuid.UUID) webrtc.ICEServer {
	o.mu.Lock()
	defer o.mu.Unlock()
	c := o.credentials[user]
	return webrtc.ICEServer{URLs: c.URLs, Username: c.Username, Credential: c.Credential}
}

// wan is a virtual network with a server and two hosts, each behind a NAT of its own.
func wan(t *testing.T, nat vnet.NATType) (server *vnet.Net, hosts [2]*vnet.Net) {
	t.Helper()
	logs := logging.NewDefaultLoggerFactory()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	router, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: "203.0.113.0/24", LoggerFactory: logs})
	must(err)
	server, err = vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{serverIP}})
	must(err)
	must(router.AddNet(server))
	for i := range hosts {
		lan, err := vnet.NewRouter(&vnet.RouterConfig{
			CIDR: fmt.Sprintf("192.168.%d.0/24", 21+i), StaticIPs: []string{fmt.Sprintf("203.0.113.%d", 21+i)},
			NATType: &nat, LoggerFactory: logs,
		})
		must(err)
		hosts[i], err = vnet.NewNet(&vnet.NetConfig{})
		must(err)
		must(lan.AddNet(hosts[i]))
		must(router.AddRouter(lan))
	}
	must(router.Start())
	t.Cleanup(func() { _ = router.Stop() })
	return server, hosts
}

// line is a connection of two hosts with a data channel in it.
type line struct {
	pcs      [2]*webrtc.PeerConnection
	channels [2]*webrtc.DataChannel
	failed   chan struct{}
	open     [2]chan struct{}
	texts    [2]chan []byte
}

// call connects two hosts with the ICE servers that each has.
func call(t *testing.T, hosts [2]*vnet.Net, servers [2][]webrtc.ICEServer) *line {
	t.Helper()
	l := &line{failed: make(chan struct{})}
	var once sync.Once
	var id uint16
	negotiated := true
	for i := range l.pcs {
		se := webrtc.SettingEngine{}
		se.SetNet(hosts[i])
		se.SetICETimeouts(time.Second, 2*time.Second, 200*time.Millisecond)
		se.SetRelayAcceptanceMinWait(0)
		se.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
		pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(se)).NewPeerConnection(webrtc.Configuration{ICEServers: servers[i]})
		if err != nil {
			t.Fatal(err)
		}
		l.pcs[i], l.open[i], l.texts[i] = pc, make(chan struct{}), make(chan []byte, 100)
		pc.OnICEConnectionStateChange(func(s webrtc.ICEConnectionState) {
			if s == webrtc.ICEConnectionStateFailed {
				once.Do(func() { close(l.failed) })
			}
		})
		if l.channels[i], err = pc.CreateDataChannel("line", &webrtc.DataChannelInit{Negotiated: &negotiated, ID: &id}); err != nil {
			t.Fatal(err)
		}
		l.channels[i].OnOpen(func() { close(l.open[i]) })
		l.channels[i].OnMessage(func(m webrtc.DataChannelMessage) { l.texts[i] <- m.Data })
	}
	// Each description waits for its side's candidates.
	describe := func(from, to int, make func() (webrtc.SessionDescription, error)) {
		t.Helper()
		d, err := make()
		if err != nil {
			t.Fatal(err)
		}
		gathered := webrtc.GatheringCompletePromise(l.pcs[from])
		if err := l.pcs[from].SetLocalDescription(d); err != nil {
			t.Fatal(err)
		}
		await(t, "candidates", gathered)
		if err := l.pcs[to].SetRemoteDescription(*l.pcs[from].LocalDescription()); err != nil {
			t.Fatal(err)
		}
	}
	describe(0, 1, func() (webrtc.SessionDescription, error) { return l.pcs[0].CreateOffer(nil) })
	describe(1, 0, func() (webrtc.SessionDescription, error) { return l.pcs[1].CreateAnswer(nil) })
	return l
}

func (l *line) hangUp() {
	for _, pc := range l.pcs {
		_ = pc.GracefulClose()
	}
}

func await(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	select {
	case <-c:
	case <-limit.C:
		t.Fatalf("not in time: %s", what)
	}
}

// Two hosts behind symmetric NATs, in one process: with their outer addresses known, and no relay, they find no way
// to each other; by the relay every byte arrives.
func TestVirtualNetwork(t *testing.T) {
	server, hosts := wan(t, vnet.NATType{
		MappingBehavior: vnet.EndpointAddrPortDependent, FilteringBehavior: vnet.EndpointAddrPortDependent,
	})
	conn, err := server.ListenPacket("udp4", fmt.Sprintf("%s:%d", serverIP, portTURN))
	if err != nil {
		t.Fatal(err)
	}
	o := &office{credentials: map[uuid.UUID]topology.TURNCredentials{}}
	c := topology.New(topology.Config{TURN: topology.TURNConfig{
		Enabled: true, URLs: []string{fmt.Sprintf("turn:%s:%d?transport=udp", serverIP, portTURN)},
		Secret: []byte("a secret of at least thirty-two bytes"), TTL: time.Hour,
	}}, o, nil)
	defer c.Close()
	if o.server, err = turn.New(turn.Options{UDP: []net.PacketConn{conn}, Authority: c}); err != nil {
		t.Fatal(err)
	}
	defer o.server.Close()
	zone := topology.Zone{ID: uuid.New(), Type: "OpenArea"}
	ann, bob := uuid.New(), uuid.New()
	for _, u := range []uuid.UUID{ann, bob} {
		c.Join(zone, topology.Member{ID: u, TopologyChanged: true}, func(topology.View) {})
	}

	stun := []webrtc.ICEServer{{URLs: []string{fmt.Sprintf("stun:%s:%d", serverIP, portTURN)}}}
	direct := call(t, hosts, [2][]webrtc.ICEServer{stun, stun})
	await(t, "the direct way fails", direct.failed)
	direct.hangUp()

	if err := c.ICEFailed(zone.ID, ann, bob); err != nil {
		t.Fatal(err)
	}
	l := call(t, hosts, [2][]webrtc.ICEServer{{o.ice(ann)}, {o.ice(bob)}})
	for i := range l.open {
		await(t, "the relayed way opens", l.open[i])
	}
	for i, pc := range l.pcs {
		pair, err := pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
		if err != nil || pair.Local.Typ != webrtc.ICECandidateTypeRelay || pair.Remote.Typ != webrtc.ICECandidateTypeRelay {
			t.Fatalf("host %d goes by %v (%v), want a relay on both sides", i+1, pair, err)
		}
	}
	for n := range 50 {
		for i := range l.channels {
			want := bytes.Repeat([]byte{byte(n), byte(i)}, 400+n)
			if err := l.channels[i].Send(want); err != nil {
				t.Fatal(err)
			}
			limit := time.NewTimer(20 * time.Second)
			select {
			case got := <-l.texts[1-i]:
				if !bytes.Equal(got, want) {
					t.Fatalf("text %d to host %d arrived otherwise: %d bytes of %d", n, 2-i, len(got), len(want))
				}
			case <-limit.C:
				t.Fatalf("text %d to host %d did not arrive", n, 2-i)
			}
			limit.Stop()
		}
	}
	l.hangUp()
	c.Leave(zone.ID, ann)
	c.Leave(zone.ID, bob)
	if n := o.server.Allocations(); n != 0 {
		t.Fatalf("%d allocations are left", n)
	}
}
