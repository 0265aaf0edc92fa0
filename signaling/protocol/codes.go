package protocol

import "fmt"

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
	AuthFailed       Code = "AUTH_FAILED"
	InvalidRequest   Code = "INVALID_REQUEST"
	RateLimited      Code = "RATE_LIMITED"
	ServerError      Code = "SERVER_ERROR"
	WorldNotFound    Code = "WORLD_NOT_FOUND"
	ZoneNotFound     Code = "ZONE_NOT_FOUND"
	ObjectNotFound   Code = "OBJECT_NOT_FOUND"
	PermissionDenied Code = "PERMISSION_DENIED"
)

// Valid reports whether c is one of the error codes.
func (c Code) Valid() bool {
	switch c {
	case AuthFailed, InvalidRequest, RateLimited, ServerError, WorldNotFound, ZoneNotFound, ObjectNotFound, PermissionDenied:
		return true
	}
	return false
}

// WebSocket close codes: those of RFC 6455, section 7.4.1, that are used here, and the project's own.
const (
	CloseNormal       = 1000
	CloseGoingAway    = 1001 // the server shuts down
	CloseUnsupported  = 1003 // a binary frame
	CloseSlowReader   = 1008 // the queue of ordered messages is full: the client does not read
	CloseTooBig       = 1009 // a frame over the limit
	CloseInternal     = 1011
	CloseProtocol     = 4400
	CloseAuth         = 4401
	CloseKicked       = 4403 // also: a credential that the live membership does not admit
	CloseTimeout      = 4408
	CloseReplaced     = 4409
	CloseFlooding     = 4429
	maxMessageInError = 256
)

// Details is the details object of an ERROR. "type" names the message that was refused, "field" the field.
type Details map[string]any

// Error is the payload of ERROR and the error that decoding and handling return.
type Error struct {
	Code    Code    `json:"code"`
	Message string  `json:"message"`
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
