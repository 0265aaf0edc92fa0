package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"
)

// asProgram makes the test's binary be the program, for what only a process has: signals.
const asProgram = "ATRIUM_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// ports0 is an environment for the demo on ports that the system chooses.
func ports0(t *testing.T, more ...string) []string {
	return append([]string{
		"ATRIUM_DATA_DIR=" + t.TempDir(), "ATRIUM_SERVER_LISTEN=127.0.0.1:0", "ATRIUM_ADMIN_LISTEN=127.0.0.1:0",
		"ATRIUM_TURN_UDP=127.0.0.1:0", "ATRIUM_TURN_TCP=127.0.0.1:0", "ATRIUM_SFU_UDP=127.0.0.1:0", "ATRIUM_SFU_TCP=127.0.0.1:0",
	}, more...)
}

// call runs the program to its end.
func call(t *testing.T, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, environ, &out, &err)
	return code, out.String(), err.String()
}

// served is a program that runs `serve`.
type served struct {
	url    string
	stop   func()
	done   chan int
	stderr *safeBuffer
}

// serving runs `serve` in this process until it is ready.
func serving(t *testing.T, environ []string, args ...string) *served {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	s := &served{stop: cancel, done: make(chan int, 1), stderr: &safeBuffer{}}
	go func() {
		code := run(ctx, append([]string{"serve"}, args...), environ, w, s.stderr)
		w.Close()
		s.done <- code
	}()
	head := make([]byte, 4096)
	n, err := r.Read(head)
	m := regexp.MustCompile(`^Atrium is ready: (http\S+)\n`).FindSubmatch(head[:n])
	if err != nil || m == nil {
		cancel()
		t.Fatalf("%s %v %s", head[:n], err, s.stderr)
	}
	s.url = string(m[1])
	return s
}

