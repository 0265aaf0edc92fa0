package node_test

import (
	"context"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"testing"

	"atrium/webclient"
)

func TestWeb(t *testing.T) {
	n := start(t, config(t))
	c := client(t, nil)
	built := false
	for name, want := range pages(t) {
		built = built || name == "/index.html"
		res, body := get(t, c, n.Addrs.HTTP+name)
		if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), want) || len(body) == 0 {
			t.Errorf("%s: %d, %s, %d bytes", name, res.StatusCode, res.Header.Get("Content-Type"), len(body))
		}
		keep, immutable := res.Header.Get("Cache-Control"), strings.HasPrefix(name, "/assets/")
		if strings.Contains(keep, "immutable") != immutable || !immutable && keep != "no-cache" {
			t.Errorf("%s: Cache-Control is %q", name, keep)
		}
		if res, _ := get(t, c, n.Addrs.HTTP+name, "If-None-Match", res.Header.Get("ETag")); res.StatusCode != 304 {
			t.Errorf("%s again: %d", name, res.StatusCode)
		}
	}
	res, body := get(t, c, n.Addrs.HTTP+"/")
	if built && (res.StatusCode != 200 || !strings.Contains(body, "<html")) || !built && (res.StatusCode != 503 || !strings.Contains(body, "make build")) {
		t.Errorf("/: %d %s", res.StatusCode, body)
	}
	for header, want := range map[string]string{
		"Content-Security-Policy": "default-src 'self'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self)",
	} {
		if got := res.Header.Get(header); !strings.HasPrefix(got, want) {
			t.Errorf("%s is %q", header, got)
		}
	}
	if got := res.Header.Get("Content-Security-Policy"); !strings.Contains(got, strings.Replace(n.Addrs.HTTP, "http", "ws", 1)) {
		t.Errorf("the page may not reach its own links: %s", got)
	}
	for _, name := range []string{"/nothing", "/.gitkeep", "/assets/", "/assets", "/../go.mod"} {
		if res, _ := get(t, c, n.Addrs.HTTP+name); res.StatusCode != 404 {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	if res, _ := do(t, c, http.MethodPost, n.Addrs.HTTP+"/", ""); res.StatusCode != 405 || res.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d", res.StatusCode)
	}
	if res, _ := get(t, c, n.Addrs.HTTP+"/metrics"); res.StatusCode != 404 {
		t.Errorf("metrics are told to everyone: %d", res.StatusCode)
	}
}

// pages are the files of the build, with their content types.
func pages(t *testing.T) map[string]string {
	out := make(map[string]string)
	kinds := map[string]string{".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
	err := fs.WalkDir(webclient.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if kind := kinds[path.Ext(name)]; err == nil && !d.IsDir() && kind != "" {
			out["/"+name] = kind
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestHTTPS: page, API and both links over a certificate of one's own, TURN over TLS beside them.
func TestHTTPS(t *testing.T) {
	cert, key, trusted := certificate(t)
	n := start(t, config(t, "ATRIUM_SERVER_TLS_CERT="+cert, "ATRIUM_SERVER_TLS_KEY="+key, "ATRIUM_TURN_TLS=127.0.0.1:0", "ATRIUM_TOPOLOGY_PROMOTE_AT=2", "ATRIUM_TOPOLOGY_DEMOTE_AT=1"))
	if !strings.HasPrefix(n.Addrs.HTTP, "https://127.0.0.1:") {
		t.Fatalf("%+v", n.Addrs)
	}
	if res, _ := get(t, client(t, trusted), n.Addrs.HTTP+"/"); res.TLS == nil || res.Header.Get("Content-Security-Policy") == "" {
		t.Errorf("the page: %+v", res)
	}
	enter(t, n, trusted)
	p := enter(t, n, trusted)
	if got := string(p.expect("PROMOTE_TO_SFU")); !strings.Contains(got, strings.Replace(n.Addrs.HTTP, "https", "wss", 1)+"/sfu") {
		t.Errorf("sfu_url is not secure: %s", got)
	}
	want := "turns:" + n.Addrs.TURNTLS.String() + "?transport=tcp"
	if urls := n.Addrs.TURN; len(urls) != 3 || urls[2] != want {
		t.Errorf("TURN urls are %v, want %s too", urls, want)
	}
}

func TestAdmin(t *testing.T) {
	n := start(t, config(t))
	enter(t, n, nil)
	c := client(t, nil)
	if _, body := get(t, c, n.Addrs.Admin+"/metrics"); !strings.Contains(body, "go_goroutines") || strings.Count(body, "\natrium_") < 5 {
		t.Errorf("metrics:\n%s", body)
	}
	for _, name := range []string{"/healthz", "/debug/pprof/", "/debug/pprof/goroutine?debug=1", "/debug/pprof/cmdline"} {
		if res, _ := get(t, c, n.Addrs.Admin+name); res.StatusCode != 200 {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
}

// TestOff: what is configured away does not listen.
func TestOff(t *testing.T) {
	n := start(t, config(t, "ATRIUM_TURN_ENABLED=false", "ATRIUM_ADMIN_LISTEN=", "ATRIUM_SFU_TCP="))
	if n.Addrs.Admin != "" || n.Addrs.TURNUDP.IsValid() || n.Addrs.SFUTCP.IsValid() || len(n.Addrs.TURN) != 0 || n.Allocations() != 0 {
		t.Errorf("%+v", n.Addrs)
	}
	if p := enter(t, n, nil); p.stun != "" {
		t.Errorf("STUN server %s, and TURN is off", p.stun)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := n.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// TestAdvertised: what others are told is what they can reach.
func TestAdvertised(t *testing.T) {
	n := start(t, config(t, "ATRIUM_MEDIA_PUBLIC_IP=203.0.113.7"))
	for _, u := range n.Addrs.TURN {
		if !strings.HasPrefix(u, "turn:203.0.113.7:") {
			t.Errorf("%s does not name the public address", u)
		}
	}
	all := start(t, config(t, "ATRIUM_TURN_UDP=0.0.0.0:0", "ATRIUM_TURN_TCP=:0", "ATRIUM_SERVER_LISTEN=:0"))
	for _, u := range all.Addrs.TURN {
		if strings.Contains(u, "0.0.0.0") || strings.Contains(u, "[::]") {
			t.Errorf("%s cannot be reached", u)
		}
	}
	if p := enter(t, all, nil); !strings.HasPrefix(p.stun, "stun:") || strings.Contains(p.stun, "0.0.0.0") || strings.Contains(p.stun, "[::]") {
		t.Errorf("STUN server %q cannot be reached", p.stun)
	}
}
