package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
)

// Envelope is one frame with its payload still undecoded (section 3).
type Envelope struct {
	Type    string
	Payload json.RawMessage // nil where the frame had none
	Version *int            // nil where the frame had none
}

// Decode reads the envelope of a frame. Field names are matched exactly; unknown fields are ignored. When only
// the version is wrong the Envelope is filled in all the same, so that the caller knows what was asked.
func Decode(frame []byte) (Envelope, error) {
	var env Envelope
	var room [4]pair
	fields, err := parseObject(room[:0], frame)
	if err != nil {
		return env, malformed(err)
	}
	if fields == nil {
		return env, Errorf(InvalidRequest, "", "the frame is null; it must be an object with type and payload")
	}
	raw, ok := fields.get("type")
	if !ok {
		return env, Errorf(InvalidRequest, "", `the envelope has no "type"; it must name the message, as in "CONNECT"`).With("field", "type")
	}
	if env.Type, ok = typeOf(raw); !ok {
		return env, Errorf(InvalidRequest, "", `"type" is %s; it must be a string`, describe(raw)).With("field", "type")
	}
	if p, ok := fields.get("payload"); ok {
		if !isKind(p, '{') {
			return env, Errorf(InvalidRequest, Named(env.Type), `"payload" is %s; it must be an object`, describe(p)).With("field", "payload")
		}
		env.Payload = p
	}
	if v, ok := fields.get("protocol_version"); ok {
		whole, ok := wholeOf(v)
		if !ok {
			return env, Errorf(InvalidRequest, Named(env.Type), `"protocol_version" is %s; it must be the integer %d`, describe(v), Version).With("field", "protocol_version")
		}
		n := int(whole)
		env.Version = &n
	}
	return env, nil
}

// typeOf reads a message's type, without an allocation if it exists.
func typeOf(raw json.RawMessage) (string, bool) {
	if b, ok := plainOf(raw); ok {
		if typ, ok := types[string(b)]; ok {
			return typ, true
		}
	}
	return stringOf(raw)
}

// Encode makes a server frame. It fails only for a payload that JSON cannot say.
func Encode(typ string, payload any) ([]byte, error) {
	return json.Marshal(struct {
		Type    string `json:"type"`
		Payload any    `json:"payload"`
		Version int    `json:"protocol_version"`
	}{typ, payload, Version})
}

// MustEncode is Encode for the payloads of this package that always encode; another is a programmer's error.
func MustEncode(typ string, payload any) []byte {
	b, err := Encode(typ, payload)
	if err != nil {
		panic("protocol: " + err.Error())
	}
	return b
}

// EncodeError makes the frame of an ERROR.
func EncodeError(e *Error) []byte {
	if e.Details == nil {
		e = &Error{Code: e.Code, Message: e.Message, Details: Details{}}
	}
	return MustEncode(TypeError, e)
}

// Into decodes a payload without the checks that a server makes: for clients that read what a server wrote.
func (e Envelope) Into(v any) error {
	if e.Payload == nil {
		return Errorf(InvalidRequest, e.Type, "the message has no payload")
	}
	return json.Unmarshal(e.Payload, v)
}

// AsError gives err as an *Error; one of another kind becomes SERVER_ERROR without its text, which is the operator's.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return Errorf(ServerError, "", "the server could not do this")
}

func malformed(err error) *Error {
	var typeErr *json.UnmarshalTypeError
	if errors.As(err, &typeErr) {
		return Errorf(InvalidRequest, "", "the frame is a JSON %s; it must be an object with type and payload", typeErr.Value)
	}
	return Errorf(InvalidRequest, "", "malformed JSON: %v; a frame holds one JSON object", err)
}

// isKind looks at the first byte of a value: '"', '{', '[', 't', 'f', 'n' or, for numbers, '0'.
func isKind(raw json.RawMessage, kind byte) bool {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if len(raw) == 0 {
		return false
	}
	if kind == '0' {
		return raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9'
	}
	return raw[0] == kind
}

func describe(raw json.RawMessage) string {
	switch {
	case isKind(raw, '"'):
		return "a string"
	case isKind(raw, '{'):
		return "an object"
	case isKind(raw, '['):
		return "an array"
	case isKind(raw, 't'), isKind(raw, 'f'):
		return "a boolean"
	case isKind(raw, 'n'):
		return "null"
	default:
		return "the number " + clip(string(raw))
	}
}

func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && s[cut]&0xC0 == 0x80 { // never in the middle of a rune
		cut--
	}
	return s[:cut] + "…"
}

// Named is what details.type says of a message of type typ: what its sender wrote, known or not, or nothing where that is
// so long that no message is meant. A client's text never comes back at length.
func Named(typ string) string {
	const most = 64
	if len(typ) > most {
		return ""
	}
	return typ
}
