package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// TestHangup: at SIGHUP a real process reads its worlds again. A map that is wrong is refused with all its errors and
// changes nothing; a good one moves who cannot stay. SIGTERM still drains it.
func TestHangup(t *testing.T) {
	const hall, room = "20000000-0000-4000-8000-000000000001", "20000000-0000-4000-8000-000000000002"
	dir := t.TempDir()
	draw := func(edits ...string) {
		t.Helper()
		data, err := os.ReadFile("../../signaling/space/testdata/office.tmj")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "office.tmj"), []byte(strings.NewReplacer(edits...).Replace(string(data))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	draw()
	program := exec.Command(os.Args[0])
	program.Args = []string{"atrium", "serve"}
	program.Env = ports0(t, asProgram+"=1", "GOCOVERDIR="+t.TempDir(), "ATRIUM_WORLDS_DIR="+dir, "ATRIUM_MOVEMENT_SLACK=50", "ATRIUM_LOG_FORMAT=json")
	stdout, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := program.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(30*time.Second, func() { program.Process.Kill() })
	defer kill.Stop()
	log := bufio.NewScanner(stderr)
	// logged reads the log up to a message, and gives what was logged before it.
	logged := func(message string) (before []string) {
		t.Helper()
		for log.Scan() {
			var line struct{ Msg, Err string }
			if err := json.Unmarshal(log.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
			if line.Msg == message {
				return before
			}
			before = append(before, line.Msg+": "+line.Err)
		}
		t.Fatalf("%q was not logged, but %q", message, before)
		return nil
	}
	head := make([]byte, 4096)
	size, err := stdout.Read(head)
	url, _, ok := strings.Cut(strings.TrimPrefix(string(head[:size]), "Atrium is ready: "), "\n")
	if err != nil || !ok {
		t.Fatalf("%s %v", head[:size], err)
	}

	tr := &http.Transport{DisableKeepAlives: true}
	res, err := (&http.Client{Transport: tr, Timeout: 10 * time.Second}).Post(url+"/api/guest", "application/json", strings.NewReader(`{"display_name":"Ada","avatar_id":"1"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var guest struct {
		Token   string `json:"token"`
		WorldID string `json:"world_id"`
	}
	if err := json.NewDecoder(res.Body).Decode(&guest); err != nil {
		t.Fatal(err)
	}
	ws, _, err := websocket.DefaultDialer.DialContext(t.Context(), strings.Replace(url, "http", "ws", 1)+"/signal", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	send := func(kind string, payload any) {
		t.Helper()
		if err := ws.WriteJSON(map[string]any{"type": kind, "payload": payload, "protocol_version": 1}); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(kind string) string {
		t.Helper()
		if err := ws.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		var m struct {
			Type    string
			Payload json.RawMessage
		}
		for m.Type != kind {
			if err := ws.ReadJSON(&m); err != nil {
				t.Fatalf("waiting for %s: %v", kind, err)
			}
		}
		return string(m.Payload)
	}
	send("CONNECT", map[string]any{"token": guest.Token, "client_version": "1.0.0"})
	send("JOIN_WORLD", map[string]any{"world_id": guest.WorldID})
	expect("WORLD_STATE")
	send("ZONE_TRANSITION", map[string]any{"from_zone_id": hall, "to_zone_id": room, "position": map[string]any{"x": 8, "y": 1}})
	expect("ZONE_TRANSITIONED")

	hangup := func() {
		t.Helper()
		if err := program.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	draw(`"MeetingRoom"`, `"Kitchen"`, `"chair"`, `""`)
	hangup()
	told := strings.Join(logged("the worlds stay as they were"), "\n")
	for _, want := range []string{`unknown zone type "Kitchen"`, `object "Chair": it has no class`} {
		if !strings.Contains(told, want) || !strings.Contains(told, "office.tmj") {
			t.Errorf("no %s in:\n%s", want, told)
		}
	}
	// It is where it was.
	send("JOIN_WORLD", map[string]any{"world_id": guest.WorldID})
	if state := expect("WORLD_STATE"); !strings.Contains(state, room) {
		t.Error(state)
	}
	draw(room, "20000000-0000-4000-8000-000000000009")
	hangup()
	logged("the worlds were read again")
	if moved := expect("ZONE_TRANSITIONED"); !strings.Contains(moved, hall) {
		t.Error(moved)
	}
	if err := program.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	logged("ended")
	rest, err := io.ReadAll(stdout)
	if err != nil || bytes.Contains(rest, []byte("panic")) {
		t.Errorf("%s %v", rest, err)
	}
	if err := program.Wait(); err != nil {
		t.Error(err)
	}
}
