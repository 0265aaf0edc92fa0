package wire

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// The endpoint's subprotocols. A client that cannot set a header gives Subprotocol and its token.
const (
	Subprotocol    = "atrium.documents"
	SubprotocolAck = "atrium.documents.v1+ack" // and the author's own notes come back to it once they are stored
)

// Code is an error code of the document protocol.
type Code string

// The error codes.
const (
	ParseError      Code = "PARSE_ERROR"      // the frame is no message
	ConnectionError Code = "CONNECTION_ERROR" // the store, or the other nodes, are out of reach
	AuthError       Code = "AUTH_ERROR"       // the user or the document is not one's own, or the token has expired
	DocumentError   Code = "DOCUMENT_ERROR"   // the message is malformed, cannot be right now, or is over a limit
)

// Values lists them all.
func (Code) Values() []Code {
	return []Code{ParseError, ConnectionError, AuthError, DocumentError}
}

// Valid reports whether c is one of the error codes.
func (c Code) Valid() bool { return slices.Contains(c.Values(), c) }

// Error says what was refused and why.
//
// It is also the error that decoding and handling return.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"` // what was wrong and what would be right, for people
}

// Error implements error.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

const maxMessageInError = 256

// Errorf makes an Error.
func Errorf(code Code, format string, args ...any) *Error {
	e := &Error{Code: code, Message: fmt.Sprintf(format, args...)}
	if len(e.Message) > maxMessageInError {
		cut := maxMessageInError
		for !utf8.RuneStart(e.Message[cut]) {
			cut--
		}
		e.Message = e.Message[:cut]
	}
	return e
}
