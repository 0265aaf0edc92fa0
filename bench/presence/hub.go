package presence

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"atrium/bench/server"
	"atrium/signaling/protocol"
)

// The plain hub is what is written first, after gorilla's example of a chat: for each connection a goroutine that reads and
// one that writes what a channel holds, each update passed on as it comes, encoded once, by a WriteMessage for each
// receiver. It checks nothing but the form.

const hubEnv = "ATRIUM_BENCH_PLAIN_HUB"

// Main makes the process the plain hub if StartHub executed it for that, and then does not return.
func Main() {
	if os.Getenv(hubEnv) == "" {
		return
	}
	if err := beHub(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func beHub(in io.Reader, out io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("presence: plain hub: %w", err)
	}
	h := &hub{conns: make(map[*hubConn]struct{})}
	s := &http.Server{Handler: h}
	go func() { _ = s.Serve(l) }()
	if _, err := fmt.Fprintln(out, l.Addr()); err != nil {
		return fmt.Errorf("presence: plain hub: %w", err)
	}
	_, _ = io.Copy(io.Discard, in)
	return s.Close()
}

type hub struct {
	upgrader websocket.Upgrader

	mu    sync.RWMutex
	conns map[*hubConn]struct{}
}

type hubConn struct {
	ws   *websocket.Conn
	send chan []byte
}

// hubQueue is the example's; what a receiver is behind by more is lost to it.
const hubQueue = 256

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, err := uuid.Parse(r.URL.Query().Get("user"))
	if err != nil {
		http.Error(w, "user must be a UUID", http.StatusBadRequest)
		return
	}
	ws, err := h.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c := &hubConn{ws: ws, send: make(chan []byte, hubQueue)}
	h.mu.Lock()
	h.conns[c] = struct{}{}
	h.mu.Unlock()
	go c.write()
	h.read(c, user)
	h.mu.Lock()
	delete(h.conns, c)
	h.mu.Unlock()
	close(c.send)
}

func (h *hub) read(c *hubConn, user uuid.UUID) {
	for {
		_, frame, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		var m struct {
			Payload protocol.PresenceUpdate `json:"payload"`
		}
		if json.Unmarshal(frame, &m) != nil {
			continue
		}
		p := m.Payload
		out := protocol.MustEncode(protocol.TypePresenceBroadcast, protocol.PresenceBroadcast{
			UserID: user, Position: p.Position, Facing: p.Facing, State: p.State,
		})
		h.mu.RLock()
		for o := range h.conns {
			if o == c {
				continue
			}
			select {
			case o.send <- out:
			default:
			}
		}
		h.mu.RUnlock()
	}
}

func (c *hubConn) write() {
	defer c.ws.Close()
	for frame := range c.send {
		if c.ws.WriteMessage(websocket.TextMessage, frame) != nil {
			break
		}
	}
	for range c.send { // until the reader is done with it too
	}
}

// Hub is the plain hub in a process of its own.
type Hub struct {
	URL string

	// Static after construction.
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// StartHub runs one on a free port of loopback.
func StartHub(ctx context.Context) (*Hub, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("presence: own program: %w", err)
	}
	h := &Hub{cmd: exec.CommandContext(ctx, self)}
	h.cmd.Env = append(os.Environ(), hubEnv+"=1")
	h.cmd.Stderr = os.Stderr
	if h.stdin, err = h.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("presence: plain hub: %w", err)
	}
	stdout, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("presence: plain hub: %w", err)
	}
	if err := h.cmd.Start(); err != nil {
		return nil, fmt.Errorf("presence: plain hub: %w", err)
	}
	var addr string
	if _, err := fmt.Fscanln(stdout, &addr); err != nil {
		_ = h.Stop()
		return nil, fmt.Errorf("presence: the plain hub did not come up: %w", err)
	}
	h.URL = "http://" + addr
	return h, nil
}

// Usage is what its process has used so far.
func (h *Hub) Usage() (server.Usage, error) { return server.UsageOf(h.cmd.Process.Pid) }

// Stop ends it.
func (h *Hub) Stop() error {
	_ = h.stdin.Close()
	if err := h.cmd.Wait(); err != nil {
		return fmt.Errorf("presence: the plain hub ended: %w", err)
	}
	return nil
}
