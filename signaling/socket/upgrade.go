package socket

import (
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
	AckTimeout   time.Duration // for the peer's kernel to take what was written, on Linux: none but the system's
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

// noBuffers keeps gorilla from giving each connection a buffer for frames, which it never writes.
var noBuffers sync.Pool

// Upgrade takes over an HTTP request. Where it fails the response is written already. The caller calls Serve and returns
// from its handler, since a live handler pins the buffers of net/http. gorilla/websocket does the handshake, which takes no
// byte beyond the request's, and is left behind.
func Upgrade(w http.ResponseWriter, r *http.Request, o Options) (*Conn, error) {
	o = o.withDefaults()
	up := websocket.Upgrader{
		HandshakeTimeout: o.WriteTimeout,
		ReadBufferSize:   1, // it is made, and then never read through
		WriteBufferPool:  &noBuffers,
		Subprotocols:     o.Subprotocols,
		// Who someone is comes from a token in the first message, never from a cookie, so a page of another
		// origin gains nothing by connecting.
		CheckOrigin: func(*http.Request) bool { return true },
	}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return nil, err
	}
	conn := ws.NetConn()
	if o.AckTimeout > 0 {
		limitUnacked(conn, o.AckTimeout)
	}
	return newConn(conn, o), nil
}
