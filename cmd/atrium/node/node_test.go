package node_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/pion/turn/v4"

	"atrium/cmd/atrium/node"
	"atrium/configs"
)

// TestTwoNodes: nothing is shared between nodes of one process, and nothing is left of them.
func TestTwoNodes(t *testing.T) {
	a, b := start(t, config(t)), start(t, config(t))
	if a.Addrs.HTTP == b.Addrs.HTTP || a.Addrs.TURNUDP == b.Addrs.TURNUDP {
		t.Fatalf("%+v and %+v", a.Addrs, b.Addrs)
	}
	for _, at := range []netip.AddrPort{a.Addrs.TURNUDP, a.Addrs.TURNTCP, a.Addrs.SFUUDP, a.Addrs.SFUTCP} {
		if at.Port() == 0 || at.Addr() != netip.AddrFrom4([4]byte{127, 0, 0, 1}) {
			t.Errorf("%+v", a.Addrs)
		}
	}
	enter(t, a, nil)
	enter(t, b, nil)
	stop(t, a)
	if res, body := get(t, client(t, nil), b.Addrs.Admin+"/healthz"); res.StatusCode != 200 || body != "ok\n" {
		t.Errorf("after the other's end: %d %s", res.StatusCode, body)
	}
	enter(t, b, nil)
}

// TestShutdown: everyone is told, and the same node on the same ports may follow at once.
func TestShutdown(t *testing.T) {
	cfg := config(t)
	n := start(t, cfg)
	p, idle := enter(t, n, nil), dial(t, n.Addrs.HTTP+"/sfu", nil)
	done := make(chan struct{})
	go func() { defer close(done); stop(t, n) }()
	if code := p.closed(); code != 1001 {
		t.Errorf("closed with %d", code)
	}
	<-done
	idle.Close()
	stop(t, n) // once more
	cfg.Server.Listen, cfg.TURN.UDP, cfg.TURN.TCP = strings.TrimPrefix(n.Addrs.HTTP, "http://"), n.Addrs.TURNUDP.String(), n.Addrs.TURNTCP.String()
	cfg.SFU.UDP, cfg.SFU.TCP = n.Addrs.SFUUDP.String(), n.Addrs.SFUTCP.String()
	enter(t, start(t, cfg), nil)
}

