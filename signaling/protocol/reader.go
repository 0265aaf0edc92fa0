package protocol

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strings"

	"github.com/google/uuid"
	"github.com/pion/sdp/v3"
)

// reader takes typed fields out of a payload. The first problem is kept, later ones are not looked for: the
// caller reads all fields and asks for err once.
type reader struct {
	typ    string
	fields object
	room   [4]pair // of fields, for most messages
	err    *Error
}

func newReader(typ string, payload json.RawMessage) *reader {
	r := &reader{typ: typ}
	if payload == nil {
		r.err = Errorf(InvalidRequest, typ, `%s has no "payload"; it must be an object`, typ).With("field", "payload")
		return r
	}
	var err error
	if r.fields, err = parseObject(r.room[:0], payload); err != nil {
		r.err = Errorf(InvalidRequest, typ, `"payload" must be an object: %v`, err).With("field", "payload")
	}
	return r
}

func (r *reader) fail(field, format string, args ...any) {
	if r.err == nil {
		r.err = Errorf(InvalidRequest, r.typ, format, args...).With("field", field)
	}
}

// get gives a required field.
func (r *reader) get(field, want string) (json.RawMessage, bool) {
	if r.err != nil {
		return nil, false
	}
	raw, ok := r.fields.get(field)
	if !ok {
		r.fail(field, "%s lacks %q; it must be %s", r.typ, field, want)
	}
	return raw, ok
}

// wrong is the error of a value that is not of the type wanted.
func (r *reader) wrong(field string, raw json.RawMessage, want string) {
	r.fail(field, "%q is %s; it must be %s", field, describe(raw), want)
}

func (r *reader) has(field string) bool {
	raw, ok := r.fields.get(field)
	return r.err == nil && ok && !isKind(raw, 'n')
}

func (r *reader) text(field string, most int, want string) string {
	raw, ok := r.get(field, want)
	if !ok {
		return ""
	}
	return r.textOf(field, raw, most, want)
}

func (r *reader) textOf(field string, raw json.RawMessage, most int, want string) string {
	s, ok := stringOf(raw)
	if !ok {
		r.wrong(field, raw, want)
		return ""
	}
	if len(s) > most {
		r.fail(field, "%q has %d bytes; at most %d are taken", field, len(s), most)
		return ""
	}
	return s
}

const wantUUID = "a UUID of 36 characters"

func (r *reader) uuid(field string) uuid.UUID {
	raw, ok := r.get(field, wantUUID)
	if !ok {
		return uuid.Nil
	}
	return r.uuidOf(field, raw)
}

func (r *reader) uuidOf(field string, raw json.RawMessage) uuid.UUID {
	if id, ok := uuidIn(raw); ok && r.err == nil {
		return id
	}
	s := r.textOf(field, raw, 1<<16, wantUUID)
	if r.err != nil {
		return uuid.Nil
	}
	id, err := ParseUUID(s)
	if err != nil {
		r.fail(field, "%q is %q; it must be %s", field, clip(s), wantUUID)
	}
	return id
}

// ParseUUID takes the 36-character form only (RFC 9562, section 4), so that one id has one spelling up to case.
func ParseUUID(s string) (uuid.UUID, error) {
	if len(s) != 36 {
		return uuid.Nil, Errorf(InvalidRequest, "", "%q is no UUID of 36 characters", clip(s))
	}
	return uuid.Parse(s)
}

func (r *reader) number(field string) float64 {
	const want = "a finite number"
	raw, ok := r.get(field, want)
	if !ok {
		return 0
	}
	return r.numberOf(field, raw, want)
}

func (r *reader) numberOf(field string, raw json.RawMessage, want string) float64 {
	f, ok := numberOf(raw)
	if !ok {
		r.wrong(field, raw, want)
		return 0
	}
	return f
}

func (r *reader) integer(field string) int64 {
	const want = "an integer"
	raw, ok := r.get(field, want)
	if !ok {
		return 0
	}
	return r.integerOf(field, raw, want)
}

func (r *reader) integerOf(field string, raw json.RawMessage, want string) int64 {
	n, ok := wholeOf(raw)
	if !ok {
		r.wrong(field, raw, want)
	}
	return n
}

