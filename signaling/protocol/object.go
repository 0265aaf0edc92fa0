package protocol

import (
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/google/uuid"
)

// object is a JSON object whose values are checked and not decoded yet. It refers to the text that it was read from.
type object []pair

type pair struct {
	name  string
	value json.RawMessage
}

// get finds a value; of several with one name the last counts, as for encoding/json.
func (o object) get(name string) (json.RawMessage, bool) {
	for i := len(o) - 1; i >= 0; i-- {
		if o[i].name == name {
			return o[i].value, true
		}
	}
	return nil, false
}

// parseObject reads an object into the room given. It is encoding/json's reading into a map of raw values, which is what it
// falls back on, at a tenth of its price: what is read here is not looked at twice, and nothing is copied. The errors are
// all encoding/json's. A text that is null gives nil.
func parseObject(into object, text []byte) (object, error) {
	if o, ok := scanObject(into, text); ok {
		return o, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil || fields == nil {
		return nil, err
	}
	o := into[:0]
	for name, value := range fields {
		o = append(o, pair{name, value})
	}
	return o, nil
}

// scanObject reads a text that is one object (RFC 8259) whose names need no decoding; false: it is none, or has other names.
func scanObject(o object, text []byte) (object, bool) {
	s := scanner{text: text}
	s.space()
	if !s.take('{') {
		return nil, false
	}
	s.space()
	if s.take('}') {
		s.space()
		return o[:0], s.at == len(text)
	}
	for {
		name, ok := s.plain()
		if !ok {
			return nil, false
		}
		s.space()
		if !s.take(':') {
			return nil, false
		}
		s.space()
		start := s.at
		if !s.value() {
			return nil, false
		}
		o = append(o, pair{intern(name), text[start:s.at:s.at]})
		s.space()
		if s.take(',') {
			s.space()
			continue
		}
		if !s.take('}') {
			return nil, false
		}
		s.space()
		return o, s.at == len(text)
	}
}

// intern gives the names that a message is full of without an allocation each.
func intern(name []byte) string {
	switch string(name) {
	case "type":
		return "type"
	case "payload":
		return "payload"
	case "protocol_version":
		return "protocol_version"
	case "position":
		return "position"
	case "facing":
		return "facing"
	case "state":
		return "state"
	case "zone_id":
		return "zone_id"
	case "timestamp":
		return "timestamp"
	case "x":
		return "x"
	case "y":
		return "y"
	}
	return string(name)
}

// scanner walks over JSON.
type scanner struct {
	text []byte
	at   int
	open []byte // the brackets that value has not closed
}

// maxNesting is encoding/json's.
const maxNesting = 10_000

func (s *scanner) take(b byte) bool {
	if s.at < len(s.text) && s.text[s.at] == b {
		s.at++
		return true
	}
	return false
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// plain takes a string of printable ASCII without escapes.
func (s *scanner) plain() ([]byte, bool) {
	if !s.take('"') {
		return nil, false
	}
	for start := s.at; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return s.text[start : s.at-1], true
		case c == '\\', c < ' ', c >= utf8.RuneSelf:
			return nil, false
		}
	}
	return nil, false
}

// value takes one value, however deep: what is open is kept in a list, so that a client chooses no stack.
func (s *scanner) value() bool {
	s.open = s.open[:0]
	for {
		if !s.scalarOrOpen() {
			return false
		}
		// A value is complete, or a bracket was opened. Close what ends here.
		for {
			if len(s.open) == 0 {
				return true
			}
			s.space()
			in := s.open[len(s.open)-1]
			if in == '{' || in == '[' { // just opened: it may be empty
				s.open[len(s.open)-1] = in | closed
				if s.take(in + 2) {
					s.open = s.open[:len(s.open)-1]
					continue
				}
				break
			}
			if s.take(in&^closed + 2) { // '{'+2 is '}', '['+2 is ']'
				s.open = s.open[:len(s.open)-1]
				continue
			}
			if !s.take(',') {
				return false
			}
			s.space()
			break
		}
		if s.open[len(s.open)-1] == '{'|closed && !s.name() {
			return false
		}
	}
}

// closed marks a bracket after whose opening something was read.
const closed = 0x80

// name takes a member's name and the colon.
func (s *scanner) name() bool {
	if !s.string() {
		return false
	}
	s.space()
	if !s.take(':') {
		return false
	}
	s.space()
	return true
}

// scalarOrOpen takes a string, a number or a literal, or the opening of an object or an array.
func (s *scanner) scalarOrOpen() bool {
	if s.at == len(s.text) {
		return false
	}
	switch c := s.text[s.at]; c {
	case '{', '[':
		if len(s.open) >= maxNesting-1 { // the object that is being read is one level too
			return false
		}
		s.at++
		s.open = append(s.open, c)
		return true
	case '"':
		return s.string()
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		return s.number()
	}
}

func (s *scanner) literal(word string) bool {
	if len(s.text)-s.at < len(word) || string(s.text[s.at:s.at+len(word)]) != word {
		return false
	}
	s.at += len(word)
	return true
}

func (s *scanner) string() bool {
	if !s.take('"') {
		return false
	}
	for s.at < len(s.text) {
		c := s.text[s.at]
		s.at++
		switch {
		case c == '"':
			return true
		case c < ' ':
			return false
		case c == '\\' && !s.escape():
			return false
		}
	}
	return false
}

func (s *scanner) escape() bool {
	if s.at == len(s.text) {
		return false
	}
	c := s.text[s.at]
	s.at++
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			if s.at == len(s.text) || !isHex(s.text[s.at]) {
				return false
			}
			s.at++
		}
		return true
	}
	return false
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func (s *scanner) number() bool {
	s.take('-')
	if !s.take('0') && !s.digits() {
		return false
	}
	if s.take('.') && !s.digits() {
		return false
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	start := s.at
	for s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
		s.at++
	}
	return s.at > start
}

// The values of checked texts, as encoding/json would give them.

// stringOf reads a string.
func stringOf(raw json.RawMessage) (string, bool) {
	if b, ok := plainOf(raw); ok {
		return string(b), true
	}
	var s string
	ok := isKind(raw, '"') && json.Unmarshal(raw, &s) == nil
	return s, ok
}

// plainOf gives the content of a string that needs no decoding.
func plainOf(raw json.RawMessage) ([]byte, bool) {
	s := scanner{text: raw}
	b, ok := s.plain()
	return b, ok && s.at == len(raw)
}

// numberOf reads a number that a float64 can hold.
func numberOf(raw json.RawMessage) (float64, bool) {
	if !isKind(raw, '0') {
		return 0, false
	}
	s := scanner{text: raw}
	if !s.number() || s.at != len(raw) {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	return f, err == nil
}

// maxSafe is the largest integer that a JavaScript client can count exactly.
const maxSafe = 1<<53 - 1

// wholeOf reads an integer, in whatever way it is written: 1, 1.0 and 1e0 are one number.
func wholeOf(raw json.RawMessage) (int64, bool) {
	f, ok := numberOf(raw)
	if !ok || f != math.Trunc(f) || math.Abs(f) > maxSafe {
		return 0, false
	}
	return int64(f), true
}

// uuidIn reads a UUID of 36 characters.
func uuidIn(raw json.RawMessage) (uuid.UUID, bool) {
	b, ok := plainOf(raw)
	if !ok || len(b) != 36 {
		return uuid.Nil, false
	}
	id, err := uuid.ParseBytes(b)
	return id, err == nil
}