// TestCancelledStart opens nothing.
func TestCancelledStart(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := node.Start(ctx, config(t), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestWiring goes through every joint: a failed pair gets credentials that the TURN server takes, a crowd
// gets tokens that the SFU takes, and who leaves loses both.
func TestWiring(t *testing.T) {
	n := start(t, config(t, "ATRIUM_TOPOLOGY_PROMOTE_AT=3", "ATRIUM_TOPOLOGY_DEMOTE_AT=2"))
	a := enter(t, n, nil)
	b := enter(t, n, nil)
	if want := "stun:" + n.Addrs.TURNUDP.String(); a.stun != want {
		t.Errorf("the STUN server is %q, want %q", a.stun, want)
	}
	a.send("ICE_FAILED", map[string]any{"peer_id": b.id})
	var cred struct {
		URLs       []string `json:"urls"`
		Username   string   `json:"username"`
		Credential string   `json:"credential"`
	}
	if err := json.Unmarshal(a.expect("TURN_CREDENTIALS"), &cred); err != nil {
		t.Fatal(err)
	}
	want := []string{"turn:" + n.Addrs.TURNUDP.String() + "?transport=udp", "turn:" + n.Addrs.TURNTCP.String() + "?transport=tcp"}
	if strings.Join(cred.URLs, " ") != strings.Join(want, " ") {
		t.Errorf("urls are %v, want %v", cred.URLs, want)
	}
	allocate(t, n.Addrs.TURNUDP, cred.Username, cred.Credential)
	until(t, "the allocation", func() bool { return n.Allocations() == 1 })

	c := enter(t, n, nil)
	var promotion struct {
		URL   string `json:"sfu_url"`
		Token string `json:"sfu_token"`
	}
	if err := json.Unmarshal(a.expect("PROMOTE_TO_SFU"), &promotion); err != nil {
		t.Fatal(err)
	}
	c.expect("PROMOTE_TO_SFU")
	if want := strings.Replace(n.Addrs.HTTP, "http", "ws", 1) + "/sfu"; promotion.URL != want {
		t.Errorf("sfu_url is %s, want %s", promotion.URL, want)
	}
	link := &person{t: t, ws: dial(t, promotion.URL, nil)}
	link.send("CONNECT", map[string]any{"token": promotion.Token, "client_version": "1.0.0"})
	link.expect("CONNECTED")
	until(t, "the session", func() bool { return n.Sessions() == 1 })
	if z := n.Zone(uuid.MustParse(a.zone)); z.Live != 3 {
		t.Errorf("the controller knows %d", z.Live)
	}

	stop(t, n)
	if n.Sessions() != 0 || n.Allocations() != 0 {
		t.Errorf("%d sessions and %d allocations are left", n.Sessions(), n.Allocations())
	}
}

// TestLeaving: with its grace over, a user has neither session nor allocation.
func TestLeaving(t *testing.T) {
	n := start(t, config(t, "ATRIUM_SESSION_GRACE=100ms"))
	a, b := enter(t, n, nil), enter(t, n, nil)
	a.send("ICE_FAILED", map[string]any{"peer_id": b.id})
	var cred struct{ Username, Credential string }
	if err := json.Unmarshal(a.expect("TURN_CREDENTIALS"), &cred); err != nil {
		t.Fatal(err)
	}
	allocate(t, n.Addrs.TURNTCP, cred.Username, cred.Credential)
	until(t, "the allocation", func() bool { return n.Allocations() == 1 })
	a.ws.Close()
	until(t, "the end of the allocation", func() bool { return n.Allocations() == 0 })
	b.expect("PEER_LEFT")
}

// allocate takes a relayed address with Pion's client, over UDP, or TCP where the node listens on that there.
func allocate(t *testing.T, at netip.AddrPort, username, password string) {
	t.Helper()
	var conn net.PacketConn
	if tcp, err := net.Dial("tcp", at.String()); err == nil {
		conn = turn.NewSTUNConn(tcp)
	} else {
		udp, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		conn = udp
	}
	c, err := turn.NewClient(&turn.ClientConfig{STUNServerAddr: at.String(), TURNServerAddr: at.String(), Conn: conn, Username: username, Password: password, Realm: "atrium"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); conn.Close() })
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	relayed, err := c.Allocate()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { relayed.Close() }) // before its client's end
	if got := relayed.LocalAddr().String(); !strings.HasPrefix(got, "192.0.2.1:") {
		t.Errorf("relayed address is %s", got)
	}
}

// TestEverythingWrong: ports, worlds and secrets are told at once, and nothing stays open.
func TestEverythingWrong(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	cfg := config(t)
	cfg.Server.Listen, cfg.TURN.TCP, cfg.SFU.UDP = tcp.Addr().String(), tcp.Addr().String(), udp.LocalAddr().String()
	cfg.Admin.Listen = "192.0.2.7:0"
	cfg.Worlds.Dir = configs.Path(t.TempDir())
	if err := os.WriteFile(filepath.Join(string(cfg.Worlds.Dir), "bad.tmj"), []byte(`{"width":1,"height":1,"tilewidth":1,"tileheight":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.DataDir = "/dev/null"
	_, err = node.Start(t.Context(), cfg, nil)
	var ce *node.ConfigError
	if !errors.As(err, &ce) {
		t.Fatalf("%v", err)
	}
	got := ce.Error()
	for _, want := range []string{
		`server.listen: "` + tcp.Addr().String() + `": the tcp port is in use: stop what listens there (` + "`ss -lntp sport = :",
		`turn.tcp: "` + tcp.Addr().String() + `": the tcp port is in use`,
		`sfu.udp: "` + udp.LocalAddr().String() + `": the udp port is in use: stop what listens there (` + "`ss -lnup sport = :",
		`admin.listen: "192.0.2.7:0": it is no address of this machine`,
		`bad.tmj: property "world_id" is missing`,
		`bad.tmj: layer "spawns": there is no spawn`,
		`data_dir: "/dev/null": auth.secret is not set and cannot be kept there`,
		`data_dir: "/dev/null": turn.secret is not set`,
		"(ATRIUM_SERVER_LISTEN)",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if n := len(ce.Errs); n != 9 { // a name is missing too
		t.Errorf("%d problems:\n%s", n, got)
	}
}
