package socket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

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
