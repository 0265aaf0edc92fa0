package presence

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Rudeness is a way to misbehave.
type Rudeness string

// The ways.
const (
	Deaf     Rudeness = "stops reading"
	Flooding Rudeness = "floods with movements"
	Nesting  Rudeness = "sends 64 KiB of nested JSON at full rate"
)

// Rude are people who joined properly and then misbehave; who is closed for it comes back at once and goes on.
type Rude struct {
	crowd   *Crowd
	running sync.WaitGroup
	cancel  context.CancelFunc

	mu     sync.Mutex
	closed map[int]int // their connections that the server ended, by its close code; 0: none was read
	sent   map[Rudeness]int64
}

// Misbehave lets one person of each way into the crowd's first zone.
func (c *Crowd) Misbehave(ctx context.Context, ways ...Rudeness) *Rude {
	ctx, cancel := context.WithCancel(ctx)
	r := &Rude{crowd: c, cancel: cancel, closed: make(map[int]int), sent: make(map[Rudeness]int64)}
	for i, way := range ways {
		r.running.Go(func() {
			for ctx.Err() == nil {
				r.once(ctx, i, way)
			}
		})
	}
	return r
}

// Stop takes them out.
func (r *Rude) Stop() {
	r.cancel()
	r.running.Wait()
}

// String says what they did, and what became of their connections.
func (r *Rude) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("messages sent %v; connections ended, by close code (0: by a reset): %v", r.sent, r.closed)
}

// once is one connection's life.
func (r *Rude) once(ctx context.Context, i int, way Rudeness) {
	// A place of its own behind the crowd's, and a number that nobody of the crowd has.
	p := &person{crowd: r.crowd, number: len(r.crowd.people) + i, place: len(r.crowd.people) + i, user: userID(len(r.crowd.people) + i)}
	if err := p.dial(ctx); err != nil {
		return
	}
	defer p.conn.Close()
	stop := context.AfterFunc(ctx, p.conn.Close)
	defer stop()
	if err := p.enter(ctx); err != nil {
		if ctx.Err() == nil {
			r.crowd.note(err)
		}
		return
	}
	code := 0
	switch way {
	case Deaf:
		_ = p.conn.NetConn().(*net.TCPConn).SetReadBuffer(4 << 10)
		for p.conn.Write([]byte(`{"type":"ICE_FAILED","payload":{"peer_id":"`+p.user.String()+`"}}`)) == nil {
			r.count(way)
			select { // now and then, to see that the server has given it up; the answers are not read either
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	case Flooding:
		ended := make(chan int, 1)
		go func() { ended <- p.hear() }()
		for p.step() == nil {
			r.count(way)
		}
		code = <-ended
	case Nesting:
		ended := make(chan int, 1)
		go func() { ended <- p.hear() }()
		const pairs = 3990 // 8 bytes each: two of these are just under the frame's limit, and under encoding/json's depth
		deep := strings.Repeat(`{"a":[`, pairs) + strings.Repeat(`]}`, pairs)
		frame := []byte(`{"type":"MOVE_INTENT","payload":{},"x":[` + deep + `,` + deep + `]}`)
		for p.conn.Write(frame) == nil {
			r.count(way)
		}
		code = <-ended
	}
	if ctx.Err() == nil {
		r.mu.Lock()
		r.closed[code]++
		r.mu.Unlock()
	}
}

func (r *Rude) count(way Rudeness) {
	r.mu.Lock()
	r.sent[way]++
	r.mu.Unlock()
}

// hear reads to the end, and gives the close code.
func (p *person) hear() int {
	for {
		if _, _, err := p.conn.NextReader(); err != nil {
			if e, ok := err.(*websocket.CloseError); ok && e.Code != websocket.CloseAbnormalClosure {
				return e.Code
			}
			return 0
		}
	}
}
