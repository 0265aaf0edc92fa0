package presence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
)

// People are numbered; a person's user_id ends with the number, so that a receiver finds the sender without a table.
var crowdID = uuid.MustParse("c0000000-0000-4000-8000-000000000000")

const numberDigits = 8

func userID(number int) uuid.UUID {
	id := crowdID
	for i := range 4 {
		id[15-i] = byte(number >> (8 * i))
	}
	return id
}

func numberOf(id []byte) (int, bool) {
	if len(id) != 36 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(id[36-numberDigits:]), 16, 32)
	return int(n), err == nil
}

// update is one presence of one person.
type update struct {
	user int
	x, y float64
}

var (
	presencePrefix = []byte(`{"type":"PRESENCE_`)
	userKey        = []byte(`{"user_id":"`)
	xKey           = []byte(`","position":{"x":`)
	yKey           = []byte(`,"y":`)
)

// updates appends what a PRESENCE_BROADCAST or PRESENCE_BATCH tells. It takes the order of fields in which the server writes
// them, so that the receivers' processor is left to what is measured; any other order is read by encoding/json.
func updates(into []update, frame []byte) ([]update, error) {
	from := len(into)
	rest := frame
	for {
		_, after, found := bytes.Cut(rest, userKey)
		if !found {
			break
		}
		u, tail, ok := readUpdate(after)
		if !ok {
			return slowUpdates(into[:from], frame)
		}
		into, rest = append(into, u), tail
	}
	if len(into) == from {
		return slowUpdates(into, frame)
	}
	return into, nil
}

func readUpdate(b []byte) (u update, rest []byte, ok bool) {
	if len(b) < 36 {
		return u, nil, false
	}
	if u.user, ok = numberOf(b[:36]); !ok {
		return u, nil, false
	}
	b, ok = bytes.CutPrefix(b[36:], xKey)
	if !ok {
		return u, nil, false
	}
	if u.x, b, ok = readNumber(b, ','); !ok {
		return u, nil, false
	}
	if b, ok = bytes.CutPrefix(b, yKey); !ok {
		return u, nil, false
	}
	u.y, b, ok = readNumber(b, '}')
	return u, b, ok
}

func readNumber(b []byte, end byte) (float64, []byte, bool) {
	i := bytes.IndexByte(b[:min(len(b), 32)], end)
	if i < 0 {
		return 0, nil, false
	}
	f, err := strconv.ParseFloat(string(b[:i]), 64)
	return f, b[i:], err == nil
}

func slowUpdates(into []update, frame []byte) ([]update, error) {
	var m struct {
		Payload struct {
			protocol.PresenceBroadcast
			Updates []protocol.PresenceBroadcast `json:"updates"`
		} `json:"payload"`
	}
	if err := json.Unmarshal(frame, &m); err != nil {
		return into, fmt.Errorf("presence: %.200s: %w", frame, err)
	}
	all := m.Payload.Updates
	if all == nil {
		all = []protocol.PresenceBroadcast{m.Payload.PresenceBroadcast}
	}
	for _, p := range all {
		n, _ := numberOf([]byte(p.UserID.String()))
		into = append(into, update{n, p.Position.X, p.Position.Y})
	}
	return into, nil
}
