package sfu

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"atrium/signaling/protocol"
	"atrium/topology"
)

const patience = 10 * time.Second // for what happens at once unless it is broken

// desk is a controller that admits the tokens it gave out.
type desk struct {
	mu     sync.Mutex
	tokens map[string]topology.Session
	events map[string]int // "up <user>", "flowing <user>", "down <user>"
	log    []string
	change chan struct{}
}

func newDesk() *desk {
	return &desk{tokens: map[string]topology.Session{}, events: map[string]int{}, change: make(chan struct{})}
}

func (d *desk) token(zone, user uuid.UUID) string { return d.tokenOf(zone, user, 1) }

func (d *desk) tokenOf(zone, user uuid.UUID, epoch topology.Epoch) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	id := uuid.NewString()
	d.tokens[id] = topology.Session{User: user, Zone: zone, Epoch: epoch, ID: id}
	return id
}

func (d *desk) AdmitSession(token string) (topology.Session, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if token == "refused" {
		return topology.Session{}, topology.ErrRefused
	}
	s, ok := d.tokens[token]
	if !ok {
		return s, topology.ErrToken
	}
	return s, nil
}

func (d *desk) note(what string, s topology.Session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := what + " " + s.User.String()
	d.events[key]++
	d.log = append(d.log, key)
	close(d.change)
	d.change = make(chan struct{})
}

func (d *desk) SessionUp(s topology.Session)      { d.note("up", s) }
func (d *desk) SessionFlowing(s topology.Session) { d.note("flowing", s) }
func (d *desk) SessionDown(s topology.Session)    { d.note("down", s) }

func (d *desk) count(what string, user uuid.UUID) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.events[what+" "+user.String()]
}

func (d *desk) wait(t testing.TB, what string, user uuid.UUID, n int) {
	t.Helper()
	late := time.After(patience)
	for {
		d.mu.Lock()
		got, change := d.events[what+" "+user.String()], d.change
		d.mu.Unlock()
		if got >= n {
			return
		}
		select {
		case <-change:
		case <-late:
			t.Fatalf("%s of %s: %d times, want %d", what, user, got, n)
		}
	}
}

type bed struct {
	*SFU
	t    testing.TB
	desk *desk
	http *httptest.Server
	zone uuid.UUID
	tcp  net.Listener
}

// newBed starts an SFU on loopback and checks at the end that nothing is left of it.
func newBed(t testing.TB, change ...func(*Options)) *bed {
	t.Helper()
	ignore := goleak.IgnoreCurrent()
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{t: t, desk: newDesk(), zone: uuid.New(), tcp: tcp}
	o := Options{UDP: udp, TCP: tcp, Controller: b.desk}
	for _, c := range change {
		c(&o)
	}
	if b.SFU, err = New(o); err != nil {
		t.Fatal(err)
	}
	b.http = httptest.NewServer(b.Link())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := b.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		b.http.Close()
		if n := b.Sessions(); n != 0 {
			t.Errorf("%d sessions left", n)
		}
		if n := b.m.rooms.Load(); n != 0 {
			t.Errorf("%d rooms left", n)
		}
		goleak.VerifyNone(t, ignore)
	})
	return b
}

// link is a client's end of /sfu.
type link struct {
	t      testing.TB
	ws     *websocket.Conn
	frames chan protocol.Envelope // all but SLOTS
	closed chan struct{}
	err    error // after closed

	mu     sync.Mutex
	slots  []protocol.Slot
	lists  int
	change chan struct{}
	wmu    sync.Mutex
}

func (b *bed) dial() *link {
	b.t.Helper()
	ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(b.http.URL, "http")+"/sfu", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	l := &link{t: b.t, ws: ws, frames: make(chan protocol.Envelope, 64), closed: make(chan struct{}), change: make(chan struct{})}
	go func() {
		defer close(l.closed)
		for {
			_, p, err := ws.ReadMessage()
			if err != nil {
				l.err = err
				return
			}
			env, err := protocol.Decode(p)
			if err != nil {
				l.err = err
				return
			}
			if env.Type != protocol.TypeSlots {
				l.frames <- env
				continue
			}
			var s protocol.Slots
			_ = env.Into(&s)
			l.mu.Lock()
			l.slots, l.lists = s.Slots, l.lists+1
			close(l.change)
			l.change = make(chan struct{})
			l.mu.Unlock()
		}
	}()
	b.t.Cleanup(func() { ws.Close(); <-l.closed })
	return l
}

