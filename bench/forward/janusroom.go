package forward

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pion/sdp/v3"
)

// janusRoom is the number of the room in which all meet.
const janusRoom = 1

// JanusRoom is a VideoRoom of a janus that runs. A member is a publisher, a subscriber of everybody else, or both, each with
// a connection of its own, as the plugin has it.
type JanusRoom struct {
	// Static after construction.
	url string
	on  netip.Addr // of this machine

	// Guarded by mu.
	mu    sync.Mutex
	feeds []janusFeed // in the order in which they came
}

// janusFeed is somebody who sends.
type janusFeed struct {
	member int
	id     uint64
	kind   Kind
}

// janusGuest is somebody in the room.
type janusGuest struct {
	room *JanusRoom
	n    int
	kind Kind
	ws   *janusSocket
	send *media
}

// atOnce: who subscribes names the publishers, so that those come first.
func (r *JanusRoom) atOnce(int) bool { return false }

// enter publishes what the member sends.
func (r *JanusRoom) enter(ctx context.Context, n int, k Kind) (guest, error) {
	g := &janusGuest{room: r, n: n, kind: k}
	var err error
	if g.ws, err = dialJanus(ctx, r.url); err != nil {
		return nil, err
	}
	if k.Mic || k.Camera {
		err = g.publish(ctx)
	}
	if err != nil {
		if g.send != nil {
			err = errors.Join(err, g.send.close())
		}
		return nil, errors.Join(err, g.leave())
	}
	return g, nil
}

func (g *janusGuest) publish(ctx context.Context) (err error) {
	handle, err := g.ws.attach()
	if err != nil {
		return err
	}
	joined, err := g.ws.message(handle, map[string]any{"request": "join", "ptype": "publisher", "room": janusRoom}, nil)
	if err != nil {
		return err
	}
	if g.send, err = newFull(Kind{Mic: g.kind.Mic, Camera: g.kind.Camera}, g.room.on); err != nil {
		return err
	}
	// Active: this end begins DTLS, as everywhere else here.
	offer := map[string]any{"type": "offer", "sdp": g.send.offer("active")}
	answer, err := g.ws.message(handle, map[string]any{"request": "publish"}, offer)
	if err != nil {
		return err
	}
	if err := g.send.read(answer.JSEP.SDP); err != nil {
		return err
	}
	if err := g.send.agree(ctx, true); err != nil {
		return err
	}
	g.room.mu.Lock()
	defer g.room.mu.Unlock()
	g.room.feeds = append(g.room.feeds, janusFeed{g.n, joined.Plugin.Data.ID, g.kind})
	return nil
}

// connect subscribes to as many as the member has slots for.
func (g *janusGuest) connect(ctx context.Context) (send, hear *media, err error) {
	if !g.kind.receives() {
		return g.send, nil, nil
	}
	streams := g.room.streams(g.n, g.kind)
	if len(streams) == 0 {
		return g.send, nil, errors.New("forward: nobody publishes in janus' room")
	}
	handle, err := g.ws.attach()
	if err != nil {
		return g.send, nil, err
	}
	attached, err := g.subscribe(ctx, handle, streams)
	if err != nil {
		return g.send, nil, err
	}
	if hear, err = newFull(Kind{Audio: g.kind.Audio, Video: g.kind.Video}, g.room.on); err != nil {
		return g.send, nil, err
	}
	if err = hear.read(attached.JSEP.SDP); err != nil {
		return g.send, hear, err
	}
	answer, err := hear.answer(attached.JSEP.SDP)
	if err != nil {
		return g.send, hear, err
	}
	if _, err = g.ws.message(handle, map[string]any{"request": "start"}, map[string]any{"type": "answer", "sdp": answer}); err != nil {
		return g.send, hear, err
	}
	return g.send, hear, hear.agree(ctx, false)
}

// subscribe asks again while janus does not know a feed: it does so a moment after the publisher's DTLS is through.
func (g *janusGuest) subscribe(ctx context.Context, handle uint64, streams []map[string]any) (janusReply, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		r, err := g.ws.message(handle, map[string]any{"request": "join", "ptype": "subscriber", "room": janusRoom, "streams": streams}, nil)
		if err == nil || !strings.Contains(err.Error(), "No such feed") {
			return r, err
		}
		select {
		case <-ctx.Done():
			return r, err
		case <-again.C:
		}
	}
}

// streams are what a member subscribes to: the first who send, as audience has it.
func (r *JanusRoom) streams(n int, k Kind) (all []map[string]any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.feeds {
		if f.member == n {
			continue
		}
		mid := 0
		take := func(has bool, slots *int) {
			if !has {
				return
			}
			if *slots > 0 {
				*slots--
				all = append(all, map[string]any{"feed": f.id, "mid": strconv.Itoa(mid)})
			}
			mid++
		}
		take(f.kind.Mic, &k.Audio)
		take(f.kind.Camera, &k.Video)
	}
	return all
}

