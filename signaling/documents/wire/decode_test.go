package wire

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"
)

const (
	idUser  = `"11111111-1111-4111-8111-111111111111"`
	idOther = `"22222222-2222-4222-8222-222222222222"`
	idDoc   = `"33333333-3333-4333-8333-333333333333"`
	idTheir = `"44444444-4444-4444-8444-444444444444"`
	ids     = `"document_id":` + idDoc + `,"user_id":` + idUser
	atNoon  = `,"timestamp":"2030-01-02T03:04:05Z"`
)

// me owns one user and all documents but one.
type me struct{}

func (me) User(id uuid.UUID) *Error {
	if id != uuid.MustParse(strings.Trim(idUser, `"`)) {
		return Errorf(AuthError, "not the token's")
	}
	return nil
}

func (me) Document(id uuid.UUID) *Error {
	if id == uuid.MustParse(strings.Trim(idTheir, `"`)) {
		return Errorf(AuthError, "not open")
	}
	return nil
}

// good is every message with its fields.
var good = map[string]string{
	TagJoinDocument:    ids,
	TagLeaveDocument:   ids,
	TagPresenceUpdate:  ids + `,"cursor":{"line":0,"column":0},"selection":{"start":{"line":0,"column":0},"end":{"line":0,"column":5}},"is_typing":true` + atNoon,
	TagCursorUpdate:    ids + `,"position":{"line":1,"column":2}` + atNoon,
	TagSelectionUpdate: ids + `,"selection":{"start":{"line":0,"column":9},"end":{"line":1,"column":0}}` + atNoon,
	TagTypingIndicator: ids + `,"is_typing":false` + atNoon,
	TagPresenceStatus:  ids + `,"status":"away"` + atNoon,
	TagAnnotation:      ids + `,"position":{"line":1,"column":2},"content":"x"` + atNoon,
	TagComment:         ids + `,"position":{"line":1,"column":2},"content":"x"` + atNoon,
	TagError:           `"code":"ANY","message":"what"`,
}

func frameOf(tag, fields string) []byte { return []byte(`{"` + tag + `":{` + fields + `}}`) }

