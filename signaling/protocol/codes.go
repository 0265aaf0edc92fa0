package protocol

import (
	"fmt"
	"slices"
)

// Version is the protocol version that this server speaks; Minor counts the additions to it that break nobody.
const (
	Version = 1
	Minor   = 1
)

// SupportedVersions is what a CONNECT with another version is told.
func SupportedVersions() []int { return []int{Version} }

// Code is an error code of the zone protocol, section 14.2.
type Code string

// The error codes.
const (
	AuthFailed       Code = "AUTH_FAILED"       // the token is missing, invalid or expired
	InvalidRequest   Code = "INVALID_REQUEST"   // the message is malformed, or cannot be right now
	RateLimited      Code = "RATE_LIMITED"      // too many messages of this kind; this one was dropped
	ServerError      Code = "SERVER_ERROR"      // the server failed
	WorldNotFound    Code = "WORLD_NOT_FOUND"   // there is no such world
	ZoneNotFound     Code = "ZONE_NOT_FOUND"    // there is no such zone
	ObjectNotFound   Code = "OBJECT_NOT_FOUND"  // there is no such object
	PermissionDenied Code = "PERMISSION_DENIED" // the user may not do this
)

// Values lists them all.
func (Code) Values() []Code {
	return []Code{AuthFailed, InvalidRequest, RateLimited, ServerError, WorldNotFound, ZoneNotFound, ObjectNotFound, PermissionDenied}
}

// Valid reports whether c is one of the error codes.
func (c Code) Valid() bool { return slices.Contains(c.Values(), c) }

// WebSocket close codes: those of RFC 6455, section 7.4.1, that are used here, and the project's own.
const (
	CloseNormal      = 1000
	CloseGoingAway   = 1001
	CloseUnsupported = 1003
	CloseInvalidText = 1007
	CloseSlowReader  = 1008
	CloseTooBig      = 1009
	CloseInternal    = 1011
	CloseProtocol    = 4400
	CloseAuth        = 4401
	CloseKicked      = 4403
	CloseTimeout     = 4408
	CloseReplaced    = 4409
	CloseFlooding    = 4429
)

// CloseCode says what a close code means.
type CloseCode struct {
	Code  int
	Name  string // as clients call it
	Means string
}

// CloseCodes lists the close codes that an end may see.
func CloseCodes() []CloseCode {
	return []CloseCode{
		{CloseNormal, "normal", "the other end is done"},
		{CloseGoingAway, "goingAway", "the server shuts down"},
		{CloseUnsupported, "unsupported", "a binary frame"},
		{CloseInvalidText, "invalidText", "a text frame that is no UTF-8"},
		{CloseSlowReader, "slowReader", "the queue of ordered messages is full: the client does not read"},
		{CloseTooBig, "tooBig", "a frame over the limit"},
		{CloseInternal, "internal", "the server failed"},
		{CloseProtocol, "protocol", "the protocol version is missing, or is not spoken"},
		{CloseAuth, "authentication", "no token, a bad one or an expired one"},
		{CloseKicked, "kicked", "kicked from the world; on the SFU link: the live membership does not admit the token"},
		{CloseTimeout, "timeout", "no CONNECT in time, or no heartbeat"},
		{CloseReplaced, "replaced", "a newer connection of the same user took over"},
		{CloseFlooding, "flooding", "over a limit for more than 10 s on end"},
	}
}

const maxMessageInError = 256

// Details is the details object of an ERROR.
type Details map[string]any

// Error is the payload of ERROR: what was refused, and why.
//
// It is also the error that decoding and handling return.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"` // what was wrong and what would be right, for people
	// "type" names the message that was refused, "field" the field by its path, "reason" says why in a word for programs.
	Details Details `json:"details"`
}

// Error implements error.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Field is the field that the error is about, or "".
func (e *Error) Field() string {
	f, _ := e.Details["field"].(string)
	return f
}

// With adds one entry to the details and returns e.
func (e *Error) With(key string, value any) *Error {
	if e.Details == nil {
		e.Details = Details{}
	}
	e.Details[key] = value
	return e
}

// Errorf makes an Error about the message type typ ("" when that is not known).
func Errorf(code Code, typ, format string, args ...any) *Error {
	e := &Error{Code: code, Message: fmt.Sprintf(format, args...), Details: Details{}}
	if len(e.Message) > maxMessageInError {
		e.Message = e.Message[:maxMessageInError]
	}
	if typ != "" {
		e.Details["type"] = typ
	}
	return e
}
