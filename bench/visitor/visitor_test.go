package visitor

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"atrium/bench/server"
	"atrium/configs"
	"atrium/signaling/protocol"
)

func TestMain(m *testing.M) {
	server.Main()
	goleak.VerifyTestMain(m)
}

// TestVisit: who joins is seen by who waits for it; a refusal and the end of patience are errors that say so.
func TestVisit(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const secret = "a secret of this test, which nobody else's node has"
	n, err := server.Start(ctx, func(c *configs.Config) { c.Auth.Secret = secret })
	if err != nil {
		t.Fatal(err)
	}
	defer n.Stop()
	o, err := Look(ctx, n.Addrs.HTTP, []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	var conns [2]*Conn
	var users [2]uuid.UUID
	for i := range conns {
		users[i] = uuid.New()
		if conns[i], err = Dial(ctx, o.URL+"/signal", websocket.Dialer{}); err != nil {
			t.Fatal(err)
		}
		defer conns[i].Close()
		w, err := conns[i].Join(ctx, o, users[i], "Ada", protocol.FeatureTopologyChanged)
		if err != nil || len(w.Peers) != i {
			t.Fatalf("%+v %v", w, err)
		}
	}
	var joined protocol.PeerJoined
	if err := conns[0].Await(ctx, protocol.TypePeerJoined, &joined); err != nil || joined.User.UserID != users[1] || joined.User.DisplayName != "Ada" {
		t.Errorf("%+v %v", joined, err)
	}
	conns[0].Ignore()

	nowhere := protocol.JoinWorld{WorldID: uuid.New()}
	err = conns[1].Ask(ctx, protocol.TypeJoinWorld, nowhere, protocol.TypeWorldState, nil)
	if err == nil || !strings.Contains(err.Error(), string(protocol.WorldNotFound)) {
		t.Errorf("a world that is not there: %v", err)
	}
	over, end := context.WithCancel(ctx)
	time.AfterFunc(10*time.Millisecond, end)
	if err := conns[1].Await(over, protocol.TypePromoteToSFU, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("waited beyond the end of the context: %v", err)
	}
}