// end cancels, as SIGTERM does, and waits.
func (s *served) end(t *testing.T) {
	t.Helper()
	began := time.Now()
	s.stop()
	select {
	case code := <-s.done:
		if code != exitOK {
			t.Errorf("serve ended with %d: %s", code, s.stderr)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("serve did not end within 10 s")
	}
	t.Logf("drained in %v", time.Since(began))
}

// safeBuffer takes the log of a running program.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func get(t *testing.T, url, token string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	tr := &http.Transport{DisableKeepAlives: true}
	res, err := (&http.Client{Transport: tr, Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestCheck(t *testing.T) {
	if code, out, errs := call(t, ports0(t), "check"); code != exitOK || !strings.HasPrefix(out, "the demo's configuration is fine; worlds: Atrium (") || errs != "" {
		t.Errorf("%d %s %s", code, out, errs)
	}
	if code, out, errs := call(t, ports0(t), "check", "--config", "../../configs/atrium.yaml"); code != exitOK || !strings.Contains(out, "atrium.yaml is fine") || errs != "" {
		t.Errorf("%d %s %s", code, out, errs)
	}
	file := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(file, []byte("server:\n  listen: nowhere\n  port: 80\nauth:\n  secret: short\nsession:\n  grace: 5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := call(t, []string{"HOME=" + t.TempDir()}, "check", "--config", file)
	if code != exitConfig || out != "" {
		t.Errorf("%d %s", code, out)
	}
	lines := strings.Split(strings.TrimSpace(errs), "\n")
	if len(lines) != 4 {
		t.Errorf("%d errors, want 4:\n%s", len(lines), errs)
	}
	for _, want := range []string{
		`atrium: server.listen: "nowhere": want host:port`, `atrium: server.port: "80": unknown key`,
		`atrium: auth.secret: "(5 bytes)": too weak`, `atrium: session.grace: "5": want a duration`, "bad.yaml:2)",
	} {
		if !strings.Contains(errs, want) {
			t.Errorf("no %q in\n%s", want, errs)
		}
	}
}

func TestCheckWorlds(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.tmj"), []byte(`{"width":1,"height":1,"tilewidth":1,"tileheight":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := call(t, ports0(t, "ATRIUM_WORLDS_DIR="+dir), "check")
	if code != exitConfig || strings.Count(errs, "a.tmj: ") != 3 {
		t.Errorf("%d\n%s", code, errs)
	}
}

func TestCheckChangesNothing(t *testing.T) {
	env := ports0(t)
	call(t, env, "check")
	if files, err := os.ReadDir(strings.TrimPrefix(env[0], "ATRIUM_DATA_DIR=")); err != nil || len(files) != 0 {
		t.Errorf("%v, %v", files, err)
	}
}

func TestToken(t *testing.T) {
	const user, world = "6f1c1c2e-6a0b-4a39-9c0e-0d5a3f8e7b21", "6f1c1c2e-6a0b-4a39-9c0e-0d5a3f8e7b22"
	env := ports0(t)
	code, out, errs := call(t, env, "token", "--user", user, "--name", "Ada L.", "--role", "editor", "--ttl", "5m")
	if code != exitOK || errs != "" || strings.Count(out, "\n") != 1 {
		t.Fatalf("%d %s %s", code, out, errs)
	}
	token := strings.TrimSpace(out)
	secret, err := os.ReadFile(filepath.Join(strings.TrimPrefix(env[0], "ATRIUM_DATA_DIR="), "auth.secret"))
	if err != nil {
		t.Fatal(err)
	}
	claims := jwt.MapClaims{}
	_, err = jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return bytes.TrimSpace(secret), nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithAudience("atrium"), jwt.WithIssuer("atrium"), jwt.WithExpirationRequired())
	if err != nil || claims["sub"] != user || claims["name"] != "Ada L." || claims["role"] != "editor" || claims["avatar_id"] != "1" ||
		claims["workspace_id"] != "3d9a1c60-5b1e-4c0e-9f63-0e8f6a0f6a01" {
		t.Errorf("%v, %v", claims, err)
	}
	if _, ok := claims["worlds"]; ok {
		t.Errorf("it is bound to worlds: %v", claims)
	}
	if exp, err := claims.GetExpirationTime(); err != nil || time.Until(exp.Time).Round(time.Minute) != 5*time.Minute {
		t.Errorf("it expires at %v", exp)
	}

	// The node with the same configuration takes it, and reads the same secret.
	s := serving(t, env)
	defer s.end(t)
	var list struct {
		Worlds []struct {
			WorldID string `json:"world_id"`
		} `json:"worlds"`
	}
	status, body := get(t, s.url+"/api/worlds", token)
	if err := json.Unmarshal([]byte(body), &list); status != 200 || err != nil || len(list.Worlds) != 1 {
		t.Fatalf("%d %s", status, body)
	}
	if status, body := get(t, s.url+"/api/worlds/"+list.Worlds[0].WorldID, token); status != 200 || !strings.Contains(body, `"zone_type":"PrivateRoom"`) {
		t.Errorf("%d %s", status, body)
	}
	_, out, _ = call(t, env, "token", "--user", user, "--name", "A", "--role", "guest", "--worlds", world)
	if status, body := get(t, s.url+"/api/worlds/"+list.Worlds[0].WorldID, strings.TrimSpace(out)); status != 403 {
		t.Errorf("a token of another world: %d %s", status, body)
	}
	_, out, _ = call(t, env, "token", "--user", user, "--name", "A", "--role", "admin", "--workspace", world)
	if status, body := get(t, s.url+"/api/worlds/"+list.Worlds[0].WorldID, strings.TrimSpace(out)); status != 403 {
		t.Errorf("a token of another workspace: %d %s", status, body)
	}
	if status, _ := get(t, s.url+"/api/worlds", ""); status != 401 {
		t.Errorf("no token: %d", status)
	}
}

func TestTokenErrors(t *testing.T) {
	code, out, errs := call(t, ports0(t, "ATRIUM_LOG_LEVEL=loud"), "token", "--user", "me", "--role", "boss", "--ttl", "-1s", "--worlds", "a,b")
	if code != exitConfig || out != "" || strings.Count(errs, "\n") != 7 {
		t.Errorf("%d %s\n%s", code, out, errs)
	}
	for _, want := range []string{"--user", "--name", "--role", "--ttl", "--worlds", "log.level"} {
		if !strings.Contains(errs, "atrium: "+want+": ") {
			t.Errorf("no %s in\n%s", want, errs)
		}
	}
	keys, err := filepath.Abs("../../configs/testdata/p256.pem")
	if err != nil {
		t.Fatal(err)
	}
	code, _, errs = call(t, ports0(t, "ATRIUM_AUTH_PUBLIC_KEYS="+keys, "ATRIUM_AUTH_GUEST_LOGIN=false"), "token", "--user", "6f1c1c2e-6a0b-4a39-9c0e-0d5a3f8e7b21", "--name", "A", "--role", "admin")
	if code != exitConfig || !strings.Contains(errs, "auth.secret") {
		t.Errorf("public keys alone: %d %s", code, errs)
	}
}

// TestServeTwice: two in one process, each with its own ports, one after the other's end too.
func TestServeTwice(t *testing.T) {
	env := ports0(t)
	a, b := serving(t, env), serving(t, env)
	for _, s := range []*served{a, b} {
		if status, _ := get(t, s.url+"/api/worlds", ""); status != 401 {
			t.Errorf("%d", status)
		}
	}
	a.end(t)
	if status, _ := get(t, b.url+"/api/worlds", ""); status != 401 {
		t.Errorf("after the other's end: %d", status)
	}
	b.end(t)
	serving(t, env).end(t)
}

func TestServePortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	at := l.Addr().String()
	code, out, errs := call(t, ports0(t, "ATRIUM_SERVER_LISTEN="+at, "ATRIUM_TURN_TCP=127.0.0.1:0"), "serve")
	want := `atrium: server.listen: "` + at + `": the tcp port is in use: stop what listens there`
	if code != exitConfig || out != "" || !strings.HasPrefix(errs, want) || strings.Count(errs, "\n") != 1 {
		t.Errorf("%d %s %s", code, out, errs)
	}
	code, _, errs = call(t, ports0(t, "ATRIUM_ADMIN_LISTEN="+at, "ATRIUM_SFU_TCP="+at[:strings.LastIndex(at, ":")]+":0", "ATRIUM_DATA_DIR=/dev/null"), "serve")
	if code != exitConfig || !strings.Contains(errs, "admin.listen") || !strings.Contains(errs, "data_dir") {
		t.Errorf("%d %s", code, errs)
	}
}

func TestLogFormat(t *testing.T) {
	s := serving(t, ports0(t, "ATRIUM_LOG_FORMAT=json", "ATRIUM_LOG_LEVEL=debug"))
	s.end(t)
	for line := range strings.Lines(s.stderr.String()) {
		var entry struct{ Level, Msg string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Level == "" || entry.Msg == "" {
			t.Errorf("%s: %v", line, err)
		}
	}
	if s.stderr.String() == "" {
		t.Error("nothing was logged")
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"dance"}, {"serve", "now"}, {"serve", "--port", "80"}, {"check", "--config"}, {"serve", "--config", "none.yaml"}} {
		if code, out, errs := call(t, ports0(t), args...); code != exitConfig || out != "" || !strings.HasPrefix(errs, "atrium: ") {
			t.Errorf("%v: %d %s %s", args, code, out, errs)
		}
	}
	if code, out, _ := call(t, nil); code != exitOK || !strings.Contains(out, "serve") || !strings.Contains(out, "token") {
		t.Errorf("%d %s", code, out)
	}
	if code, out, _ := call(t, nil, "version"); code != exitOK || !strings.HasPrefix(out, "atrium ") {
		t.Errorf("%d %s", code, out)
	}
}

// TestSignal: the process drains at SIGTERM and says that all went well.
func TestSignal(t *testing.T) {
	program := exec.Command(os.Args[0])
	program.Args = []string{"atrium", "serve"}
	program.Env = ports0(t, asProgram+"=1", "GOCOVERDIR="+t.TempDir())
	stdout, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr safeBuffer
	program.Stderr = &stderr
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(20*time.Second, func() { program.Process.Kill() })
	defer kill.Stop()
	head := make([]byte, 4096)
	if n, err := stdout.Read(head); err != nil || !bytes.HasPrefix(head[:n], []byte("Atrium is ready")) {
		t.Errorf("%s %v", head[:n], err)
	}
	if err := program.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := program.Wait(); err != nil || !strings.Contains(stderr.String(), "ended") {
		t.Errorf("%v %s", err, &stderr)
	}
}

// TestSecondSignal ends at once.
func TestSecondSignal(t *testing.T) {
	signals := make(chan os.Signal, 2)
	drained, exited := make(chan struct{}), make(chan int, 1)
	go onSignals(signals, 0, func() { close(drained) }, func(code int) { exited <- code })
	signals <- syscall.SIGTERM
	<-drained
	select {
	case code := <-exited:
		t.Fatalf("the first signal ended it with %d", code)
	default:
	}
	signals <- syscall.SIGTERM
	if code := <-exited; code != 143 {
		t.Errorf("ended with %d", code)
	}
}

// TestSignalEcho: one signal that comes by two ways is one.
func TestSignalEcho(t *testing.T) {
	signals := make(chan os.Signal)
	drained := 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		onSignals(signals, time.Hour, func() { drained++ }, func(code int) { t.Errorf("ended with %d", code) })
	}()
	for range 3 {
		signals <- syscall.SIGTERM
	}
	close(signals)
	<-done
	if drained != 1 {
		t.Errorf("drained %d times", drained)
	}
}
