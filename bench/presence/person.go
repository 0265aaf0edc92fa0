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

	"atrium/signaling/identity"
	"atrium/signaling/protocol"
	"atrium/signaling/space"
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
	ws     *websocket.Conn
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
func (p *person) dial(ctx context.Context) error {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+p.number%16))}}
	d := websocket.Dialer{
		NetDialContext: dialer.DialContext, HandshakeTimeout: joinWithin,
		ReadBufferSize: p.crowd.o.ReadBuffer, WriteBufferSize: 512, WriteBufferPool: &writeBuffers,
	}
	ws, resp, err := d.DialContext(ctx, p.crowd.o.URL+"?user="+p.user.String(), nil)
	if err != nil {
		return fmt.Errorf("presence: person %d cannot connect: %w", p.number, err)
	}
	_ = resp.Body.Close()
	// gorilla's own handler gives the pong a second, which on a machine that is full with ten thousand people is not enough.
	ws.SetPingHandler(func(data string) error {
		return ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(joinWithin))
	})
	p.ws = ws
	return nil
}

var writeBuffers sync.Pool

const joinWithin = 30 * time.Second

// join connects, joins the world, walks through the hall into its zone, and begins to read.
func (p *person) join(ctx context.Context) error {
	if err := p.dial(ctx); err != nil {
		return err
	}
	if !p.crowd.o.Plain {
		_ = p.ws.SetReadDeadline(time.Now().Add(joinWithin))
		if err := p.enter(); err != nil {
			_ = p.ws.Close()
			return fmt.Errorf("presence: person %d cannot join: %w", p.number, err)
		}
		_ = p.ws.SetReadDeadline(time.Time{})
	}
	go p.read()
	return nil
}

func (p *person) enter() error {
	o := p.crowd.o
	token, err := identity.Mint(identity.Auth{Secret: o.Secret}, identity.Claims{
		User: p.user, Workspace: o.Workspace, Name: fmt.Sprint("Person ", p.number), Avatar: "fox", Role: space.Plain, Expires: time.Now().Add(time.Hour),
	})
	if err != nil {
		return err
	}
	if err := p.ask(protocol.TypeConnect, protocol.Connect{Token: token, ClientVersion: "bench", Features: o.Features}, protocol.TypeConnected, nil); err != nil {
		return err
	}
	var w protocol.WorldState
	if err := p.ask(protocol.TypeJoinWorld, protocol.JoinWorld{WorldID: o.World.ID}, protocol.TypeWorldState, &w); err != nil {
		return err
	}
	x, y := o.World.path(p.zone, p.place)
	p.zoneID = o.World.Zones[p.zone]
	if w.CurrentZone.ZoneID == p.zoneID {
		return nil // back within its grace
	}
	return p.ask(protocol.TypeZoneTransition, protocol.ZoneTransition{
		FromZoneID: w.CurrentZone.ZoneID, ToZoneID: p.zoneID, Position: protocol.Position{X: float64(x), Y: float64(y)},
	}, protocol.TypeZoneTransitioned, nil)
}

// ask sends a message and reads on to its answer.
func (p *person) ask(typ string, payload any, answer string, into any) error {
	if err := p.ws.WriteMessage(websocket.TextMessage, protocol.MustEncode(typ, payload)); err != nil {
		return err
	}
	for {
		_, frame, err := p.ws.ReadMessage()
		if err != nil {
			return fmt.Errorf("after %s: %w", typ, err)
		}
		env, err := protocol.Decode(frame)
		if err != nil {
			return err
		}
		switch env.Type {
		case answer:
			if into == nil {
				return nil
			}
			return env.Into(into)
		case protocol.TypeError, protocol.TypePositionCorrection:
			return fmt.Errorf("%s is answered by %s %s", typ, env.Type, env.Payload)
		}
	}
}

// read is the read loop; it owns the connection's reading and ends with it.
func (p *person) read() {
	defer close(p.ended)
	var buf bytes.Buffer
	var got []update
	for {
		_, r, err := p.ws.NextReader()
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
	return p.ws.WriteMessage(websocket.TextMessage, p.text)
}
