package socket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"atrium/signaling/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// narrowListener gives connections little room, so that a reader that stops is noticed soon.
type narrowListener struct{ net.Listener }

func (l narrowListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		_ = c.(*net.TCPConn).SetWriteBuffer(16 << 10)
	}
	return c, err
}

// countingListener counts the system calls that write.
type countingListener struct {
	net.Listener
	writes *atomic.Int64
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return countingConn{c, l.writes}, err
}

type countingConn struct {
	net.Conn
	writes *atomic.Int64
}

func (c countingConn) Write(p []byte) (int, error) { c.writes.Add(1); return c.Conn.Write(p) }

// pair is a connection seen from both ends. The client's read loop is the test's own.
func pair(t *testing.T, o Options) (*Conn, *websocket.Conn) {
	t.Helper()
	return pairOver(t, o, func(srv *httptest.Server) {
		srv.Listener = narrowListener{srv.Listener}
		srv.Start()
	})
}

func pairOver(t *testing.T, o Options, start func(*httptest.Server)) (*Conn, *websocket.Conn) {
	t.Helper()
	conns := make(chan *Conn, 1)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := Upgrade(w, r, o)
		if err != nil {
			t.Error(err)
			return
		}
		conns <- c
	}))
	start(srv)
	t.Cleanup(srv.Close)
	d := websocket.Dialer{NetDialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		if err == nil {
			_ = c.(*net.TCPConn).SetReadBuffer(16 << 10)
		}
		return c, err
	}}
	if srv.TLS != nil {
		d.TLSClientConfig = srv.Client().Transport.(*http.Transport).TLSClientConfig
	}
	ws, resp, err := d.Dial("ws"+strings.TrimPrefix(srv.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	_ = ws.SetReadDeadline(time.Now().Add(10 * time.Second))
	c := <-conns
	t.Cleanup(func() { _ = ws.Close(); c.kill(); <-c.Done() })
	return c, ws
}

// owner is who a connection is served by.
type owner struct {
	frames chan string // nil: they are dropped
	end    chan error
}

func (o owner) Frame(frame []byte) {
	if o.frames != nil {
		o.frames <- string(frame)
	}
}

func (o owner) Ended(err error) { o.end <- err }

// serve serves a connection to its end, as its owner must.
func serve(c *Conn) <-chan error {
	o := owner{end: make(chan error, 1)}
	c.Serve(o)
	return o.end
}

func wantClose(t *testing.T, ws *websocket.Conn, code int) {
	t.Helper()
	for {
		_, _, err := ws.ReadMessage()
		if err == nil {
			continue
		}
		var e *websocket.CloseError
		if !errors.As(err, &e) || e.Code != code {
			t.Fatalf("got %v, want close %d", err, code)
		}
		return
	}
}

func within(t *testing.T, what string, ch <-chan struct{}) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(10 * time.Second):
		t.Fatal(what + " did not come")
	}
}

// TestFramesGoBothWaysInOrder, over connections that wait without a buffer and over those that cannot. What is larger
// than a read comes in several, and over TLS several frames come in one.
func TestFramesGoBothWaysInOrder(t *testing.T) {
	for name, start := range map[string]func(*httptest.Server){"plain": (*httptest.Server).Start, "TLS": (*httptest.Server).StartTLS} {
		t.Run(name, func(t *testing.T) {
			c, ws := pairOver(t, Options{}, start)
			if plain := name == "plain"; plain != (c.raw != nil) {
				t.Errorf("it waits on the socket itself: %v", c.raw != nil)
			}
			o := owner{frames: make(chan string, 200), end: make(chan error, 1)}
			c.Serve(o)
			frame := func(i int) string { return fmt.Sprint(i) + strings.Repeat("x", i*i) }
			for i := range 200 {
				if err := ws.WriteMessage(websocket.TextMessage, []byte(frame(i))); err != nil {
					t.Fatal(err)
				}
			}
			for i := range 200 {
				if got := <-o.frames; got != frame(i) {
					t.Fatalf("%d: got %.40q", i, got)
				}
			}
			for i := range 200 {
				if err := c.Send([]byte(fmt.Sprint(i))); err != nil {
					t.Fatal(err)
				}
			}
			for i := range 200 {
				if _, got, err := ws.ReadMessage(); err != nil || string(got) != fmt.Sprint(i) {
					t.Fatal(i, string(got), err)
				}
			}
			c.kill()
			if err := <-o.end; !errors.Is(err, ErrClosed) {
				t.Error(err)
			}
		})
	}
}

