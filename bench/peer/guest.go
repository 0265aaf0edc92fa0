package peer

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Guest is what a guest login gives.
type Guest struct {
	Token string    `json:"token"`
	User  User      `json:"user"`
	World uuid.UUID `json:"world_id"`
}

// login asks a node for a guest's token.
func login(ctx context.Context, node, name, avatar string, dial dialFunc, tlsConfig *tls.Config) (Guest, error) {
	body, err := json.Marshal(map[string]string{"display_name": name, "avatar_id": avatar})
	if err != nil {
		return Guest{}, fmt.Errorf("peer: guest login: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(node, "/")+"/api/guest", bytes.NewReader(body))
	if err != nil {
		return Guest{}, fmt.Errorf("peer: guest login: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	tr := &http.Transport{DialContext: dial, TLSClientConfig: tlsConfig, DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr, Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return Guest{}, fmt.Errorf("peer: guest login: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return Guest{}, fmt.Errorf("peer: guest login at %s: %s (is auth.guest_login on?)", node, resp.Status)
	}
	var g Guest
	if err := json.NewDecoder(resp.Body).Decode(&g); err != nil {
		return Guest{}, fmt.Errorf("peer: guest login: %w", err)
	}
	return g, nil
}

// signalURL turns the node's URL into that of its WebSocket.
func signalURL(node string) string {
	u := strings.TrimSuffix(node, "/")
	if rest, ok := strings.CutPrefix(u, "http"); ok { // http -> ws, https -> wss
		u = "ws" + rest
	}
	return u + "/signal"
}
