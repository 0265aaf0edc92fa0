package protocol

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

var oddTexts = []string{
	``, ` `, `{`, `}`, `{}`, ` {} `, `{} {}`, `{},`, `null`, `[]`, `1`, `"x"`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,"a":1}`, `{"a" : 1 , "b":[ ] }`,
	`{"a":1,"a":2}`, `{"a":{"b":[1,{"c":null},"d"],"e":{}},"f":[[],[[]],{}]}`, `{"a":[1,]}`, `{"a":[,1]}`, `{"a":{"b"}}`, `{"a":{"b":1,}}`, `{"a":[1}`, `{"a":{"b":1]}`,
	`{"a":01}`, `{"a":-}`, `{"a":-0}`, `{"a":1.}`, `{"a":.5}`, `{"a":1.5e+10}`, `{"a":1e}`, `{"a":+1}`, `{"a":1e999}`, `{"a":NaN}`, `{"a":1 2}`,
	`{"a":tru}`, `{"a":true}`, `{"a":truex}`, `{"a":nul`, `{"a":"\u00e9\n\"\\\/"}`, `{"a":"\x"}`, `{"a":"\u12g4"}`, `{"a":"` + "\n" + `"}`, `{"a":"` + "\x7f" + `"}`,
	`{"\u0061":1}`, `{"é":1}`, `{"é":1,"a":2}`, `{"a":"é"}`, "{\"a\":\"\xff\"}", "{\"\xff\":1}", "\ufeff{}", `{"a":1}x`, `{"a":"` + `\ud800` + `"}`,
	`{"a":` + strings.Repeat(`[`, 9_999) + strings.Repeat(`]`, 9_999) + `}`,
	`{"a":` + strings.Repeat(`[`, 10_000) + strings.Repeat(`]`, 10_000) + `}`,
	`{"a":` + strings.Repeat(`{"a":`, 9_998) + `{}` + strings.Repeat(`}`, 9_998) + `}`,
	`{"a":` + strings.Repeat(`{"a":`, 20_000),
}

// TestObjectsAsEncodingJSONReadsThem: what is taken, what is refused, and every value.
func TestObjectsAsEncodingJSONReadsThem(t *testing.T) {
	for _, text := range oddTexts {
		sameAsEncodingJSON(t, []byte(text))
	}
}

func FuzzObject(f *testing.F) {
	for _, text := range oddTexts {
		f.Add([]byte(text))
	}
	for typ, payload := range goodZone {
		f.Add(zoneFrame(typ, payload))
	}
	f.Fuzz(sameAsEncodingJSON)
}

func sameAsEncodingJSON(t *testing.T, text []byte) {
	var want map[string]json.RawMessage
	refused := json.Unmarshal(text, &want)
	got, err := parseObject(nil, text)
	if (err == nil) != (refused == nil) || err != nil && err.Error() != refused.Error() {
		t.Fatalf("%.200q: %v, encoding/json says %v", text, err, refused)
	}
	for name, value := range want {
		if v, ok := got.get(name); !ok || !bytes.Equal(v, value) {
			t.Fatalf("%.200q: %q is %.200q, encoding/json says %.200q", text, name, v, value)
		}
		sameValue(t, value)
	}
	for _, p := range got {
		if _, ok := want[p.name]; !ok {
			t.Fatalf("%.200q: %q is not there", text, p.name)
		}
	}
	if _, ok := scanObject(nil, text); ok != (want != nil) && plainText(text) {
		t.Fatalf("%.200q is not read on the short way, or should not be", text)
	}
}

func plainText(text []byte) bool {
	return !bytes.ContainsFunc(text, func(r rune) bool { return r == '\\' || r >= utf8.RuneSelf })
}

func sameValue(t *testing.T, raw json.RawMessage) {
	var s string
	isText := isKind(raw, '"') && json.Unmarshal(raw, &s) == nil
	if got, ok := stringOf(raw); ok != isText || got != s {
		t.Fatalf("%.200q is %.200q %v", raw, got, ok)
	}
	var f float64
	isNumber := isKind(raw, '0') && json.Unmarshal(raw, &f) == nil
	if got, ok := numberOf(raw); ok != isNumber || isNumber && got != f {
		t.Fatalf("%.200q is %v %v", raw, got, ok)
	}
	want, err := ParseUUID(s)
	if got, ok := uuidIn(raw); ok && (err != nil || got != want) || !ok && err == nil && plainText(raw) {
		t.Fatalf("%.200q is %v %v", raw, got, ok)
	}
}

func TestPresenceIsDecodedWithFewAllocations(t *testing.T) {
	frame := zoneFrame(TypePresenceUpdate, goodZone[TypePresenceUpdate])
	got := testing.AllocsPerRun(100, func() {
		env, err := Decode(frame)
		if err == nil {
			_, err = env.Zone()
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	if got > 8 {
		t.Errorf("%.0f allocations", got)
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, typ := range []string{TypePresenceUpdate, TypeMoveIntent} {
		frame := zoneFrame(typ, goodZone[typ])
		b.Run(typ, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				env, _ := Decode(frame)
				if _, err := env.Zone(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	deep := []byte(`{"type":"MOVE_INTENT","payload":{},"x":` + strings.Repeat(`{"a":[`, 9_000/2) + strings.Repeat(`]}`, 9_000/2) + `}`)
	b.Run("nested", func(b *testing.B) {
		b.SetBytes(int64(len(deep)))
		for b.Loop() {
			if _, err := Decode(deep); err != nil {
				b.Fatal(err)
			}
		}
	})
}
