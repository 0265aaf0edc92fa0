package node

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"atrium/configs"
)

// types are the content types of what a build holds. The system's table differs from machine to machine,
// and a script of another type is not run (nosniff).
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8", ".json": "application/json", ".map": "application/json", ".tmj": "application/json",
	".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".ico": "image/x-icon",
	".woff2": "font/woff2", ".wasm": "application/wasm", ".txt": "text/plain; charset=utf-8", ".mp3": "audio/mpeg",
	".ogg": "audio/ogg", ".webmanifest": "application/manifest+json",
}

// web serves the built client, which is in memory as a part of the program.
type web struct {
	files map[string]webFile // by URL path
}

type webFile struct {
	data []byte
	kind string
	etag string
	keep string // Cache-Control
}

func newWeb(fsys fs.FS) (*web, error) {
	w := &web{files: make(map[string]webFile)}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		f := webFile{data: data, kind: types[path.Ext(name)], etag: `"` + hex.EncodeToString(sum[:12]) + `"`, keep: "no-cache"}
		if f.kind == "" {
			f.kind = "application/octet-stream"
		}
		// What the build puts into assets/ has the hash of its contents in its name.
		if strings.HasPrefix(name, "assets/") {
			f.keep = "public, max-age=31536000, immutable"
		}
		w.files["/"+name] = f
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("the web client cannot be read: %w", err)
	}
	if index, ok := w.files["/index.html"]; ok {
		w.files["/"] = index
	}
	return w, nil
}

func (w *web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		rw.Header().Set("Allow", "GET, HEAD")
		http.Error(rw, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	f, ok := w.files[r.URL.Path]
	if !ok {
		rw.Header().Set("Cache-Control", "no-store")
		if r.URL.Path == "/" {
			http.Error(rw, "The web client is not part of this build. Run `make build` (or `npm run build` in webclient/) and start again.", http.StatusServiceUnavailable)
			return
		}
		http.NotFound(rw, r)
		return
	}
	h := rw.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", f.keep)
	h.Set("ETag", f.etag)
	http.ServeContent(rw, r, "", time.Time{}, bytes.NewReader(f.data))
}

// secure sets the headers that keep the page from doing, and being used for, what it is not for.
func secure(cfg *configs.Config, next http.Handler) http.Handler {
	connect := "connect-src 'self'"
	// Behind a proxy the SFU link may be on another origin than the page.
	if u, err := url.Parse(cfg.Server.PublicURL); err == nil && u.Host != "" {
		connect += " " + u.Scheme + "://" + u.Host + " " + strings.Replace(u.Scheme, "http", "ws", 1) + "://" + u.Host
	}
	policy := strings.Join([]string{
		"default-src 'self'",
		"script-src 'self' 'wasm-unsafe-eval'",
		"style-src 'self' 'unsafe-inline'", // positions and colours are set on elements
		"img-src 'self' data: blob:",
		"media-src 'self' blob: mediastream:",
		"worker-src 'self' blob:",
		"object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'", connect,
	}, "; ")
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		h := rw.Header()
		own := ""
		if hostOnly(r.Host) { // for browsers to which 'self' means http alone
			own = " ws://" + r.Host + " wss://" + r.Host
		}
		h.Set("Content-Security-Policy", policy+own)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(self), microphone=(self), display-capture=(self), geolocation=(), payment=(), usb=()")
		next.ServeHTTP(rw, r)
	})
}

// hostOnly says that a Host header holds nothing that could end a directive.
func hostOnly(host string) bool {
	return host != "" && !strings.ContainsFunc(host, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".-:[]", r))
	})
}