func TestManyFramesCostOneWrite(t *testing.T) {
	writes := new(atomic.Int64)
	c, ws := pairOver(t, Options{}, func(srv *httptest.Server) {
		srv.Listener = countingListener{srv.Listener, writes}
		srv.Start()
	})
	writes.Store(0)
	frames := make([][]byte, 100)
	for i := range frames {
		frames[i] = bytes.Repeat([]byte("x"), 200)
	}
	if err := c.SendAll(frames); err != nil {
		t.Fatal(err)
	}
	for range frames {
		if _, _, err := ws.ReadMessage(); err != nil {
			t.Fatal(err)
		}
	}
	if n := writes.Load(); n != 1 {
		t.Fatalf("%d writes for %d frames", n, len(frames))
	}
}

// told is the presence of users, as the payloads of messages in brackets.
func told(payloads ...string) *Tick {
	t := &Tick{}
	for _, p := range payloads {
		t.Add(users[p[0]], []byte("<"+p+">"), 1, 1+len(p))
	}
	return t
}

var users = map[byte]uuid.UUID{'a': uuid.New(), 'b': uuid.New(), 'c': uuid.New()}

// TestPresenceLane: whether a receiver is behind or not, it is told the latest of everybody but itself.
func TestPresenceLane(t *testing.T) {
	long := strings.Repeat("-", 70_000) // a frame's length has three forms
	cases := []struct {
		name   string
		do     func(c *Conn)
		frames []string
		batch  string
	}{
		{"one tick", func(c *Conn) { c.SendPresence(told("a1", "b1"), Own{}) }, []string{"<a1>", "<b1>"}, "[a1,b1]"},
		{"own first", func(c *Conn) { c.SendPresence(told("a1", "b1", "c1"), Own{0, 1}) }, []string{"<b1>", "<c1>"}, "[b1,c1]"},
		{"own in between", func(c *Conn) { c.SendPresence(told("a1", "b1", "c1"), Own{1, 1}) }, []string{"<a1>", "<c1>"}, "[a1,c1]"},
		{"own last", func(c *Conn) { c.SendPresence(told("a1", "b1", "c1"), Own{2, 1}) }, []string{"<a1>", "<b1>"}, "[a1,b1]"},
		{"own alone", func(c *Conn) { c.SendPresence(told("a1"), Own{0, 1}) }, nil, ""},
		{"behind", func(c *Conn) {
			c.SendPresence(told("a1", "b1", "c1"), Own{2, 1})
			c.SendPresence(told("c2", "a2"), Own{0, 1})
			c.SendPresence(told("a33"), Own{})
		}, []string{"<b1>", "<a33>"}, "[b1,a33]"},
		{"far behind", func(c *Conn) {
			for i := range 100 {
				c.SendPresence(told("c"+strconv.Itoa(i), "a"+strconv.Itoa(i), "b"+strconv.Itoa(i)), Own{1, 2})
				c.SendPresence(told("b"+strconv.Itoa(i)), Own{})
			}
		}, []string{"<c99>", "<b99>"}, "[c99,b99]"},
		{"two own", func(c *Conn) { c.SendPresence(told("a1", "b1", "c1"), Own{0, 2}) }, []string{"<c1>"}, "[c1]"},
		{"one left", func(c *Conn) {
			c.SendPresence(told("a1", "b1", "c1"), Own{})
			c.DropPresence(users['b'])
		}, []string{"<a1>", "<c1>"}, "[a1,c1]"},
		{"a stranger left", func(c *Conn) {
			c.SendPresence(told("a1", "b1"), Own{})
			c.DropPresence(users['c'])
		}, []string{"<a1>", "<b1>"}, "[a1,b1]"},
		{"one left and came back", func(c *Conn) {
			c.SendPresence(told("a1", "b1"), Own{})
			c.DropPresence(users['a'])
			c.SendPresence(told("a2"), Own{})
		}, []string{"<b1>", "<a2>"}, "[b1,a2]"},
		{"all left", func(c *Conn) {
			c.SendPresence(told("a1", "b1"), Own{})
			c.DropPresence(users['a'])
			c.DropPresence(users['b'])
		}, nil, ""},
		{"the receiver left", func(c *Conn) {
			c.SendPresence(told("a1", "b1"), Own{})
			c.ClearPresence()
			c.SendPresence(told("c1"), Own{})
		}, []string{"<c1>"}, "[c1]"},
		{"long", func(c *Conn) { c.SendPresence(told("a"+long), Own{}) }, []string{"<a" + long + ">"}, "[a" + long + "]"},
	}
	for _, batch := range []bool{false, true} {
		for _, tc := range cases {
			t.Run(fmt.Sprintf("%s/batch=%v", tc.name, batch), func(t *testing.T) {
				c, ws := pair(t, Options{})
				want := tc.frames
				if batch {
					c.BatchPresence([]byte("["), []byte("]"))
					want = []string{tc.batch}
					if tc.batch == "" {
						want = nil
					}
				}
				c.mu.Lock()
				c.writing = true // the outbox is held still
				c.mu.Unlock()
				tc.do(c)
				if err := c.Send([]byte("first")); err != nil {
					t.Fatal(err)
				}
				c.mu.Lock()
				c.writing = false
				c.wake()
				c.mu.Unlock()
				read := func(want string) {
					t.Helper()
					if _, got, err := ws.ReadMessage(); err != nil || string(got) != want {
						t.Fatalf("got %.40q, want %.40q (%v)", got, want, err)
					}
				}
				read("first")
				for _, frame := range want {
					read(frame)
				}
				if err := c.Send([]byte("last")); err != nil {
					t.Fatal(err)
				}
				read("last")
			})
		}
	}
}

