package peer

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	// outboxFrames bounds what waits to be written; a socket that takes none of it is given up.
	outboxFrames = 512
	writeTimeout = 5 * time.Second
	// silence is how long the server may be mute: it pings every 20 s and this allows three misses.
	silence = 70 * time.Second
)

// errFull: the server reads so slowly that the outbox is full.
var errFull = errors.New("peer: outbox is full: the server does not read")

// dialFunc opens TCP connections; nil means the net package's own.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// socket is a WebSocket with one reader and one writer goroutine.
type socket struct {
	// Static after construction.
	ws     *websocket.Conn
	out    chan []byte
	closed chan struct{}

	once sync.Once
	wg   sync.WaitGroup
}

// dialSocket connects and starts both goroutines. received is called from the reader for every message, lost once, at
// the end, with the reason.
func dialSocket(ctx context.Context, url string, dial dialFunc, tlsConfig *tls.Config, received func(envelope), lost func(error)) (*socket, error) {
	d := websocket.Dialer{NetDialContext: dial, TLSClientConfig: tlsConfig, HandshakeTimeout: 10 * time.Second}
	ws, resp, err := d.DialContext(ctx, url, http.Header{})
	if resp != nil && resp.Body != nil {
		resp.Body.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("peer: dial %s: %w", url, err)
	}
	s := &socket{ws: ws, out: make(chan []byte, outboxFrames), closed: make(chan struct{})}
	ws.SetReadLimit(1 << 20)
	s.wg.Add(2)
	go s.read(received, lost)
	go s.write()
	return s, nil
}

func (s *socket) read(received func(envelope), lost func(error)) {
	defer s.wg.Done()
	extend := func() error { return s.ws.SetReadDeadline(time.Now().Add(silence)) }
	s.ws.SetPingHandler(func(data string) error {
		if err := extend(); err != nil {
			return err
		}
		// WriteControl may run beside the writer goroutine (gorilla/websocket's one exception).
		err := s.ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeTimeout))
		if errors.Is(err, websocket.ErrCloseSent) {
			return nil
		}
		return err
	})
	for {
		if err := extend(); err != nil {
			s.end()
			lost(err)
			return
		}
		_, frame, err := s.ws.ReadMessage()
		if err != nil {
			s.end()
			lost(err)
			return
		}
		var e envelope
		if err := json.Unmarshal(frame, &e); err != nil {
			s.end()
			lost(fmt.Errorf("peer: the server sent a frame that is no envelope: %w", err))
			return
		}
		received(e)
	}
}

func (s *socket) write() {
	defer s.wg.Done()
	for {
		select {
		case <-s.closed:
			return
		case frame := <-s.out:
			if s.ws.SetWriteDeadline(time.Now().Add(writeTimeout)) != nil ||
				s.ws.WriteMessage(websocket.TextMessage, frame) != nil {
				s.end()
				return
			}
		}
	}
}

// send queues a message; it never blocks.
func (s *socket) send(kind string, payload any) error {
	frame, err := encode(kind, payload)
	if err != nil {
		return err
	}
	select {
	case s.out <- frame:
		return nil
	default:
		s.end()
		return errFull
	}
}

// end closes the connection under both goroutines.
func (s *socket) end() {
	s.once.Do(func() {
		close(s.closed)
		s.ws.Close()
	})
}

// close says goodbye (1000) and ends. It waits for both goroutines, so it must not be called from received or lost.
func (s *socket) close() {
	_ = s.ws.WriteControl(websocket.CloseMessage,
		websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(100*time.Millisecond))
	s.end()
	s.wg.Wait()
}

// closeCode reads a close code out of the error that ended a socket; 0: none came.
func closeCode(err error) int {
	var c *websocket.CloseError
	if errors.As(err, &c) {
		return c.Code
	}
	return 0
}