func (l *link) send(typ string, payload any) {
	l.t.Helper()
	l.raw(string(protocol.MustEncode(typ, payload)))
}

func (l *link) raw(frame string) {
	l.t.Helper()
	l.wmu.Lock()
	defer l.wmu.Unlock()
	if err := l.ws.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
		l.t.Fatal(err)
	}
}

func (l *link) next(typ string) protocol.Envelope {
	l.t.Helper()
	select {
	case env := <-l.frames:
		if env.Type != typ {
			l.t.Fatalf("got %s %s, want %s", env.Type, env.Payload, typ)
		}
		return env
	case <-l.closed:
		select {
		case env := <-l.frames:
			if env.Type == typ {
				return env
			}
		default:
		}
		l.t.Fatalf("closed (%v), want %s", l.err, typ)
	case <-time.After(patience):
		l.t.Fatalf("no %s", typ)
	}
	return protocol.Envelope{}
}

func (l *link) wantError(code protocol.Code) protocol.Error {
	l.t.Helper()
	var e protocol.Error
	if err := l.next(protocol.TypeError).Into(&e); err != nil {
		l.t.Fatal(err)
	}
	if e.Code != code {
		l.t.Fatalf("%+v, want %s", e, code)
	}
	return e
}

func (l *link) wantClose(code int) {
	l.t.Helper()
	select {
	case <-l.closed:
	case <-time.After(patience):
		l.t.Fatalf("not closed, want %d", code)
	}
	var e *websocket.CloseError
	if !errors.As(l.err, &e) || e.Code != code {
		l.t.Fatalf("closed with %v, want %d", l.err, code)
	}
}

func (l *link) waitSlots(what string, ok func([]protocol.Slot) bool) []protocol.Slot {
	l.t.Helper()
	late := time.After(patience)
	for {
		l.mu.Lock()
		slots, change := l.slots, l.change
		l.mu.Unlock()
		if ok(slots) {
			return slots
		}
		select {
		case <-change:
		case <-late:
			l.t.Fatalf("SLOTS never: %s; last %s", what, show(slots))
		}
	}
}

func show(slots []protocol.Slot) string { b, _ := json.Marshal(slots); return string(b) }

func holds(user uuid.UUID, source protocol.Source, active bool) func([]protocol.Slot) bool {
	return func(slots []protocol.Slot) bool { return find(slots, user, source, active) != "" }
}

func find(slots []protocol.Slot, user uuid.UUID, source protocol.Source, active bool) string {
	for _, s := range slots {
		if s.UserID != nil && *s.UserID == user && *s.Source == source && s.Active == active {
			return s.Mid
		}
	}
	return ""
}

func (l *link) connect(token, session string) protocol.SFULinkConnected {
	l.t.Helper()
	l.send(protocol.TypeConnect, protocol.Connect{Token: token, Session: session})
	var c protocol.SFULinkConnected
	if err := l.next(protocol.TypeConnected).Into(&c); err != nil {
		l.t.Fatal(err)
	}
	return c
}

func (l *link) offer(sdp string) string {
	l.t.Helper()
	l.send(protocol.TypeSDPOffer, protocol.Description{To: "sfu", SDP: base64.StdEncoding.EncodeToString([]byte(sdp))})
	var d protocol.Description
	if err := l.next(protocol.TypeSDPAnswer).Into(&d); err != nil {
		l.t.Fatal(err)
	}
	if d.From != "sfu" {
		l.t.Fatalf("answer from %q", d.From)
	}
	raw, err := base64.StdEncoding.DecodeString(d.SDP)
	if err != nil {
		l.t.Fatal(err)
	}
	if env := l.next(protocol.TypeICECandidate); !strings.Contains(string(env.Payload), `"candidate":null`) {
		l.t.Fatalf("no end of candidates: %s", env.Payload)
	}
	return string(raw)
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
