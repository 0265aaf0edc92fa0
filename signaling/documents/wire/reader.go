package wire

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
)

// reader takes typed fields out of a message. The first problem is kept, later ones are not looked for.
type reader struct {
	tag    string
	fields map[string]json.RawMessage
	err    *Error
}

func newReader(tag string, payload json.RawMessage) *reader {
	r := &reader{tag: tag}
	if !isKind(payload, '{') || json.Unmarshal(payload, &r.fields) != nil {
		r.fail("%s holds %s; it must be an object", tag, describe(payload))
	}
	return r
}

// foreign answers for ids that are not the client's own, before anything else is looked at. A user that is no UUID is not
// the token's either; a document that is none is nobody's.
func (r *reader) foreign(owner Owner) *Error {
	if s, ok := r.peek("user_id"); ok {
		id, _ := protocol.ParseUUID(s) // no UUID: that of zeros, which is no user's
		if e := owner.User(id); e != nil {
			return e
		}
	}
	if s, ok := r.peek("document_id"); ok {
		if id, err := protocol.ParseUUID(s); err == nil {
			return owner.Document(id)
		}
	}
	return nil
}

func (r *reader) peek(field string) (s string, ok bool) {
	raw := r.fields[field]
	ok = isKind(raw, '"') && json.Unmarshal(raw, &s) == nil
	return s, ok
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = Errorf(DocumentError, format, args...)
	}
}

func (r *reader) wrong(field string, raw json.RawMessage, want string) {
	r.fail("%s: %q is %s; it must be %s", r.tag, field, describe(raw), want)
}

// get gives a required field of what is at path.
func (r *reader) get(fields map[string]json.RawMessage, path, field, want string) (json.RawMessage, bool) {
	if r.err != nil {
		return nil, false
	}
	raw, ok := fields[field]
	if !ok {
		r.fail("%s lacks %q; it must be %s", r.tag, path+field, want)
	}
	return raw, ok
}

func (r *reader) text(field string, most int, want string) string {
	raw, ok := r.get(r.fields, "", field, want)
	if !ok {
		return ""
	}
	var s string
	if !isKind(raw, '"') || json.Unmarshal(raw, &s) != nil {
		r.wrong(field, raw, want)
		return ""
	}
	if strings.ContainsRune(s, utf8.RuneError) && loneSurrogate(raw) {
		r.fail("%s: %q has half of a surrogate pair, which is no character; it must be %s", r.tag, field, want)
		return ""
	}
	if len(s) > most {
		r.fail("%s: %q has %d bytes; it must be %s", r.tag, field, len(s), want)
		return ""
	}
	return s
}

func (r *reader) document() uuid.UUID { return r.uuid("document_id") }
func (r *reader) user() uuid.UUID     { return r.uuid("user_id") }

func (r *reader) uuid(field string) uuid.UUID {
	const want = "a UUID of 36 characters"
	s := r.text(field, maxText, want)
	if r.err != nil {
		return uuid.Nil
	}
	id, err := protocol.ParseUUID(s)
	if err != nil {
		r.fail("%s: %q is %q; it must be %s", r.tag, field, clip(s), want)
	}
	return id
}

// timestamp reads a date and time of RFC 3339, section 5.6, and keeps its spelling.
func (r *reader) timestamp() string {
	const field, want = "timestamp", "a date and time like 2030-01-02T03:04:05Z (RFC 3339)"
	s := r.text(field, maxStamp, want)
	if r.err == nil && !isTimestamp(s) {
		r.fail("%s: %q is %q; it must be %s", r.tag, field, clip(s), want)
	}
	return s
}

func (r *reader) boolean(field string) bool {
	const want = "true or false"
	raw, ok := r.get(r.fields, "", field, want)
	if !ok {
		return false
	}
	if !isKind(raw, 't') && !isKind(raw, 'f') {
		r.wrong(field, raw, want)
	}
	return isKind(raw, 't')
}

func (r *reader) content(field string) string {
	const want = "1 to 8192 bytes of text"
	s := r.text(field, MaxContent, want)
	if r.err == nil && s == "" {
		r.fail("%s: %q is empty; it must be %s", r.tag, field, want)
	}
	return s
}

func (r *reader) status(field string) string {
	const want = "online, away, busy or 1 to 32 printable characters"
	s := r.text(field, maxText, want)
	if r.err == nil && (utf8.RuneCountInString(s) > maxStatus || !printable(s)) {
		r.fail("%s: %q is %q; it must be %s", r.tag, field, clip(s), want)
	}
	return s
}

// printable says whether a text has letters, marks, numbers, signs and spaces alone, and at least one. The two joiners are
// no characters that anybody sees, but words of Persian and many an emoji are not written without them.
func printable(s string) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	for i, c := range s {
		if joins := c == nonJoiner || c == joiner; joins && i == 0 || !joins && !unicode.IsGraphic(c) {
			return false
		}
	}
	return s != ""
}

const wantPosition = `an object {"line": integer, "column": integer}`

func (r *reader) position(field string) Position {
	raw, ok := r.get(r.fields, "", field, wantPosition)
	if !ok {
		return Position{}
	}
	return r.positionOf(field, raw)
}

func (r *reader) positionOf(path string, raw json.RawMessage) Position {
	at := r.object(path, raw, wantPosition)
	return Position{Line: r.count(at, path+".", "line"), Column: r.count(at, path+".", "column")}
}

func (r *reader) selection(field string) Selection {
	const want = `an object {"start": position, "end": position}`
	raw, ok := r.get(r.fields, "", field, want)
	if !ok {
		return Selection{}
	}
	ends := r.object(field, raw, want)
	var s Selection
	if start, ok := r.get(ends, field+".", "start", wantPosition); ok {
		s.Start = r.positionOf(field+".start", start)
	}
	if end, ok := r.get(ends, field+".", "end", wantPosition); ok {
		s.End = r.positionOf(field+".end", end)
	}
	if r.err == nil && s.End.before(s.Start) {
		r.fail("%s: %q starts at %d:%d and ends at %d:%d; the start must not be after the end",
			r.tag, field, s.Start.Line, s.Start.Column, s.End.Line, s.End.Column)
	}
	return s
}

func (r *reader) object(path string, raw json.RawMessage, want string) (fields map[string]json.RawMessage) {
	if !isKind(raw, '{') || json.Unmarshal(raw, &fields) != nil {
		r.wrong(path, raw, want)
	}
	return fields
}

// count reads an integer from 0 up.
func (r *reader) count(fields map[string]json.RawMessage, path, field string) uint64 {
	const want = "an integer from 0 to 2^53-1"
	raw, ok := r.get(fields, path, field, want)
	if !ok {
		return 0
	}
	var f float64
	if !isKind(raw, '0') || json.Unmarshal(raw, &f) != nil || f != math.Trunc(f) || f < 0 || f > maxCount {
		r.wrong(path+field, raw, want)
		return 0
	}
	return uint64(f)
}

// isKind looks at the first byte of a value: '"', '{', '[', 't', 'f', 'n' or, for numbers, '0'.
func isKind(raw []byte, kind byte) bool {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if len(raw) == 0 {
		return false
	}
	if kind == '0' {
		return raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9'
	}
	return raw[0] == kind
}

func describe(raw []byte) string {
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
	}
	return "the number " + clip(string(bytes.TrimSpace(raw)))
}

func clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) { // never in the middle of a rune
		cut--
	}
	return s[:cut] + "…"
}
