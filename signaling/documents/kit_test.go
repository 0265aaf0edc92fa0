package documents_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"atrium/signaling/documents"
	"atrium/signaling/documents/store"
	"atrium/signaling/documents/wire"
	"atrium/signaling/identity"
	"atrium/signaling/space"
)

func TestMain(m *testing.M) {
	_ = flag.Set("rapid.checks", "30") // a sequence is real connections and a real Redis; the command line may ask for more
	// go-redis looks whether a server is back, and ends that up to a second after the client was closed.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

const patience = 30 * time.Second

var (
	workspace = uuid.MustParse("0a000000-0000-4000-8000-000000000001")
	foreign   = uuid.MustParse("0a000000-0000-4000-8000-000000000002")
	secret    = []byte("a secret of thirty-two bytes, yes")
)

// worlds is who may open what, as the worlds say: a document that is listed is open to the users of its list.
type worlds struct {
	mu   sync.Mutex
	open map[uuid.UUID][]uuid.UUID
}

func (w *worlds) MayOpen(c *identity.Claims, document uuid.UUID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	users, named := w.open[document]
	for _, u := range users {
		if u == c.User {
			return true
		}
	}
	return !named
}

func (w *worlds) set(document uuid.UUID, users ...uuid.UUID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[document] = users
}

// house is a server behind a real listener.
type house struct {
	t      testing.TB
	srv    *documents.Server
	notes  *store.Store
	worlds *worlds
	url    string
}

func newHouse(t testing.TB, change func(*documents.Options)) *house {
	t.Helper()
	return houseIn(t, t.TempDir(), change)
}

func houseIn(t testing.TB, dir string, change func(*documents.Options)) *house {
	t.Helper()
	notes, err := store.Open(filepath.Join(dir, "documents.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, notes: notes, worlds: &worlds{open: map[uuid.UUID][]uuid.UUID{}}}
	o := documents.Options{
		Auth: identity.Auth{Secret: secret}, Access: h.worlds, Store: notes, Tick: 5 * time.Millisecond,
		Messages: 100_000, Joins: 100_000, NoteRate: 100_000, Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	h.srv = documents.New(o)
	web := httptest.NewServer(h.srv)
	h.url = "ws" + strings.TrimPrefix(web.URL, "http") + "/documents"
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := h.srv.Shutdown(ctx); err != nil {
			t.Error("shutdown:", err)
		}
		web.Close()
		if err := notes.Close(); err != nil {
			t.Error("store:", err)
		}
	})
	return h
}

func claimsOf(user uuid.UUID) identity.Claims {
	return identity.Claims{User: user, Workspace: workspace, Name: "N", Avatar: "fox", Role: space.Plain, Expires: time.Now().Add(time.Hour)}
}

func token(t testing.TB, c identity.Claims) string {
	t.Helper()
	tok, err := identity.Mint(identity.Auth{Secret: secret}, c)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// client knows the wire only.
type client struct {
	t      testing.TB
	user   uuid.UUID
	ws     *websocket.Conn
	frames chan frame
	over   chan struct{}
	ended  chan struct{} // then code is set
	code   int

	stalled atomic.Bool // it reads no more
}

type frame struct {
	tag     string
	payload json.RawMessage
	text    string
}

// enter connects as a user, by the pair of subprotocols.
func (h *house) enter(user uuid.UUID, more ...string) *client {
	return h.enterAs(claimsOf(user), more...)
}

func (h *house) enterAs(c identity.Claims, more ...string) *client {
	h.t.Helper()
	return dial(h.t, h.url, c.User, append([]string{wire.Subprotocol, token(h.t, c)}, more...), nil)
}

func dial(t testing.TB, url string, user uuid.UUID, protocols []string, header http.Header) *client {
	t.Helper()
	d := websocket.Dialer{HandshakeTimeout: patience, Subprotocols: protocols}
	ws, res, err := d.Dial(url, header)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	c := &client{t: t, user: user, ws: ws, frames: make(chan frame, 1<<16), over: make(chan struct{}), ended: make(chan struct{})}
	go c.read()
	t.Cleanup(func() { close(c.over); _ = ws.Close(); <-c.ended })
	return c
}

func (c *client) read() {
	defer close(c.ended)
	for {
		if c.stalled.Load() {
			<-c.over
			return
		}
		_, text, err := c.ws.ReadMessage()
		if err != nil {
			var e *websocket.CloseError
			if errors.As(err, &e) {
				c.code = e.Code
			}
			return
		}
		var tagged map[string]json.RawMessage
		if err := json.Unmarshal(text, &tagged); err != nil || len(tagged) != 1 {
			c.t.Errorf("a frame of the server is no message: %s", text)
		}
		for tag, payload := range tagged {
			select {
			case c.frames <- frame{tag, payload, string(text)}:
			case <-c.over:
				return
			}
		}
	}
}

func (c *client) raw(text string) {
	c.t.Helper()
	if err := c.ws.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) send(tag string, payload any) {
	c.t.Helper()
	c.raw(string(wire.Encode(tag, payload)))
}

func (c *client) join(document uuid.UUID) {
	c.t.Helper()
	c.send(wire.TagJoinDocument, wire.JoinDocument{DocumentID: document, UserID: c.user})
}

func (c *client) leave(document uuid.UUID) {
	c.t.Helper()
	c.send(wire.TagLeaveDocument, wire.LeaveDocument{DocumentID: document, UserID: c.user})
}

func (c *client) annotate(document uuid.UUID, content string) {
	c.t.Helper()
	c.send(wire.TagAnnotation, wire.Annotation{DocumentID: document, UserID: c.user, Content: content, Timestamp: someTime})
}

func (c *client) cursor(document uuid.UUID, line uint64) {
	c.t.Helper()
	c.send(wire.TagCursorUpdate, wire.CursorUpdate{DocumentID: document, UserID: c.user, Position: wire.Position{Line: line}, Timestamp: someTime})
}

const someTime = "2030-01-02T03:04:05.678+01:00"

func (c *client) next() frame {
	c.t.Helper()
	select {
	case f := <-c.frames:
		return f
	case <-c.ended:
		select {
		case f := <-c.frames:
			return f
		default:
			c.t.Fatalf("closed with %d", c.code)
		}
	case <-time.After(patience):
		c.t.Fatal("nothing came")
	}
	panic("unreachable")
}

// expect takes the next frame, which must be of a tag.
func (c *client) expect(tag string, into any) frame {
	c.t.Helper()
	f := c.next()
	if f.tag != tag {
		c.t.Fatalf("%s came; it should be %s", f.text, tag)
	}
	if into != nil {
		if err := json.Unmarshal(f.payload, into); err != nil {
			c.t.Fatal(err)
		}
	}
	return f
}

// refused takes the next frame, which must be an error.
func (c *client) refused(code wire.Code, words string) {
	c.t.Helper()
	var e wire.Error
	c.expect(wire.TagError, &e)
	if e.Code != code || !strings.Contains(e.Message, words) {
		c.t.Fatalf("%v; it should be %s with %q", e, code, words)
	}
}

// fence makes sure that everything before has been answered: what is provoked is the answer to a message of no sense.
func (c *client) fence() {
	c.t.Helper()
	c.raw("[]")
	c.refused(wire.ParseError, "")
}

func (c *client) closedWith(code int) {
	c.t.Helper()
	select {
	case <-c.ended:
	case <-time.After(patience):
		c.t.Fatal("it is still open")
	}
	if c.code != code {
		c.t.Fatalf("closed with %d; it should be %d", c.code, code)
	}
}

// fenceQuietly is fence for who does not mind what comes meanwhile.
func (c *client) fenceQuietly() {
	c.t.Helper()
	c.raw("[]")
	for c.next().tag != wire.TagError {
	}
}

// nextNote gives the next annotation or comment, whatever presence comes before.
func (c *client) nextNote() frame {
	c.t.Helper()
	for {
		f := c.next()
		switch f.tag {
		case wire.TagAnnotation, wire.TagComment:
			return f
		case wire.TagError:
			c.t.Fatalf("%s", f.text)
		}
	}
}

func decode(t testing.TB, f frame, into any) {
	t.Helper()
	if err := json.Unmarshal(f.payload, into); err != nil {
		t.Fatal(err)
	}
}

func decodeText(t testing.TB, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}

// skipErrors gives the next annotation or comment, whatever else comes before.
func (c *client) skipErrors() frame {
	c.t.Helper()
	for {
		if f := c.next(); f.tag == wire.TagAnnotation || f.tag == wire.TagComment {
			return f
		}
	}
}

// until waits for a condition.
func until(t testing.TB, what string, ok func() bool) {
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

// fenceNotes makes sure that so many notes came and nothing else but presence.
func (c *client) fenceNotes(want int) {
	c.t.Helper()
	c.raw("[]")
	n := 0
	for {
		switch f := c.next(); f.tag {
		case wire.TagAnnotation, wire.TagComment:
			n++
		case wire.TagError:
			if n != want {
				c.t.Errorf("%d notes came, should be %d", n, want)
			}
			return
		}
	}
}

// stall lets the client read no more.
func (c *client) stall() {
	_ = c.ws.NetConn().(*net.TCPConn).SetReadBuffer(4096) // the kernel reads for it, and that has an end sooner
	c.stalled.Store(true)
	c.raw("[]")
}