func TestPresenceThatIsReplacedIsCounted(t *testing.T) {
	var l lane
	if n := l.add(told("a1", "b1"), Own{}, true); n != 0 {
		t.Error(n)
	}
	if n := l.add(told("a2", "c2"), Own{}, true); n != 1 {
		t.Error(n)
	}
	if n := l.add(told("a3", "b3", "c3"), Own{2, 1}, true); n != 2 {
		t.Error(n)
	}
}

func TestFramesThatAreRefused(t *testing.T) {
	cases := []struct {
		name  string
		typ   int
		frame []byte
		code  int
	}{
		{"binary", websocket.BinaryMessage, []byte("x"), protocol.CloseUnsupported},
		{"too large", websocket.TextMessage, bytes.Repeat([]byte("x"), 1025), protocol.CloseTooBig},
		{"no UTF-8", websocket.TextMessage, []byte{0xff}, 1007},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c, ws := pair(t, Options{ReadLimit: 1024})
			end := serve(c)
			if err := ws.WriteMessage(websocket.TextMessage, bytes.Repeat([]byte("x"), 1024)); err != nil {
				t.Fatal(err)
			}
			if err := ws.WriteMessage(tc.typ, tc.frame); err != nil {
				t.Fatal(err)
			}
			wantClose(t, ws, tc.code)
			if err := <-end; !errors.Is(err, ErrClosed) {
				t.Fatal(err)
			}
			within(t, "the end", c.Done())
		})
	}
}

func TestCloseFlushesFirst(t *testing.T) {
	c, ws := pair(t, Options{})
	end := serve(c)
	for range 10 {
		_ = c.Send([]byte("before"))
	}
	c.Close(protocol.CloseReplaced, strings.Repeat("é", 200))
	c.Close(protocol.CloseAuth, "the first counts")
	if err := c.Send([]byte("after")); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	for range 10 {
		if _, got, err := ws.ReadMessage(); err != nil || string(got) != "before" {
			t.Fatal(string(got), err)
		}
	}
	wantClose(t, ws, protocol.CloseReplaced)
	<-end
	within(t, "the end", c.Done())
}