func (g *janusGuest) leave() error { return g.ws.close() }

// answer takes every section of an offer, to receive.
func (m *media) answer(offer string) (string, error) {
	var d sdp.SessionDescription
	if err := d.UnmarshalString(offer); err != nil {
		return "", fmt.Errorf("forward: the offer: %w", err)
	}
	var b, bundle strings.Builder
	for _, s := range d.MediaDescriptions {
		mid, _ := s.Attribute("mid")
		fmt.Fprintf(&bundle, " %s", mid)
		fmt.Fprintf(&b, "m=%s 9 UDP/TLS/RTP/SAVPF %s\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 %s\r\na=setup:active\r\na=mid:%s\r\na=recvonly\r\na=rtcp-mux\r\n",
			s.MediaName.Media, strings.Join(s.MediaName.Formats, " "), m.ufrag, m.pwd, fingerprint(m.cert.Certificate[0]), mid)
		for _, a := range s.Attributes {
			switch a.Key {
			case "rtpmap", "fmtp", "rtcp-fb", "extmap":
				fmt.Fprintf(&b, "a=%s:%s\r\n", a.Key, a.Value)
			}
		}
	}
	return m.session(bundle.String(), b.String()), nil
}

// janusSocket is a session of janus' API over a WebSocket.
type janusSocket struct {
	ws      *websocket.Conn
	session uint64
	next    int
}

// janusReply is what it says, as far as it is read here.
type janusReply struct {
	Janus       string                  `json:"janus"`
	Transaction string                  `json:"transaction"`
	Data        struct{ ID uint64 }     `json:"data"`
	Error       struct{ Reason string } `json:"error"`
	Plugin      struct {
		Data struct {
			ID    uint64 `json:"id"`
			Error string `json:"error"`
		} `json:"data"`
	} `json:"plugindata"`
	JSEP struct {
		SDP string `json:"sdp"`
	} `json:"jsep"`
}

func dialJanus(ctx context.Context, url string) (*janusSocket, error) {
	d := websocket.Dialer{HandshakeTimeout: patience, Subprotocols: []string{"janus-protocol"}}
	ws, res, err := d.DialContext(ctx, url, nil)
	if err != nil {
		return nil, fmt.Errorf("forward: %s: %w", url, err)
	}
	_ = res.Body.Close()
	s := &janusSocket{ws: ws}
	r, err := s.ask(map[string]any{"janus": "create"}, "success")
	if err != nil {
		return nil, errors.Join(err, ws.Close())
	}
	s.session = r.Data.ID
	return s, nil
}

// attach makes a handle of the VideoRoom's.
func (s *janusSocket) attach() (uint64, error) {
	r, err := s.ask(map[string]any{"janus": "attach", "session_id": s.session, "plugin": "janus.plugin.videoroom"}, "success")
	return r.Data.ID, err
}

// message asks the plugin and waits for what it says to it.
func (s *janusSocket) message(handle uint64, body, jsep map[string]any) (janusReply, error) {
	m := map[string]any{"janus": "message", "session_id": s.session, "handle_id": handle, "body": body}
	if jsep != nil {
		m["jsep"] = jsep
	}
	return s.ask(m, "event")
}

func (s *janusSocket) ask(m map[string]any, answer string) (r janusReply, err error) {
	s.next++
	own := strconv.Itoa(s.next)
	m["transaction"] = own
	_ = s.ws.SetWriteDeadline(time.Now().Add(patience))
	raw, err := json.Marshal(m) // WriteJSON would end it with a line, at which janus' parser stumbles
	if err == nil {
		err = s.ws.WriteMessage(websocket.TextMessage, raw)
	}
	if err != nil {
		return r, fmt.Errorf("forward: janus: %w", err)
	}
	_ = s.ws.SetReadDeadline(time.Now().Add(patience))
	for {
		_, raw, err := s.ws.ReadMessage()
		if err != nil {
			return r, fmt.Errorf("forward: janus: waiting for %s: %w", answer, err)
		}
		r = janusReply{}
		if err := json.Unmarshal(raw, &r); err != nil {
			return r, fmt.Errorf("forward: janus: %w", err)
		}
		switch {
		case r.Janus != "error" && r.Transaction != own: // news that nobody waits for
		case r.Error.Reason != "" || r.Plugin.Data.Error != "":
			return r, fmt.Errorf("forward: janus: %s%s", r.Error.Reason, r.Plugin.Data.Error)
		case r.Janus == answer:
			return r, nil
		}
	}
}

func (s *janusSocket) close() error { return s.ws.Close() }
