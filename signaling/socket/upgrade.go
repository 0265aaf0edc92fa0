package socket

import (
	"bufio"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Options are the limits of a connection. A zero field takes the default that is named beside it.
type Options struct {
	ReadLimit    int64         // largest frame taken, in bytes: 64 KiB
	Heartbeat    time.Duration // between pings: 20 s; two without an answer end the connection
	Queue        int           // ordered entries that may wait: 256
	QueueBytes   int           // and their bytes: 4 MiB
	WriteTimeout time.Duration // for one flush: 10 s
	CloseTimeout time.Duration // from Close to the end, whatever the peer does: 2 s
	Subprotocols []string      // in order of preference
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.Heartbeat, 20*time.Second)
	def(&o.WriteTimeout, 10*time.Second)
	def(&o.CloseTimeout, 2*time.Second)
	if o.ReadLimit <= 0 {
		o.ReadLimit = 64 << 10
	}
	if o.Queue <= 0 {
		o.Queue = 256
	}
	if o.QueueBytes <= 0 {
		o.QueueBytes = 4 << 20
	}
	return o
}

// writeBuffers are gorilla's frame buffers, held only while a frame is written: an idle connection has none.
var writeBuffers sync.Pool

// Upgrade takes over an HTTP request. Where it fails the response is written already. The caller should hand
// the Conn to a goroutine of its own and return from its handler, since a live handler pins the buffers of
// net/http.
func Upgrade(w http.ResponseWriter, r *http.Request, o Options) (*Conn, error) {
	o = o.withDefaults()
	h := &hijacker{ResponseWriter: w, timeout: o.WriteTimeout}
	up := websocket.Upgrader{
		HandshakeTimeout: o.WriteTimeout,
		ReadBufferSize:   1 << 10,
		WriteBufferSize:  4 << 10,
		WriteBufferPool:  &writeBuffers,
		Subprotocols:     o.Subprotocols,
		// Who someone is comes from a token in the first message, never from a cookie, so a page of another
		// origin gains nothing by connecting.
		CheckOrigin: func(*http.Request) bool { return true },
	}
	ws, err := up.Upgrade(h, r, nil)
	if err != nil {
		return nil, err
	}
	return newConn(ws, h.conn, o), nil
}

// hijacker gives gorilla a corkConn for the connection.
type hijacker struct {
	http.ResponseWriter
	timeout time.Duration
	conn    *corkConn
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.conn = &corkConn{Conn: conn, timeout: h.timeout}
	return h.conn, rw, nil
}
