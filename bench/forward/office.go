package forward

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"atrium/bench/visitor"
	"atrium/signaling/protocol"
)

const patience = 20 * time.Second

// Office is Atrium's: a zone of its world.
type Office struct{ visitor.Office }

// guestOf is somebody in an Atrium zone.
type guestOf struct {
	kind Kind
	zone uuid.UUID

	signal, link *visitor.Conn
}

// atOnce: the zone goes to the SFU when the second member is there, and who comes later is invited at once.
func (o Office) atOnce(n int) bool { return n >= 2 }

// enter joins the world.
func (o Office) enter(ctx context.Context, n int, k Kind) (_ guest, err error) {
	g := &guestOf{kind: k}
	if g.signal, err = visitor.Dial(ctx, o.URL+"/signal", websocket.Dialer{}); err != nil {
		return nil, err
	}
	user := uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, "forward ", n))
	w, err := g.signal.Join(ctx, o.Office, user, fmt.Sprint("Member ", n), protocol.FeatureTopologyChanged)
	if err != nil {
		return nil, errors.Join(err, g.leave())
	}
	g.zone = w.CurrentZone.ZoneID
	return g, nil
}

// connect waits for the invitation and opens the session, with its media up.
func (g *guestOf) connect(ctx context.Context) (send, hear *media, err error) {
	var p protocol.PromoteToSFU
	if err := g.signal.Await(ctx, protocol.TypePromoteToSFU, &p); err != nil {
		return nil, nil, err
	}
	g.signal.Ignore()
	if g.link, err = visitor.Dial(ctx, p.SFUURL, websocket.Dialer{}); err != nil {
		return nil, nil, err
	}
	var c protocol.SFULinkConnected
	if err := g.link.Ask(ctx, protocol.TypeConnect, protocol.Connect{Token: p.SFUToken, ClientVersion: "bench"}, protocol.TypeConnected, &c); err != nil {
		return nil, nil, err
	}
	if g.kind.Audio > c.Slots.Audio || g.kind.Video > c.Slots.Video {
		return nil, nil, fmt.Errorf("forward: %d and %d slots are wanted, the SFU gives %d and %d", g.kind.Audio, g.kind.Video, c.Slots.Audio, c.Slots.Video)
	}
	m, err := newMedia(g.kind)
	if err != nil {
		return nil, nil, err
	}
	var answer protocol.Description
	offer := base64.StdEncoding.EncodeToString([]byte(m.offer("actpass")))
	if err := g.link.Ask(ctx, protocol.TypeSDPOffer, protocol.Description{To: protocol.SFUParty, SDP: offer}, protocol.TypeSDPAnswer, &answer); err != nil {
		return m, m, err
	}
	g.link.Ignore()
	raw, err := base64.StdEncoding.DecodeString(answer.SDP)
	if err != nil {
		return m, m, fmt.Errorf("forward: the answer: %w", err)
	}
	if err = m.read(string(raw)); err == nil {
		err = m.connect(ctx)
	}
	if err != nil {
		return m, m, err
	}
	return m, m, g.signal.Send(protocol.TypeSFUConnected, protocol.SFUConnected{ZoneID: g.zone})
}

func (g *guestOf) leave() error {
	for _, c := range []*visitor.Conn{g.link, g.signal} {
		if c != nil {
			c.Close()
		}
	}
	return nil
}
