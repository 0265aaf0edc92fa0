package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"atrium/bench/redisserver"
)

const patience = 60 * time.Second

// process is the program as a process, with documents that anybody may write in as fast as they like.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	url   string
	token func(user string) string
}

func program(t *testing.T, dir string, more ...string) *process {
	t.Helper()
	env := append(ports0(t, asProgram+"=1", "GOCOVERDIR="+t.TempDir(), "ATRIUM_DATA_DIR="+dir, "ATRIUM_LOG_LEVEL=error",
		"ATRIUM_DOCUMENTS_NOTES=100000", "ATRIUM_DOCUMENTS_MESSAGES=100000"), more...)
	p := &process{t: t, cmd: exec.Command(os.Args[0])}
	p.cmd.Args, p.cmd.Env, p.cmd.Stderr = []string{"atrium", "serve"}, env, os.Stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	head := make([]byte, 4096)
	n, err := stdout.Read(head)
	url, _, ok := strings.Cut(strings.TrimPrefix(string(head[:n]), "Atrium is ready: "), "\n")
	if err != nil || !ok {
		t.Fatalf("%s %v", head[:n], err)
	}
	p.url = url
	p.token = func(user string) string {
		code, out, errs := call(t, env, "token", "--user", user, "--name", "Ada", "--role", "member")
		if code != exitOK {
			t.Fatal(errs)
		}
		return strings.TrimSpace(out)
	}
	return p
}

// kill ends it at once.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // it was killed
}

// reader is a connection in a document, whose user's own notes come back to it.
type reader struct {
	user string
	ws   *websocket.Conn
}

func (p *process) join(user, doc string) *reader {
	p.t.Helper()
	d := websocket.Dialer{HandshakeTimeout: patience, Subprotocols: []string{"atrium.documents", p.token(user), "atrium.documents.v1+ack"}}
	ws, res, err := d.Dial(strings.Replace(p.url, "http", "ws", 1)+"/documents", http.Header{})
	if err != nil {
		p.t.Fatal(err)
	}
	_ = res.Body.Close()
	p.t.Cleanup(func() { ws.Close() })
	r := &reader{user, ws}
	r.send(p.t, "JoinDocument", map[string]any{"document_id": doc, "user_id": user})
	return r
}

func (r *reader) send(t *testing.T, tag string, m map[string]any) bool {
	return r.ws.WriteJSON(map[string]any{tag: m}) == nil
}

// next gives the next message of a tag; false: the connection ended.
func (r *reader) next(tag string) (json.RawMessage, bool) {
	_ = r.ws.SetReadDeadline(time.Now().Add(patience))
	for {
		var m map[string]json.RawMessage
		if r.ws.ReadJSON(&m) != nil {
			return nil, false
		}
		if payload, ok := m[tag]; ok {
			return payload, true
		}
	}
}

// hearsOf waits for word of a user, who came before or after: a PresenceUpdate or a JoinDocument. False: the connection ended.
func (r *reader) hearsOf(user string) bool {
	_ = r.ws.SetReadDeadline(time.Now().Add(patience))
	for {
		var m map[string]struct {
			User string `json:"user_id"`
		}
		if r.ws.ReadJSON(&m) != nil {
			return false
		}
		for _, about := range m {
			if about.User == user {
				return true
			}
		}
	}
}

// TestKillInAStorm: a process that is killed while many write keeps every annotation that somebody was sent, in the same order.
func TestKillInAStorm(t *testing.T) {
	const authors, enough = 4, 500
	dir, doc := t.TempDir(), uuid.NewString()
	p := program(t, dir)
	var all []*reader
	for range authors {
		all = append(all, p.join(uuid.NewString(), doc))
	}
	seen := make([][]json.RawMessage, authors)
	var ended sync.WaitGroup
	kill := sync.OnceFunc(p.kill)
	for i, r := range all {
		ended.Go(func() {
			for n := 0; r.send(t, "Annotation", map[string]any{"document_id": doc, "user_id": r.user, "position": map[string]int{"line": n, "column": i},
				"content": fmt.Sprint(n), "timestamp": "2030-01-02T03:04:05Z"}); n++ {
			}
		})
		ended.Go(func() {
			for {
				a, ok := r.next("Annotation")
				if !ok {
					return
				}
				if seen[i] = append(seen[i], bytes.Clone(a)); len(seen[i]) >= enough {
					kill()
				}
			}
		})
	}
	ended.Wait()
	p = program(t, dir)
	r := p.join(uuid.NewString(), doc)
	longest := 0
	for _, s := range seen {
		longest = max(longest, len(s))
	}
	if longest < enough {
		t.Fatalf("%d annotations before the end, should be %d", longest, enough)
	}
	for n := range longest {
		stored, ok := r.next("Annotation")
		if !ok {
			t.Fatalf("%d annotations are left, %d were sent to somebody", n, longest)
		}
		for i, s := range seen {
			// Who joined later was sent what was there already, so that all have the whole.
			if n < len(s) && !bytes.Equal(s[n], stored) {
				t.Fatalf("annotation %d was %s to %d, and is %s", n, s[n], i, stored)
			}
		}
	}
}

// TestNodeThatIsKilled: who was on a node that died is gone from the other.
func TestNodeThatIsKilled(t *testing.T) {
	redis, err := redisserver.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(redis.Close)
	shared, doc := t.TempDir(), uuid.NewString() // the secret
	one, two := program(t, shared, "ATRIUM_DOCUMENTS_REDIS_URL="+redis.URL), program(t, shared, "ATRIUM_DOCUMENTS_REDIS_URL="+redis.URL)
	there := one.join(uuid.NewString(), doc)
	here := two.join(uuid.NewString(), doc)
	if !there.hearsOf(here.user) || !here.hearsOf(there.user) {
		t.Fatal("they do not see each other")
	}
	one.kill()
	left, ok := here.next("LeaveDocument")
	if !ok || !strings.Contains(string(left), there.user) {
		t.Fatalf("%s left", left)
	}
}
