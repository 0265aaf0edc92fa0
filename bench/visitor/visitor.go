// Package visitor is the lightest client of the zone protocol that gets somewhere: a token, one WebSocket, and no goroutine but
// the one that waits for an answer. The loads of the scenarios come into a node by it and go on by themselves: what they then
// send, receive and measure is theirs. (bench/peer is the client that does all that the protocol says.)
package visitor

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"atrium/signaling/identity"
	"atrium/signaling/protocol"
	"atrium/signaling/space"
)

// patience is how long a node may take for anything. Ten thousand visitors on one machine take their time.
const patience = 30 * time.Second

// insecure takes the certificate that was made for the run.
var insecure = &tls.Config{InsecureSkipVerify: true}

// Office is where visitors go.
type Office struct {
	URL       string // of the node: http(s)://host:port
	Secret    []byte // its auth.secret
	Workspace uuid.UUID
	World     uuid.UUID // that Join joins
}

// Look asks a node for its guests' world.
func Look(ctx context.Context, node string, secret []byte) (o Office, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, node+"/api/guest", bytes.NewReader([]byte(`{"display_name":"bench","avatar_id":"fox"}`)))
	if err != nil {
		return o, fmt.Errorf("visitor: guest login: %w", err)
	}
	tr := &http.Transport{TLSClientConfig: insecure, DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	res, err := (&http.Client{Transport: tr, Timeout: patience}).Do(req)
	if err != nil {
		return o, fmt.Errorf("visitor: guest login: %w", err)
	}
	defer res.Body.Close()
	var guest protocol.GuestResponse
	if err := json.NewDecoder(res.Body).Decode(&guest); err != nil || guest.Token == "" {
		return o, fmt.Errorf("visitor: guest login: %s (%w)", res.Status, err)
	}
	return Office{URL: node, Secret: secret, Workspace: guest.User.WorkspaceID, World: guest.WorldID}, nil
}

// Token admits a user for an hour.
func (o Office) Token(user uuid.UUID, name string) (string, error) {
	return identity.Mint(identity.Auth{Secret: o.Secret}, identity.Claims{
		User: user, Workspace: o.Workspace, Name: name, Avatar: "fox", Role: space.Plain, Expires: time.Now().Add(time.Hour),
	})
}

// Conn is a visitor's WebSocket. Nothing reads it but who waits for a message, and at last the load itself, or Ignore.
type Conn struct {
	*websocket.Conn
	ignoring sync.WaitGroup
}

// Dial connects to a URL, of http or ws; d holds what is special about the connection.
func Dial(ctx context.Context, url string, d websocket.Dialer) (*Conn, error) {
	if rest, ok := strings.CutPrefix(url, "http"); ok {
		url = "ws" + rest
	}
	d.HandshakeTimeout, d.TLSClientConfig = patience, insecure
	ws, res, err := d.DialContext(ctx, url, nil)
	if err != nil {
		return nil, fmt.Errorf("visitor: %s: %w", url, err)
	}
	_ = res.Body.Close()
	// gorilla's own handler gives the pong a second, which on a machine that is full with ten thousand people is not enough.
	ws.SetPingHandler(func(data string) error {
		return ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(patience))
	})
	return &Conn{Conn: ws}, nil
}

// Join connects as a user and joins the office's world.
func (c *Conn) Join(ctx context.Context, o Office, user uuid.UUID, name string, features ...protocol.Feature) (w protocol.WorldState, err error) {
	connect := protocol.Connect{ClientVersion: "bench"}
	if connect.Token, err = o.Token(user, name); err != nil {
		return w, err
	}
	for _, f := range features {
		connect.Features = append(connect.Features, string(f))
	}
	if err = c.Ask(ctx, protocol.TypeConnect, connect, protocol.TypeConnected, nil); err == nil {
		err = c.Ask(ctx, protocol.TypeJoinWorld, protocol.JoinWorld{WorldID: o.World}, protocol.TypeWorldState, &w)
	}
	return w, err
}

// Ask sends a message and waits for its answer.
func (c *Conn) Ask(ctx context.Context, typ string, payload any, answer string, into any) error {
	if err := c.Send(typ, payload); err != nil {
		return err
	}
	return c.Await(ctx, answer, into)
}

// Send sends a message.
func (c *Conn) Send(typ string, payload any) error {
	if err := c.Write(protocol.MustEncode(typ, payload)); err != nil {
		return fmt.Errorf("visitor: %s: %w", typ, err)
	}
	return nil
}

// Write sends a frame.
func (c *Conn) Write(frame []byte) error {
	_ = c.SetWriteDeadline(time.Now().Add(patience))
	defer c.SetWriteDeadline(time.Time{})
	return c.WriteMessage(websocket.TextMessage, frame)
}

// Await reads on to a message of a type and takes its payload, unless into is nil. What comes before is let go, unless it
// refuses something.
func (c *Conn) Await(ctx context.Context, typ string, into any) error {
	defer context.AfterFunc(ctx, func() { _ = c.Conn.Close() })()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	defer c.SetReadDeadline(time.Time{})
	for {
		_, frame, err := c.ReadMessage()
		if err != nil {
			return fmt.Errorf("visitor: waiting for %s: %w", typ, errors.Join(context.Cause(ctx), err))
		}
		env, err := protocol.Decode(frame)
		if err != nil {
			return fmt.Errorf("visitor: waiting for %s: %w", typ, err)
		}
		switch env.Type {
		case typ:
			if into == nil {
				return nil
			}
			return env.Into(into)
		case protocol.TypeError, protocol.TypePositionCorrection:
			return fmt.Errorf("visitor: instead of %s: %s %s", typ, env.Type, env.Payload)
		}
	}
}

// Ignore reads on in the background, and so answers pings, until Close. Nobody may wait for a message any more.
func (c *Conn) Ignore() {
	c.ignoring.Go(func() {
		for {
			if _, _, err := c.NextReader(); err != nil {
				return
			}
		}
	})
}

// Close ends the connection, and the membership after the node's grace.
func (c *Conn) Close() {
	_ = c.Conn.Close()
	c.ignoring.Wait()
}
