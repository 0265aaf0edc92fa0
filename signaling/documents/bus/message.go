package bus

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"atrium/signaling/documents/store"
)

// Member is what a node says of one of its members.
type Member struct {
	User    uuid.UUID       `json:"u"`
	Version uint64          `json:"v"`           // a node's later word has a higher one
	State   json.RawMessage `json:"s,omitempty"` // all of its presence; nil: it left
	News    []News          `json:"n,omitempty"` // what changed, the newest last
}

// News is a frame as the members of the document are sent it; of a kind only the latest counts.
type News struct {
	Kind  uint8           `json:"k"`
	Frame json.RawMessage `json:"f"`
}

// message is what a node publishes.
type message struct {
	Node    string   `json:"node"`
	All     bool     `json:"all,omitempty"` // these are all of the node's members: others have left
	Notes   bool     `json:"notes,omitempty"`
	Members []Member `json:"members,omitempty"`
	Passed  []Member `json:"passed,omitempty"` // members whose nodes said less of them than this one knows
}

func (m message) encode() []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("bus: %v", err)) // its parts are valid JSON
	}
	return b
}

// keys are a document's names in Redis.
type keys struct{ channel, members, notes, seen, refused string }

func keysOf(id store.ID, node string) keys {
	base := "atrium:{" + id.Workspace.String() + "/" + id.Document.String() + "}"
	return keys{channel: base, members: base + ":members", notes: base + ":notes", seen: base + ":seen:" + node, refused: base + ":refused:" + node}
}

// bucketOf is where the notes of a user are counted, those of all documents.
func bucketOf(user uuid.UUID) string { return "atrium:user:" + user.String() + ":notes" }

func leaseOf(node string) string { return "atrium:node:" + node }

// A field of the hash of members is a node and a user.
func fieldOf(node string, user uuid.UUID) string { return node + "/" + user.String() }

func splitField(field string) (node string) {
	node, _, _ = strings.Cut(field, "/")
	return node
}
