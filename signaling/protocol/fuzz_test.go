package protocol

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
)

// FuzzDecode: whatever comes, the decoders answer with a message or with an *Error that a client can be sent.
func FuzzDecode(f *testing.F) {
	for typ, payload := range goodZone {
		f.Add(zoneFrame(typ, payload))
	}
	f.Add([]byte(`{"type":"VIEW","payload":{"pinned":[` + idA + `],"max_video":4,"sizes":{` + idB + `:360}}}`))
	f.Add([]byte(`{"type":"MOVE_INTENT","payload":{"position":{"x":1e999,"y":-0},"timestamp":9e18}}`))
	f.Fuzz(func(t *testing.T, frame []byte) {
		env, err := Decode(frame)
		checkError(t, err)
		if err != nil {
			return
		}
		m, err := env.Zone()
		checkError(t, err)
		checkMessage(t, m)
		m, err = env.SFULink()
		checkError(t, err)
		checkMessage(t, m)
	})
}

func checkError(t *testing.T, err error) {
	if err == nil {
		return
	}
	var e *Error
	if !errors.As(err, &e) || !e.Code.Valid() || e.Message == "" || len(e.Message) > maxMessageInError {
		t.Fatalf("%#v", err)
	}
	if _, err := Decode(EncodeError(e)); err != nil {
		t.Fatalf("its own ERROR cannot be read: %v", err)
	}
}

func checkMessage(t *testing.T, m Message) {
	if m == nil {
		return
	}
	if p, ok := m.(*MoveIntent); ok && (math.IsNaN(p.Position.X) || math.IsInf(p.Position.Y, 0)) {
		t.Fatalf("%+v", p)
	}
	if _, err := json.Marshal(m); err != nil {
		t.Fatalf("%T cannot be written: %v", m, err)
	}
}
