package presence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"atrium/bench/visitor"
	"atrium/signaling/protocol"
)

// A person's y says which of its updates this is: tile + n/1000. So a delivered update leads to when it was sent.
const laps = 1000

// person is one connection that walks.
type person struct {
	// Static after construction.
	crowd  *Crowd
	number int
	zone   int // in World.Zones
	place  int // in the zone
	user   uuid.UUID

	// Written by join, then static.
	conn   *visitor.Conn
	zoneID uuid.UUID

	// Owned by who sends.
	sent int // updates
	text []byte

	sentAt [laps]atomic.Int64 // nanoseconds since Crowd.start, by update

	// Guarded by mu.
	mu   sync.Mutex
	last []update // by the others' place in the zone

	ended chan struct{} // the read loop is over
}

// dial opens the connection from one of several loopback addresses, each of which has its own ephemeral ports.
func (p *person) dial(ctx context.Context) (err error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+p.number%16))}}
	p.conn, err = visitor.Dial(ctx, p.crowd.o.Office.URL+"/signal?user="+p.user.String(), websocket.Dialer{
		NetDialContext: dialer.DialContext, ReadBufferSize: p.crowd.o.ReadBuffer, WriteBufferSize: 512, WriteBufferPool: &writeBuffers,
	})
	return err
}

var writeBuffers sync.Pool

// join connects, joins the world, walks through the hall into its zone, and begins to read.
func (p *person) join(ctx context.Context) error {
	if err := p.dial(ctx); err != nil {
		return fmt.Errorf("presence: person %d cannot connect: %w", p.number, err)
	}
	if !p.crowd.o.Plain {
		if err := p.enter(ctx); err != nil {
			p.conn.Close()
			return fmt.Errorf("presence: person %d cannot join: %w", p.number, err)
		}
	}
	go p.read()
	return nil
}

func (p *person) enter(ctx context.Context) error {
	o := p.crowd.o
	w, err := p.conn.Join(ctx, o.Office, p.user, fmt.Sprint("Person ", p.number), p.crowd.features...)
	if err != nil {
		return err
	}
	x, y := o.World.path(p.zone, p.place)
	p.zoneID = o.World.Zones[p.zone]
	if w.CurrentZone.ZoneID == p.zoneID {
		return nil // back within its grace
	}
	return p.conn.Ask(ctx, protocol.TypeZoneTransition, protocol.ZoneTransition{
		FromZoneID: w.CurrentZone.ZoneID, ToZoneID: p.zoneID, Position: protocol.Position{X: float64(x), Y: float64(y)},
	}, protocol.TypeZoneTransitioned, nil)
}

// read is the read loop; it owns the connection's reading and ends with it.
func (p *person) read() {
	defer close(p.ended)
	var buf bytes.Buffer
	var got []update
	for {
		_, r, err := p.conn.NextReader()
		if err == nil {
			buf.Reset()
			_, err = buf.ReadFrom(r)
		}
		if err != nil {
			if !p.crowd.leaving.Load() && !errors.Is(err, net.ErrClosed) {
				p.crowd.lost.Add(1)
				p.crowd.note(fmt.Errorf("presence: person %d lost its connection: %w", p.number, err))
			}
			return
		}
		if !bytes.HasPrefix(buf.Bytes(), presencePrefix) {
			p.other(buf.Bytes())
			continue
		}
		if got, err = updates(got[:0], buf.Bytes()); err != nil {
			p.crowd.note(err)
			continue
		}
		p.take(got)
	}
}

// other looks at what is not presence: a correction or an error is none of this load's doing.
func (p *person) other(frame []byte) {
	env, err := protocol.Decode(frame)
	if err != nil {
		p.crowd.note(err)
		return
	}
	if env.Type == protocol.TypeError || env.Type == protocol.TypePositionCorrection {
		p.crowd.refused.Add(1)
		p.crowd.note(fmt.Errorf("presence: person %d is told %s %s", p.number, env.Type, env.Payload))
	}
}

func (p *person) take(got []update) {
	c := p.crowd
	now := c.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, u := range got {
		if u.user >= len(c.people) {
			continue // somebody who misbehaves
		}
		from := c.people[u.user]
		if from.zone != p.zone || from == p {
			c.astray.Add(1)
			continue
		}
		p.last[from.place] = u
		_, y := c.o.World.path(from.zone, from.place)
		n := int((u.y-float64(y))*laps + 0.5)
		if at := from.sentAt[n%laps].Load(); at > 0 {
			c.Latency.add(p.number, time.Duration(now-at))
		}
	}
	c.delivered.Add(int64(len(got)))
}

// at gives where a person stands after so many updates.
func (p *person) at(n int) (x, y float64) {
	tx, ty := p.crowd.o.World.path(p.zone, p.place)
	const steps = 10 * (pathTiles - 1) // a tenth of a tile each, there and back
	s := n % (2 * steps)
	if s > steps {
		s = 2*steps - s
	}
	return float64(tx) + float64(s)/10, float64(ty) + float64(n%laps)/laps
}

// step sends the next update.
func (p *person) step() error {
	p.sent++
	n := p.sent
	x, y := p.at(n)
	b := append(p.text[:0], `{"type":"PRESENCE_UPDATE","payload":{"position":{"x":`...)
	b = strconv.AppendFloat(b, x, 'f', -1, 64)
	b = append(b, `,"y":`...)
	b = strconv.AppendFloat(b, y, 'f', -1, 64)
	b = append(b, `},"facing":"east","state":"walking","zone_id":"`...)
	b = append(b, p.zoneID.String()...)
	p.text = append(b, `"},"protocol_version":1}`...)
	p.sentAt[n%laps].Store(p.crowd.now())
	return p.conn.WriteMessage(websocket.TextMessage, p.text)
}
