package wire

import (
	"slices"

	"atrium/signaling/protocol"
)

// Link is the WebSocket of the document protocol.
const Link protocol.Link = "documents"

// Messages lists every message, both ways: a client sends what the server sends, and Error comes from either end.
func Messages() []protocol.Spec { return slices.Clone(messages) }

var (
	stamp   = protocol.Rule{Format: protocol.FormatDateTime, MaxBytes: maxStamp}
	stamped = protocol.Fields{"timestamp": stamp}
	note    = protocol.Fields{"content": {MinBytes: 1, MaxBytes: MaxContent}, "timestamp": stamp}
	status  = protocol.Fields{"status": {MinBytes: 1, MaxRunes: maxStatus}, "timestamp": stamp}

	// A client's own Error is only logged, so that little is asked of it.
	clientError = protocol.Fields{"code": {MaxBytes: maxCode}, "message": {In: protocol.Optional, MaxBytes: maxText}}
)

// What went wrong at the client, by any code. It is only logged.
type anyError struct {
	Code    string `json:"code"`
	Message string `json:"message"` // for people
}

// messages is the table of the protocol. It is never changed.
var messages = func() []protocol.Spec {
	var all []protocol.Spec
	for _, from := range []protocol.Sender{protocol.Client, protocol.Server} {
		add := func(tag string, payload any, fields protocol.Fields) {
			all = append(all, protocol.Spec{Type: tag, Link: Link, From: from, Payload: payload, Fields: fields})
		}
		add(TagJoinDocument, JoinDocument{}, nil)
		add(TagLeaveDocument, LeaveDocument{}, nil)
		add(TagPresenceUpdate, PresenceUpdate{}, stamped)
		add(TagCursorUpdate, CursorUpdate{}, stamped)
		add(TagSelectionUpdate, SelectionUpdate{}, stamped)
		add(TagTypingIndicator, TypingIndicator{}, stamped)
		add(TagPresenceStatus, PresenceStatus{}, status)
		add(TagAnnotation, Annotation{}, note)
		add(TagComment, Comment{}, note)
		if from == protocol.Client {
			add(TagError, anyError{}, clientError)
		} else {
			add(TagError, Error{}, nil)
		}
	}
	return all
}()
