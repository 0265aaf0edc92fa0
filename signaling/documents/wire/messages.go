package wire

import (
	"encoding/json"

	"github.com/google/uuid"
)

// Tags of the messages: the one key of a frame's object.
const (
	TagJoinDocument    = "JoinDocument"
	TagLeaveDocument   = "LeaveDocument"
	TagPresenceUpdate  = "PresenceUpdate"
	TagCursorUpdate    = "CursorUpdate"
	TagSelectionUpdate = "SelectionUpdate"
	TagTypingIndicator = "TypingIndicator"
	TagPresenceStatus  = "PresenceStatus"
	TagAnnotation      = "Annotation"
	TagComment         = "Comment"
	TagError           = "Error"
)

// Position is a place in the text of a document, counted from 0.
type Position struct {
	Line   uint64 `json:"line"`
	Column uint64 `json:"column"`
}

// before says whether p is earlier in the text than q.
func (p Position) before(q Position) bool {
	return p.Line < q.Line || p.Line == q.Line && p.Column < q.Column
}

// Selection is a range of the text; the start is not after the end.
type Selection struct {
	Start Position `json:"start"`
	End   Position `json:"end"`
}

// JoinDocument says that a user joins a document.
type JoinDocument struct {
	DocumentID uuid.UUID `json:"document_id"`
	UserID     uuid.UUID `json:"user_id"`
}

// LeaveDocument says that a user leaves a document.
type LeaveDocument struct {
	DocumentID uuid.UUID `json:"document_id"`
	UserID     uuid.UUID `json:"user_id"`
}

// PresenceUpdate is all of a user's presence but its status.
type PresenceUpdate struct {
	DocumentID uuid.UUID `json:"document_id"`
	UserID     uuid.UUID `json:"user_id"`
	Cursor     Position  `json:"cursor"`
	Selection  Selection `json:"selection"`
	IsTyping   bool      `json:"is_typing"`
	Timestamp  string    `json:"timestamp"` // RFC 3339; it goes out as it came in
}

// CursorUpdate is where a user's cursor is.
type CursorUpdate struct {
	DocumentID uuid.UUID `json:"document_id"`
	UserID     uuid.UUID `json:"user_id"`
	Position   Position  `json:"position"`
	Timestamp  string    `json:"timestamp"` // RFC 3339; it goes out as it came in
}

// SelectionUpdate is what a user has selected.
type SelectionUpdate struct {
	DocumentID uuid.UUID `json:"document_id"`
	UserID     uuid.UUID `json:"user_id"`
	Selection  Selection `json:"selection"`
	Timestamp  string    `json:"timestamp"` // RFC 3339; it goes out as it came in
}

// TypingIndicator says whether a user is typing. Where it is not renewed within 6 s, it turns false.
type TypingIndicator struct {
	DocumentID uuid.UUID `json:"document_id"`
	UserID     uuid.UUID `json:"user_id"`
	IsTyping   bool      `json:"is_typing"`
	Timestamp  string    `json:"timestamp"` // RFC 3339; it goes out as it came in
}

// PresenceStatus is what a user says of itself.
type PresenceStatus struct {
	DocumentID uuid.UUID `json:"document_id"`
	UserID     uuid.UUID `json:"user_id"`
	Status     string    `json:"status"`    // "online", "away", "busy", or 1 to 32 printable characters of one's own
	Timestamp  string    `json:"timestamp"` // RFC 3339; it goes out as it came in
}

// Annotation is a note in the margin of a document. It is stored.
type Annotation struct {
	DocumentID uuid.UUID `json:"document_id"`
	UserID     uuid.UUID `json:"user_id"`
	Position   Position  `json:"position"`
	Content    string    `json:"content"`   // 1 to 8192 bytes of UTF-8
	Timestamp  string    `json:"timestamp"` // RFC 3339; it goes out as it came in
}

// Comment is a comment on a document. It is stored.
type Comment struct {
	DocumentID uuid.UUID `json:"document_id"`
	UserID     uuid.UUID `json:"user_id"`
	Position   Position  `json:"position"`
	Content    string    `json:"content"`   // 1 to 8192 bytes of UTF-8
	Timestamp  string    `json:"timestamp"` // RFC 3339; it goes out as it came in
}

// Encode makes the frame of a message. The structs of this package always encode; another is a programmer's error.
func Encode(tag string, payload any) []byte {
	b, err := json.Marshal(payload)
	if err != nil {
		panic("wire: " + err.Error())
	}
	frame := make([]byte, 0, len(tag)+len(b)+5)
	frame = append(frame, `{"`...)
	frame = append(frame, tag...)
	frame = append(frame, `":`...)
	frame = append(frame, b...)
	return append(frame, '}')
}
