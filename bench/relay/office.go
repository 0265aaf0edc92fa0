package relay

import (
	"context"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"atrium/bench/visitor"
	"atrium/signaling/protocol"
)

// Members brings two people into one zone and has them fail to reach each other, so that they are given credentials, which
// are good until they leave.
func Members(ctx context.Context, o visitor.Office) (both [2]Credentials, leave func(), err error) {
	var conns [2]*visitor.Conn
	var ids [2]uuid.UUID
	leave = func() {
		for _, c := range conns {
			if c != nil {
				c.Close()
			}
		}
	}
	defer func() {
		if err != nil {
			leave()
		}
	}()
	for i := range conns {
		if conns[i], err = visitor.Dial(ctx, o.URL+"/signal", websocket.Dialer{}); err != nil {
			return both, nil, err
		}
		ids[i] = uuid.New()
		if _, err = conns[i].Join(ctx, o, ids[i], "bench", protocol.FeatureTopologyChanged); err != nil {
			return both, nil, err
		}
	}
	if err = conns[0].Send(protocol.TypeICEFailed, protocol.ICEFailed{PeerID: ids[1]}); err != nil {
		return both, nil, err
	}
	for i, c := range conns {
		var given protocol.TURNCredentials
		if err = c.Await(ctx, protocol.TypeTURNCredentials, &given); err != nil {
			return both, nil, err
		}
		both[i] = Credentials{given.Username, given.Credential}
		c.Ignore()
	}
	return both, leave, nil
}
