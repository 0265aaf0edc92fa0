package socket

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"atrium/signaling/protocol"
)

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
	c, ws := pair(t, Options{Heartbeat: 20 * time.Millisecond, CloseTimeout: 30 * time.Second})
	ws.SetCloseHandler(func(int, string) error { return nil }) // who is gone says no goodbye, and nobody waits for it
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
	within(t, "the end", c.Done())
	<-end
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
