package relay

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
)

// Member is somebody in a zone, by the zone protocol alone; its media is this package's own.
type Member struct {
	ID          uuid.UUID
	Credentials Credentials

	ws       *websocket.Conn
	messages chan message // ends with the connection
}

// message is a frame of the server.
type message struct {
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// insecure takes the certificate that was made for the run.
var insecure = &tls.Config{InsecureSkipVerify: true}

// Members brings two guests into one zone and has them fail to reach each other, so that they are given credentials.
func Members(ctx context.Context, node string) (both [2]*Member, err error) {
	defer func() {
		if err != nil {
			for _, m := range both {
				if m != nil {
					m.Leave()
				}
			}
		}
	}()
	for i := range both {
		if both[i], err = enter(ctx, node); err != nil {
			return both, err
		}
	}
	if err := both[0].send("ICE_FAILED", map[string]any{"peer_id": both[1].ID}); err != nil {
		return both, err
	}
	for _, m := range both {
		var c struct {
			Username   string `json:"username"`
			Credential string `json:"credential"`
		}
		if err := m.expect(ctx, "TURN_CREDENTIALS", &c); err != nil {
			return both, err
		}
		m.Credentials = Credentials{c.Username, c.Credential}
	}
	return both, nil
}

func enter(ctx context.Context, node string) (*Member, error) {
	tr := &http.Transport{TLSClientConfig: insecure, DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, node+"/api/guest", bytes.NewReader([]byte(`{"display_name":"bench","avatar_id":"1"}`)))
	if err != nil {
		return nil, fmt.Errorf("relay: guest login: %w", err)
	}
	res, err := (&http.Client{Transport: tr, Timeout: patience}).Do(req)
	if err != nil {
		return nil, fmt.Errorf("relay: guest login: %w", err)
	}
	defer res.Body.Close()
	var guest struct {
		Token string    `json:"token"`
		World uuid.UUID `json:"world_id"`
		User  struct {
			ID uuid.UUID `json:"user_id"`
		} `json:"user"`
	}
	if err := json.NewDecoder(res.Body).Decode(&guest); err != nil || guest.Token == "" {
		return nil, fmt.Errorf("relay: guest login: %s (%w)", res.Status, err)
	}
	d := websocket.Dialer{HandshakeTimeout: patience, TLSClientConfig: insecure}
	ws, _, err := d.DialContext(ctx, strings.Replace(node, "http", "ws", 1)+"/signal", nil)
	if err != nil {
		return nil, fmt.Errorf("relay: /signal: %w", err)
	}
	m := &Member{ID: guest.User.ID, ws: ws, messages: make(chan message, 64)}
	go m.read()
	err = m.send("CONNECT", map[string]any{"token": guest.Token, "client_version": "1.0.0", "features": []string{"topology_changed"}})
	if err = errors.Join(err, m.expect(ctx, "CONNECTED", nil)); err == nil {
		err = errors.Join(m.send("JOIN_WORLD", map[string]any{"world_id": guest.World}), m.expect(ctx, "WORLD_STATE", nil))
	}
	if err != nil {
		m.Leave()
		return nil, err
	}
	return m, nil
}

// read takes messages, and answers pings, until the connection ends. What nobody waits for is let go when more comes.
func (m *Member) read() {
	defer close(m.messages)
	for {
		var got message
		if err := m.ws.ReadJSON(&got); err != nil {
			return
		}
		for sent := false; !sent; {
			select {
			case m.messages <- got:
				sent = true
			default:
				select {
				case <-m.messages:
				default:
				}
			}
		}
	}
}

func (m *Member) send(kind string, payload any) error {
	_ = m.ws.SetWriteDeadline(time.Now().Add(patience))
	if err := m.ws.WriteJSON(map[string]any{"type": kind, "payload": payload, "protocol_version": 1}); err != nil {
		return fmt.Errorf("relay: %s: %w", kind, err)
	}
	return nil
}

// expect waits for a message and reads its payload.
func (m *Member) expect(ctx context.Context, kind string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		select {
		case got, ok := <-m.messages:
			switch {
			case !ok:
				return fmt.Errorf("relay: the connection ended before %s", kind)
			case got.Type == "ERROR":
				return fmt.Errorf("relay: instead of %s: %s", kind, got.Payload)
			case got.Type == kind && into == nil:
				return nil
			case got.Type == kind:
				return json.Unmarshal(got.Payload, into)
			}
		case <-ctx.Done():
			return fmt.Errorf("relay: waiting for %s: %w", kind, ctx.Err())
		}
	}
}

// Leave ends the connection, and the membership after the node's grace.
func (m *Member) Leave() {
	m.ws.Close()
	for range m.messages { // until read has ended
	}
}