func (r *reader) position(field string) Position {
	const want = `an object {"x": number, "y": number}`
	raw, ok := r.get(field, want)
	if !ok {
		return Position{}
	}
	if !isKind(raw, '{') {
		r.wrong(field, raw, want)
		return Position{}
	}
	var room [2]pair
	at, err := parseObject(room[:0], raw)
	if err != nil {
		r.wrong(field, raw, want)
		return Position{}
	}
	axis := func(name string) float64 {
		v, ok := at.get(name)
		if !ok {
			r.fail(field+"."+name, "%q lacks %q; it must be %s", field, name, want)
			return 0
		}
		f, ok := numberOf(v)
		if !ok {
			r.wrong(field+"."+name, v, "a finite number")
		}
		return f
	}
	return Position{X: axis("x"), Y: axis("y")}
}

// oneOf is an enum of the wire: a string type that lists its values.
type oneOf[T any] interface {
	~string
	Values() []T
	Valid() bool
}

// enum reads a string that is one of a few values.
func enum[T oneOf[T]](r *reader, field string) T {
	if r.err != nil {
		return ""
	}
	raw, ok := r.fields.get(field)
	values := T("").Values()
	if plain, ok := plainOf(raw); ok {
		for _, v := range values {
			if string(plain) == string(v) {
				return v
			}
		}
	}
	s, isText := stringOf(raw)
	if isText && T(s).Valid() { // written with escapes
		return T(s)
	}
	want := "one of " + list(values)
	switch {
	case !ok:
		r.get(field, want)
	case !isText:
		r.wrong(field, raw, want)
	default:
		r.fail(field, "%q is %q; it must be %s", field, clip(s), want)
	}
	return ""
}

func list[T ~string](values []T) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v)
	}
	return strings.Join(texts, ", ")
}

func (r *reader) items(field string, most int, want string) []json.RawMessage {
	if !r.has(field) {
		return nil
	}
	var items []json.RawMessage
	raw, _ := r.fields.get(field)
	if !isKind(raw, '[') || json.Unmarshal(raw, &items) != nil {
		r.wrong(field, raw, want)
		return nil
	}
	if len(items) > most {
		r.fail(field, "%q has %d entries; at most %d are taken", field, len(items), most)
		return nil
	}
	return items
}

// sdp reads a session description: standard base64 (RFC 4648, section 4) of a parsable SDP (RFC 8866).
func (r *reader) sdp(field string) string {
	const want = "base64 of an SDP"
	s := r.text(field, math.MaxInt, want)
	if r.err != nil {
		return ""
	}
	text, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		r.fail(field, "%q is not base64 (%v); it must be %s", field, err, want)
		return ""
	}
	if len(text) == 0 { // which the parser would take for a description of nothing
		r.fail(field, "%q is empty; it must be %s", field, want)
		return ""
	}
	var d sdp.SessionDescription
	if err := d.Unmarshal(text); err != nil {
		r.fail(field, "%q holds no SDP that can be parsed (%s); it must be %s", field, clip(err.Error()), want)
		return ""
	}
	return s
}

// maxLine is the largest sdpMLineIndex, an unsigned short.
const maxLine = math.MaxUint16

// candidate reads an RTCIceCandidateInit, or null: the end of candidates. What it holds beyond is passed on untouched.
func (r *reader) candidate(field string) json.RawMessage {
	const want = "an ICE candidate object, or null at the end of candidates"
	raw, ok := r.get(field, want)
	if !ok || isKind(raw, 'n') {
		return raw
	}
	if !isKind(raw, '{') {
		r.wrong(field, raw, want)
		return nil
	}
	var room [4]pair
	c, err := parseObject(room[:0], raw)
	if err != nil {
		r.wrong(field, raw, want)
		return nil
	}
	line, ok := c.get("candidate")
	switch {
	case !ok:
		r.fail(field+".candidate", `%q lacks "candidate"; it must be %s`, field, want)
	case !isKind(line, '"'):
		r.wrong(field+".candidate", line, "a string")
	}
	for _, name := range []string{"sdpMid", "usernameFragment"} {
		if v, ok := c.get(name); ok && !isKind(v, '"') && !isKind(v, 'n') {
			r.wrong(field+"."+name, v, "a string or null")
		}
	}
	if v, ok := c.get("sdpMLineIndex"); ok && !isKind(v, 'n') {
		const want = "an integer from 0 to 65535, or null"
		if n := r.integerOf(field+".sdpMLineIndex", v, want); n < 0 || n > maxLine {
			r.wrong(field+".sdpMLineIndex", v, want)
		}
	}
	return raw
}

// sfu reads a "to" that must name the SFU.
func (r *reader) sfu(field string) string {
	s := r.text(field, 64, `"sfu"`)
	if r.err == nil && s != SFUParty {
		r.fail(field, `%q is %q; on the SFU link it must be "sfu"`, field, clip(s))
	}
	return SFUParty
}