func TestEveryMessageIsRead(t *testing.T) {
	for _, tag := range Tags() {
		got, m, e := Decode(frameOf(tag, good[tag]), me{})
		if e != nil || got != tag || m == nil {
			t.Errorf("%s: %v", tag, e)
			continue
		}
		if tag == TagError {
			continue
		}
		var want, have any
		if err := json.Unmarshal(frameOf(tag, good[tag]), &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(Encode(tag, m), &have); err != nil {
			t.Fatal(err)
		}
		w, _ := json.Marshal(want)
		h, _ := json.Marshal(have)
		if string(w) != string(h) {
			t.Errorf("%s was read as %s", w, h)
		}
	}
	if len(Tags()) != len(good) {
		t.Errorf("%d tags, %d cases", len(Tags()), len(good))
	}
}

func TestWhatIsRefused(t *testing.T) {
	long := strings.Repeat("é", MaxContent/2)
	cursor := func(position string) string {
		return `{"CursorUpdate":{` + ids + `,"position":` + position + atNoon + `}}`
	}
	at := func(stamp string) string {
		return `{"TypingIndicator":{` + ids + `,"is_typing":true,"timestamp":` + stamp + `}}`
	}
	status := func(s string) string { return `{"PresenceStatus":{` + ids + `,"status":` + s + atNoon + `}}` }
	content := func(s string) string {
		return `{"Comment":{` + ids + `,"position":{"line":0,"column":0},"content":` + s + atNoon + `}}`
	}
	join := func(fields string) string { return string(frameOf(TagJoinDocument, fields)) }
	cases := []struct {
		frame string
		code  Code // "": taken
		words string
	}{
		{``, ParseError, "malformed"},
		{`{`, ParseError, "malformed"},
		{`{} {}`, ParseError, "malformed"},
		{`[]`, ParseError, "an array"},
		{`null`, ParseError, "null"},
		{`7`, ParseError, "number"},
		{`{}`, ParseError, "no tag"},
		{`{"JoinDocument":{` + ids + `},"LeaveDocument":{` + ids + `}}`, ParseError, "several"},
		{`{"JoinDocument":{` + ids + `},"JoinDocument":{` + ids + `}}`, ParseError, "several"},
		{`{"joinDocument":{` + ids + `}}`, ParseError, "no message"},
		{`{"Nothing":{}}`, ParseError, "no message"},

		{join(`"document_id":` + idDoc + `,"user_id":` + idOther), AuthError, "token"},
		{join(`"document_id":` + idTheir + `,"user_id":` + idUser), AuthError, "open"},
		{join(`"document_id":7,"user_id":` + idOther), AuthError, "token"}, // before what else is wrong
		{`{"CursorUpdate":{"document_id":` + idTheir + `,"user_id":` + idUser + `,"position":7}}`, AuthError, "open"},
		{`{"CursorUpdate":{"user_id":` + idOther + `}}`, AuthError, "token"},

		{`{"JoinDocument":null}`, DocumentError, "null"},
		{`{"JoinDocument":[]}`, DocumentError, "an array"},
		{join(`"document_id":` + idDoc), DocumentError, "user_id"},
		{join(`"user_id":` + idUser), DocumentError, "document_id"},
		{join(`"document_id":"x","user_id":` + idUser), DocumentError, "36 characters"},
		{join(`"document_id":"{33333333-3333-4333-8333-333333333333}","user_id":` + idUser), DocumentError, "36 characters"},
		{join(`"document_id":` + idDoc + `,"user_id":7`), DocumentError, "number"},
		{join(`"document_id":` + idDoc + `,"user_id":null`), DocumentError, "null"},
		{join(`"document_id":` + idDoc + `,"user_id":"nope"`), AuthError, "token"}, // is not the token's, whatever it is
		{join(`"document_id":7,"user_id":""`), AuthError, "token"},
		{join(`"document_id":` + strings.ToUpper(idDoc) + `,"user_id":` + idUser + `,"more":[1]`), "", ""},

		{cursor(`{"line":0,"column":0}`), "", ""},
		{cursor(`{"line":1.0,"column":9007199254740991}`), "", ""},
		{cursor(`{"line":-1,"column":0}`), DocumentError, "position.line"},
		{cursor(`{"line":0,"column":1.5}`), DocumentError, "position.column"},
		{cursor(`{"line":0,"column":9007199254740992}`), DocumentError, "position.column"},
		{cursor(`{"line":"0","column":0}`), DocumentError, "a string"},
		{cursor(`{"line":0}`), DocumentError, "position.column"},
		{cursor(`[0,0]`), DocumentError, "an array"},
		{cursor(`null`), DocumentError, "null"},
		{`{"CursorUpdate":{` + ids + atNoon + `}}`, DocumentError, "position"},
		{`{"CursorUpdate":{` + ids + `,"position":{"line":0,"column":0}}}`, DocumentError, "timestamp"},
		{`{"SelectionUpdate":{` + ids + `,"selection":{"start":{"line":1,"column":0},"end":{"line":0,"column":9}}` + atNoon + `}}`, DocumentError, "start"},
		{`{"SelectionUpdate":{` + ids + `,"selection":{"start":{"line":1,"column":0}}` + atNoon + `}}`, DocumentError, "selection.end"},
		{`{"TypingIndicator":{` + ids + `,"is_typing":1` + atNoon + `}}`, DocumentError, "true or false"},

		{at(`"2030-01-02T03:04:05.123456789+05:30"`), "", ""},
		{at(`"2030-01-02t03:04:05z"`), "", ""},
		{at(`"2016-12-31T23:59:60Z"`), "", ""},
		{at(`"2030-01-02 03:04:05Z"`), DocumentError, "RFC 3339"},
		{at(`"2030-01-02T03:04:05"`), DocumentError, "RFC 3339"},
		{at(`"2030-02-30T03:04:05Z"`), DocumentError, "RFC 3339"},
		{at(`"yesterday"`), DocumentError, "RFC 3339"},
		{at(`"2030-01-02T03:04:05,5Z"`), DocumentError, "RFC 3339"}, // ISO 8601 alone has the comma
		{at(`"2030-01-02T03:04:05.Z"`), DocumentError, "RFC 3339"},
		{at(`"2030-01-02T03:04:05+23:60"`), DocumentError, "RFC 3339"},
		{at(`"2030-01-02T03:04:05+24:00"`), DocumentError, "RFC 3339"},
		{at(`"2030-01-02T03:04:05+0530"`), DocumentError, "RFC 3339"},
		{at(`"2030-01-02T03:04:05+05:30Z"`), DocumentError, "RFC 3339"},
		{at(`"2030-01-02T3:04:05Z"`), DocumentError, "RFC 3339"},
		{at(`"2030-01-02T24:00:00Z"`), DocumentError, "RFC 3339"},
		{at(`"2030-01-02T03:60:05Z"`), DocumentError, "RFC 3339"},
		{at(`"2030-01-02T03:04:61Z"`), DocumentError, "RFC 3339"},
		{at(`"2030-13-02T03:04:05Z"`), DocumentError, "RFC 3339"},
		{at(`"2030-00-02T03:04:05Z"`), DocumentError, "RFC 3339"},
		{at(`"2030-01-00T03:04:05Z"`), DocumentError, "RFC 3339"},
		{at(`"2030-02-29T03:04:05Z"`), DocumentError, "RFC 3339"},
		{at(`"2032-02-29T23:04:05-23:59"`), "", ""},
		{at(`"0000-01-01T00:00:00-00:00"`), "", ""},
		{at(`"9999-12-31T23:59:60Z"`), "", ""},
		{at(`"1990-12-31T15:59:60.5-08:00"`), "", ""}, // RFC 3339, section 5.8
		{at(`"2017-01-01T05:29:60+05:30"`), "", ""},
		{at(`"2030-01-02T03:04:60Z"`), DocumentError, "RFC 3339"},
		{at(`"2016-12-30T23:59:60Z"`), DocumentError, "RFC 3339"},
		{at(`"2016-12-31T23:59:60-08:00"`), DocumentError, "RFC 3339"},
		{at(`1700000000`), DocumentError, "number"},

		{status(`"on a call ☎"`), "", ""},
		{status(`"` + strings.Repeat("ü", 32) + `"`), "", ""},
		{status(`"` + strings.Repeat("u", 33) + `"`), DocumentError, "32"},
		{status(`""`), DocumentError, "printable"},
		{status(`"a\nb"`), DocumentError, "printable"},
		{status(`"a\u202eb"`), DocumentError, "printable"},
		{status(`"👩\u200d🚀 orbiting"`), "", ""},   // one sign of three characters
		{status(`"سر کار نمی\u200cآیم"`), "", ""}, // Persian is not written without U+200C
		{status(`"会議\u3000中"`), "", ""},
		{status(`"\u200d"`), DocumentError, "printable"},
		{status(`"\u200cbusy"`), DocumentError, "printable"},
		{status(`"a\u200bb"`), DocumentError, "printable"},

		{content(`"` + long + `"`), "", ""},
		{content(`"` + long + `x"`), DocumentError, "8192"},
		{content(`""`), DocumentError, "empty"},
		{content(`{}`), DocumentError, "an object"},
		{content(`"\ud83e\udd80 \ufffd � \\ud800"`), "", ""},
		{content(`"a\ud800"`), DocumentError, `"content" has half of a surrogate pair`},
		{content(`"\uD800\u0041"`), DocumentError, `"content" has half`},
		{content(`"\udd80\ud83e"`), DocumentError, `"content" has half`},
		{content(`"\\\\\\\udfff"`), DocumentError, `"content" has half`},
		{content(`"\ud83e\udd80\ud83e"`), DocumentError, `"content" has half`},
		{status(`"\udc00"`), DocumentError, `"status" has half`},
	}
	for _, c := range cases {
		_, m, e := Decode([]byte(c.frame), me{})
		switch {
		case c.code == "" && (e != nil || m == nil):
			t.Errorf("%.120s: %v", c.frame, e)
		case c.code != "" && (e == nil || e.Code != c.code || !strings.Contains(e.Message, c.words)):
			t.Errorf("%.120s: %v; should be %s with %q", c.frame, e, c.code, c.words)
		}
	}
}

// TestNoFieldMayBeMissing leaves out every field of every message.
func TestNoFieldMayBeMissing(t *testing.T) {
	for tag, fields := range good {
		var all map[string]json.RawMessage
		if err := json.Unmarshal([]byte("{"+fields+"}"), &all); err != nil {
			t.Fatal(err)
		}
		for name := range all {
			without := map[string]json.RawMessage{}
			for n, v := range all {
				if n != name {
					without[n] = v
				}
			}
			b, _ := json.Marshal(map[string]any{tag: without})
			_, _, e := Decode(b, me{})
			if tag == TagError && name == "message" {
				continue
			}
			if e == nil || e.Code != DocumentError || !strings.Contains(e.Message, name) {
				t.Errorf("%s without %s: %v", tag, name, e)
			}
		}
	}
}

// FuzzDecode: whatever comes, the decoder answers with a message that can be sent on or with an error that a client can be sent.
func FuzzDecode(f *testing.F) {
	for tag, fields := range good {
		f.Add(frameOf(tag, fields))
	}
	f.Add([]byte(`{"CursorUpdate":{"position":{"line":1e999}}}`))
	f.Fuzz(func(t *testing.T, frame []byte) {
		tag, m, e := Decode(frame, me{})
		if e != nil {
			if m != nil || !e.Code.Valid() || e.Message == "" || len(e.Message) > maxMessageInError {
				t.Fatalf("%#v", e)
			}
			if !json.Valid(Encode(TagError, e)) {
				t.Fatalf("%#v", e)
			}
			return
		}
		if tag == TagError {
			return
		}
		again := Encode(tag, m)
		if _, n, e := Decode(again, me{}); e != nil || string(Encode(tag, n)) != string(again) {
			t.Fatalf("%s is sent on as %s, which is refused or read otherwise: %v", frame, again, e)
		}
	})
}