func TestPeersCloseIsAnswered(t *testing.T) {
	c, ws := pair(t, Options{})
	end := serve(c)
	if err := ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4000, "bye"), time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	wantClose(t, ws, 4000)
	var closed *CloseError
	if err := <-end; !errors.As(err, &closed) || closed.Code != 4000 || closed.Reason != "bye" || !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	within(t, "the end", c.Done())
}

func TestCloseOfASilentPeerIsBounded(t *testing.T) {
	c, _ := pair(t, Options{CloseTimeout: 50 * time.Millisecond})
	c.Close(protocol.CloseGoingAway, "")
	within(t, "the end", c.Done())
}

func TestSlowReaderIsClosed(t *testing.T) {
	c, ws := pair(t, Options{Queue: 16, CloseTimeout: 100 * time.Millisecond})
	end := serve(c)
	big := bytes.Repeat([]byte("x"), 32<<10)
	var err error
	for range 10000 {
		if err = c.Send(big); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrFull) {
		t.Fatal(err)
	}
	within(t, "the end", c.Done())
	<-end
	if _, err := io.Copy(io.Discard, ws.NetConn()); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatal(err)
	}
}

func TestHeartbeat(t *testing.T) {
	c, ws := pair(t, Options{Heartbeat: 20 * time.Millisecond, CloseTimeout: 200 * time.Millisecond})
	end := serve(c)
	pings := 0
	ws.SetPingHandler(func(data string) error {
		if pings++; pings > 5 {
			return nil // falls silent
		}
		return ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second))
	})
	wantClose(t, ws, protocol.CloseTimeout)
	if pings != 7 {
		t.Fatalf("%d pings, want five answered and two missed", pings)
	}
	<-end
	within(t, "the end", c.Done())
}

func TestPingIsAnswered(t *testing.T) {
	c, ws := pair(t, Options{})
	end := serve(c)
	pong := make(chan string, 1)
	ws.SetPongHandler(func(data string) error { pong <- data; return errors.New("enough") })
	if err := ws.WriteControl(websocket.PingMessage, []byte("now"), time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	_, _, _ = ws.ReadMessage()
	if got := <-pong; got != "now" {
		t.Fatal(got)
	}
	_ = ws.Close()
	<-end
}

// TestMalformed: what is no WebSocket is told so, and the connection ends though the client says nothing more.
func TestMalformed(t *testing.T) {
	c, ws := pair(t, Options{CloseTimeout: 100 * time.Millisecond})
	end := serve(c)
	if _, err := ws.NetConn().Write([]byte{finBit | opText, 1, 'x'}); err != nil {
		t.Fatal(err)
	}
	wantClose(t, ws, closeMalformed)
	if err := <-end; !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// TestALostConnectionEnds: no close frame came, and nothing is left of it.
func TestALostConnectionEnds(t *testing.T) {
	c, ws := pair(t, Options{})
	end := serve(c)
	_ = ws.Close()
	var closed *CloseError
	if err := <-end; !errors.Is(err, ErrClosed) || errors.As(err, &closed) {
		t.Error(err)
	}
	within(t, "the end", c.Done())
}

// BenchmarkFrameIn is a small frame's way to its handler and back, the client's part included.
func BenchmarkFrameIn(b *testing.B) {
	conns := make(chan *Conn, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := Upgrade(w, r, Options{})
		if err != nil {
			b.Error(err)
			return
		}
		conns <- c
	}))
	defer srv.Close()
	ws, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(srv.URL, "http"), nil)
	if err != nil {
		b.Fatal(err)
	}
	_ = resp.Body.Close()
	o := owner{frames: make(chan string), end: make(chan error, 1)}
	c := <-conns
	c.Serve(o)
	frame := bytes.Repeat([]byte("x"), 200)
	b.ReportAllocs()
	for b.Loop() {
		if err := ws.WriteMessage(websocket.TextMessage, frame); err != nil {
			b.Fatal(err)
		}
		<-o.frames
	}
	_ = ws.Close()
	<-o.end
}
