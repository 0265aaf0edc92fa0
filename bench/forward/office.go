package forward

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"atrium/signaling/identity"
	"atrium/signaling/protocol"
	"atrium/signaling/space"
)

const patience = 20 * time.Second

// Office is where members meet: the world of a node whose authentication secret is known.
type Office struct {
	URL       string // http://host:port
	Secret    []byte
	Workspace uuid.UUID
	World     uuid.UUID
}

// Look asks a node for its guests' world.
func Look(ctx context.Context, node string, secret []byte) (*Office, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, node+"/api/guest", bytes.NewReader([]byte(`{"display_name":"bench","avatar_id":"fox"}`)))
	if err != nil {
		return nil, fmt.Errorf("forward: guest login: %w", err)
	}
	tr := &http.Transport{DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	res, err := (&http.Client{Transport: tr, Timeout: patience}).Do(req)
	if err != nil {
		return nil, fmt.Errorf("forward: guest login: %w", err)
	}
	defer res.Body.Close()
	var guest struct {
		World uuid.UUID `json:"world_id"`
		User  struct {
			Workspace uuid.UUID `json:"workspace_id"`
		} `json:"user"`
	}
	if err := json.NewDecoder(res.Body).Decode(&guest); err != nil || guest.World == uuid.Nil {
		return nil, fmt.Errorf("forward: guest login: %s (%w)", res.Status, err)
	}
	return &Office{URL: node, Secret: secret, Workspace: guest.User.Workspace, World: guest.World}, nil
}

// socket is a WebSocket of the zone protocol.
type socket struct {
	ws     *websocket.Conn
	frames chan protocol.Envelope // ends with the connection
}

func dial(ctx context.Context, url string) (*socket, error) {
	d := websocket.Dialer{HandshakeTimeout: patience, ReadBufferSize: 4096, WriteBufferSize: 4096}
	ws, res, err := d.DialContext(ctx, "ws"+strings.TrimPrefix(url, "http"), nil)
	if err != nil {
		return nil, fmt.Errorf("forward: %s: %w", url, err)
	}
	_ = res.Body.Close()
	s := &socket{ws: ws, frames: make(chan protocol.Envelope, 16)}
	go s.read()
	return s, nil
}

// read takes frames until the connection ends. What nobody waits for gives way.
func (s *socket) read() {
	defer close(s.frames)
	for {
		_, frame, err := s.ws.ReadMessage()
		if err != nil {
			return
		}
		env, err := protocol.Decode(frame)
		if err != nil {
			return
		}
		switch env.Type {
		case protocol.TypePeerJoined, protocol.TypePeerLeft, protocol.TypeSlots, protocol.TypePresenceBroadcast, protocol.TypeTURNCredentials:
			continue
		}
		select {
		case s.frames <- env:
		default:
		}
	}
}

// ask sends a message and waits for its answer.
func (s *socket) ask(ctx context.Context, typ string, payload any, answer string, into any) error {
	if typ != "" {
		_ = s.ws.SetWriteDeadline(time.Now().Add(patience))
		if err := s.ws.WriteMessage(websocket.TextMessage, protocol.MustEncode(typ, payload)); err != nil {
			return fmt.Errorf("forward: %s: %w", typ, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		select {
		case env, ok := <-s.frames:
			switch {
			case !ok:
				return fmt.Errorf("forward: the connection ended before %s", answer)
			case env.Type == protocol.TypeError:
				return fmt.Errorf("forward: instead of %s: %s", answer, env.Payload)
			case env.Type == answer && into == nil:
				return nil
			case env.Type == answer:
				return env.Into(into)
			}
		case <-ctx.Done():
			return fmt.Errorf("forward: waiting for %s: %w", answer, ctx.Err())
		}
	}
}

func (s *socket) close() {
	s.ws.Close()
	for range s.frames { // until read has ended
	}
}

// guestOf is somebody in an Atrium zone.
type guestOf struct {
	kind Kind
	zone uuid.UUID

	signal, link *socket
}

// atOnce: the zone goes to the SFU when the second member is there, and who comes later is invited at once.
func (o *Office) atOnce(n int) bool { return n >= 2 }

// enter joins the world.
func (o *Office) enter(ctx context.Context, n int, k Kind) (_ guest, err error) {
	g := &guestOf{kind: k}
	user := uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, "forward ", n))
	token, err := identity.Mint(identity.Auth{Secret: o.Secret}, identity.Claims{
		User: user, Workspace: o.Workspace, Name: fmt.Sprint("Member ", n), Avatar: "fox", Role: space.Plain, Expires: time.Now().Add(time.Hour),
	})
	if err != nil {
		return nil, fmt.Errorf("forward: %w", err)
	}
	if g.signal, err = dial(ctx, o.URL+"/signal"); err != nil {
		return nil, err
	}
	err = g.signal.ask(ctx, protocol.TypeConnect, protocol.Connect{Token: token, ClientVersion: "bench", Features: []string{string(protocol.FeatureTopologyChanged)}}, protocol.TypeConnected, nil)
	if err == nil {
		var w protocol.WorldState
		err = g.signal.ask(ctx, protocol.TypeJoinWorld, protocol.JoinWorld{WorldID: o.World}, protocol.TypeWorldState, &w)
		g.zone = w.CurrentZone.ZoneID
	}
	if err != nil {
		return nil, errors.Join(err, g.leave())
	}
	return g, nil
}

// connect waits for the invitation and opens the session, with its media up.
func (g *guestOf) connect(ctx context.Context) (send, hear *media, err error) {
	var p protocol.PromoteToSFU
	if err := g.signal.ask(ctx, "", nil, protocol.TypePromoteToSFU, &p); err != nil {
		return nil, nil, err
	}
	if g.link, err = dial(ctx, "http"+strings.TrimPrefix(p.SFUURL, "ws")); err != nil {
		return nil, nil, err
	}
	var c protocol.SFULinkConnected
	if err := g.link.ask(ctx, protocol.TypeConnect, protocol.Connect{Token: p.SFUToken, ClientVersion: "bench"}, protocol.TypeConnected, &c); err != nil {
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
	if err := g.link.ask(ctx, protocol.TypeSDPOffer, protocol.Description{To: protocol.SFUParty, SDP: offer}, protocol.TypeSDPAnswer, &answer); err != nil {
		return m, m, err
	}
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
	return m, m, g.signal.ws.WriteMessage(websocket.TextMessage, protocol.MustEncode(protocol.TypeSFUConnected, protocol.SFUConnected{ZoneID: g.zone}))
}

func (g *guestOf) leave() error {
	for _, s := range []*socket{g.link, g.signal} {
		if s != nil {
			s.close()
		}
	}
	return nil
}
