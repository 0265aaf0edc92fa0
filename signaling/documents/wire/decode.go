package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
)

// Message is a decoded client message: a pointer to one of the structs of this package.
type Message any

// Bounds of what a client may write. Lines and columns end where a client in JavaScript stops counting exactly.
const (
	MaxContent = 8 << 10
	maxStatus  = 32 // characters
	maxCount   = 1<<53 - 1
	maxCode    = 64
	maxText    = 1 << 16
	maxStamp   = 64
)

// Owner says whose ids a client may use: what it returns for a user or a document that is not its own is the answer.
type Owner interface {
	User(id uuid.UUID) *Error
	Document(id uuid.UUID) *Error
}

// decoders finds what a client may send by its tag.
var decoders = map[string]func(*reader) Message{
	TagJoinDocument:    func(r *reader) Message { return &JoinDocument{r.document(), r.user()} },
	TagLeaveDocument:   func(r *reader) Message { return &LeaveDocument{r.document(), r.user()} },
	TagPresenceUpdate:  decodePresenceUpdate,
	TagCursorUpdate:    decodeCursorUpdate,
	TagSelectionUpdate: decodeSelectionUpdate,
	TagTypingIndicator: decodeTypingIndicator,
	TagPresenceStatus:  decodePresenceStatus,
	TagAnnotation:      decodeAnnotation,
	TagComment:         decodeComment,
	TagError:           decodeError,
}

// Tags lists the tags that a client may send.
func Tags() []string {
	var tags []string
	for _, s := range Messages() {
		if s.From == protocol.Client {
			tags = append(tags, s.Type)
		}
	}
	return tags
}

// Decode reads a client's frame. What is wrong with it is told in this order: it is no message (PARSE_ERROR), it names a
// user or a document that is not the client's own (what owner says), then anything else (DOCUMENT_ERROR). The tag is
// given as soon as it is known.
func Decode(frame []byte, owner Owner) (tag string, m Message, e *Error) {
	tag, payload, e := open(frame)
	if e != nil {
		return tag, nil, e
	}
	decode, ok := decoders[tag]
	if !ok {
		return "", nil, Errorf(ParseError, "%q is no message of the document protocol", clip(tag))
	}
	r := newReader(tag, payload)
	if tag != TagError {
		if e := r.foreign(owner); e != nil {
			return tag, nil, e
		}
	}
	if m = decode(r); r.err != nil {
		return tag, nil, r.err
	}
	return tag, m, nil
}

// open takes the one tag off a frame.
func open(frame []byte) (tag string, payload json.RawMessage, e *Error) {
	if !json.Valid(frame) {
		return "", nil, Errorf(ParseError, "malformed JSON; a frame holds one JSON object")
	}
	d := json.NewDecoder(bytes.NewReader(frame))
	if t, _ := d.Token(); t != json.Delim('{') {
		return "", nil, Errorf(ParseError, `the frame is %s; it must be an object with one tag, as in {"JoinDocument": {…}}`, describe(frame))
	}
	if !d.More() {
		return "", nil, Errorf(ParseError, `the frame has no tag; it must be an object with one, as in {"JoinDocument": {…}}`)
	}
	t, err := d.Token()
	if err == nil {
		tag, _ = t.(string)
		err = d.Decode(&payload)
	}
	if err != nil && !errors.Is(err, io.EOF) { // cannot be: it is valid JSON
		return "", nil, Errorf(ParseError, "malformed JSON; a frame holds one JSON object")
	}
	if d.More() {
		return "", nil, Errorf(ParseError, "the frame has several tags; each message goes in a frame of its own")
	}
	return tag, payload, nil
}

func decodePresenceUpdate(r *reader) Message {
	return &PresenceUpdate{DocumentID: r.document(), UserID: r.user(), Cursor: r.position("cursor"),
		Selection: r.selection("selection"), IsTyping: r.boolean("is_typing"), Timestamp: r.timestamp()}
}

func decodeCursorUpdate(r *reader) Message {
	return &CursorUpdate{DocumentID: r.document(), UserID: r.user(), Position: r.position("position"), Timestamp: r.timestamp()}
}

func decodeSelectionUpdate(r *reader) Message {
	return &SelectionUpdate{DocumentID: r.document(), UserID: r.user(), Selection: r.selection("selection"), Timestamp: r.timestamp()}
}

func decodeTypingIndicator(r *reader) Message {
	return &TypingIndicator{DocumentID: r.document(), UserID: r.user(), IsTyping: r.boolean("is_typing"), Timestamp: r.timestamp()}
}

func decodePresenceStatus(r *reader) Message {
	return &PresenceStatus{DocumentID: r.document(), UserID: r.user(), Status: r.status("status"), Timestamp: r.timestamp()}
}

func decodeAnnotation(r *reader) Message {
	return &Annotation{DocumentID: r.document(), UserID: r.user(), Position: r.position("position"), Content: r.content("content"), Timestamp: r.timestamp()}
}

func decodeComment(r *reader) Message {
	return &Comment{DocumentID: r.document(), UserID: r.user(), Position: r.position("position"), Content: r.content("content"), Timestamp: r.timestamp()}
}

// decodeError reads a client's own Error, which is only logged.
func decodeError(r *reader) Message {
	e := &Error{Code: Code(clip(r.text("code", maxCode, "a string")))}
	if _, ok := r.fields["message"]; ok {
		e.Message = clip(r.text("message", maxText, "a string"))
	}
	return e
}
