package node_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"atrium/cmd/atrium/node"
	"atrium/configs"
)

const patience = 30 * time.Second

// config is the demo's on ports that the system chooses.
func config(t *testing.T, more ...string) *configs.Config {
	t.Helper()
	env := append([]string{
		"ATRIUM_DATA_DIR=" + t.TempDir(), "ATRIUM_SERVER_LISTEN=127.0.0.1:0", "ATRIUM_ADMIN_LISTEN=127.0.0.1:0",
		"ATRIUM_TURN_UDP=127.0.0.1:0", "ATRIUM_TURN_TCP=127.0.0.1:0", "ATRIUM_SFU_UDP=127.0.0.1:0", "ATRIUM_SFU_TCP=127.0.0.1:0",
	}, more...)
	cfg, err := configs.Load("", env)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// start runs a node for the length of a test; nothing of it may be left then.
func start(t *testing.T, cfg *configs.Config) *node.Node {
	t.Helper()
	leaks := goleak.IgnoreCurrent()
	n, err := node.Start(t.Context(), cfg, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop(t, n)
		goleak.VerifyNone(t, leaks)
	})
	return n
}

func stop(t *testing.T, n *node.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := n.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// client is a browser's HTTP, with the certificates that it trusts.
func client(t *testing.T, trusted *x509.CertPool) *http.Client {
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, ForceAttemptHTTP2: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}

func get(t *testing.T, c *http.Client, url string, header ...string) (*http.Response, string) {
	t.Helper()
	return do(t, c, http.MethodGet, url, "", header...)
}

func do(t *testing.T, c *http.Client, method, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(data)
}

// certificate makes a self-signed one for 127.0.0.1.
func certificate(t *testing.T) (cert, key string, trusted *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "atrium test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, data []byte) string {
		path := filepath.Join(t.TempDir(), name)
		var buf bytes.Buffer
		if err := pem.Encode(&buf, &pem.Block{Type: kind, Bytes: data}); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, buf.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	trusted = x509.NewCertPool()
	trusted.AddCert(parsed)
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", raw), trusted
}

// person is a client of the zone protocol, as plain as can be.
type person struct {
	t     *testing.T
	ws    *websocket.Conn
	id    string
	world string
	zone  string
	stun  string // what CONNECTED named
}

// message is a frame of the server.
type message struct {
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// enter comes in as a guest and joins the world.
func enter(t *testing.T, n *node.Node, trusted *x509.CertPool) *person {
	t.Helper()
	_, body := do(t, client(t, trusted), http.MethodPost, n.Addrs.HTTP+"/api/guest", `{"display_name":"Ada","avatar_id":"1"}`)
	var guest struct {
		Token   string `json:"token"`
		WorldID string `json:"world_id"`
		User    struct {
			UserID string `json:"user_id"`
		} `json:"user"`
	}
	if err := json.Unmarshal([]byte(body), &guest); err != nil || guest.Token == "" {
		t.Fatalf("guest login: %s", body)
	}
	p := &person{t: t, ws: dial(t, n.Addrs.HTTP+"/signal", trusted), id: guest.User.UserID, world: guest.WorldID}
	p.send("CONNECT", map[string]any{"token": guest.Token, "client_version": "1.0.0", "features": []string{"topology_changed"}})
	var connected struct {
		STUN []string `json:"stun_urls"`
	}
	if err := json.Unmarshal(p.expect("CONNECTED"), &connected); err != nil {
		t.Fatal(err)
	}
	p.stun = strings.Join(connected.STUN, " ")
	p.send("JOIN_WORLD", map[string]any{"world_id": p.world})
	var state struct {
		Zone struct {
			ID   string `json:"zone_id"`
			Type string `json:"zone_type"`
		} `json:"current_zone"`
	}
	if err := json.Unmarshal(p.expect("WORLD_STATE"), &state); err != nil || state.Zone.Type != "OpenArea" {
		t.Fatalf("arrived in a %q, %v", state.Zone.Type, err)
	}
	p.zone = state.Zone.ID
	return p
}

func dial(t *testing.T, url string, trusted *x509.CertPool) *websocket.Conn {
	t.Helper()
	d := websocket.Dialer{HandshakeTimeout: patience, TLSClientConfig: &tls.Config{RootCAs: trusted}}
	ws, _, err := d.DialContext(t.Context(), strings.Replace(url, "http", "ws", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	return ws
}

func (p *person) send(kind string, payload any) {
	p.t.Helper()
	if err := p.ws.WriteJSON(map[string]any{"type": kind, "payload": payload, "protocol_version": 1}); err != nil {
		p.t.Fatal(err)
	}
}

// expect reads until a message of a type comes, and gives its payload.
func (p *person) expect(kind string) json.RawMessage {
	p.t.Helper()
	if err := p.ws.SetReadDeadline(time.Now().Add(patience)); err != nil {
		p.t.Fatal(err)
	}
	for {
		var m message
		if err := p.ws.ReadJSON(&m); err != nil {
			p.t.Fatalf("waiting for %s: %v", kind, err)
		}
		if m.Type == kind {
			return m.Payload
		}
		if m.Type == "ERROR" {
			p.t.Fatalf("waiting for %s: %s", kind, m.Payload)
		}
	}
}

// closed reads until the connection ends, and gives the close code.
func (p *person) closed() int {
	p.t.Helper()
	if err := p.ws.SetReadDeadline(time.Now().Add(patience)); err != nil {
		p.t.Fatal(err)
	}
	for {
		if _, _, err := p.ws.ReadMessage(); err != nil {
			if e, ok := err.(*websocket.CloseError); ok {
				return e.Code
			}
			p.t.Fatalf("ended without a close code: %v", err)
		}
	}
}
