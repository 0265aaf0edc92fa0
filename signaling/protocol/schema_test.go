package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// schemas compiles parts of schema.json: "zone.client", "sfu.server.SLOTS".
type schemas struct {
	t        *testing.T
	id       string
	compiler *jsonschema.Compiler
}

func readSchemas(t *testing.T) *schemas {
	t.Helper()
	file, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	s := &schemas{t: t, id: doc.(map[string]any)["$id"].(string), compiler: jsonschema.NewCompiler()}
	s.compiler.AssertFormat()
	if err := s.compiler.AddResource(s.id, doc); err != nil {
		t.Fatal(err)
	}
	if _, err := s.compiler.Compile(s.id); err != nil {
		t.Fatalf("%#v", err)
	}
	return s
}

func (s *schemas) check(def string, frame []byte) error {
	s.t.Helper()
	schema, err := s.compiler.Compile(s.id + "#/$defs/" + def)
	if err != nil {
		s.t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(frame))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

func (s Spec) direction() string { return fmt.Sprintf("%s.%s", s.Link, s.From) }

func (s Spec) read(frame []byte) error {
	env, err := Decode(frame)
	if err == nil {
		_, err = env.decode(s.Link)
	}
	return err
}

// TestSchemaTakesEveryMessage: each message with every field, each enum value and each null, as Encode writes it.
func TestSchemaTakesEveryMessage(t *testing.T) {
	s := readSchemas(t)
	for _, spec := range Messages() {
		for variant := range 8 {
			frame, err := Encode(spec.Type, filled(spec, variant))
			if err != nil {
				t.Fatal(err)
			}
			for _, def := range []string{spec.direction(), spec.direction() + "." + spec.Type} {
				if err := s.check(def, frame); err != nil {
					t.Errorf("%s refuses %s: %v", def, frame, err)
				}
			}
			if spec.From != Client {
				continue
			}
			if err := spec.read(frame); err != nil {
				t.Errorf("the decoder refuses %s: %v", frame, err)
			}
		}
	}
}

// cannotSay are the cases that are beyond JSON Schema: numbers that a float64 cannot hold, the content of base64.
var cannotSay = []string{"endless x", "base64 of no sdp"}

func TestSchemaAgreesWithTheTables(t *testing.T) {
	s := readSchemas(t)
	takes := func(def, name string, frame []byte, want bool) {
		if err := s.check(def, frame); (err == nil) != want {
			t.Errorf("%s, %s: %s: taken %v, should be %v: %v", def, name, frame, err == nil, want, err)
		}
	}
	for typ, payload := range goodZone {
		takes("zone.client", typ, zoneFrame(typ, payload), true)
	}
	for typ, payload := range goodSFU {
		takes("sfu.client", typ, zoneFrame(typ, payload), true)
	}
	for typ, payload := range badSFU {
		takes("sfu.client", typ, zoneFrame(typ, payload), false)
	}
	for _, c := range refusedValues {
		takes("zone.client", c.name, zoneFrame(c.typ, c.payload), slices.Contains(cannotSay, c.name))
	}
	for _, c := range refusedFrames {
		takes("zone.client", c.name, []byte(c.frame), false)
	}
	takes("zone.client", "the end of candidates", zoneFrame(TypeICECandidate, `{"to":`+idA+`,"candidate":null}`), true)
	takes("zone.client", "CONNECT without a version", []byte(`{"type":"CONNECT","payload":{"token":"t"}}`), false)
	takes("zone.client", "a later message without one", []byte(`{"type":"ICE_FAILED","payload":{"peer_id":`+idA+`}}`), true)
	takes("zone.server", "no version", []byte(`{"type":"PEER_LEFT","payload":{"user_id":`+idA+`}}`), false)
}

// TestSchemaAgreesWithTheDecoder puts every odd value in the place of every field, and leaves every field out.
func TestSchemaAgreesWithTheDecoder(t *testing.T) {
	s := readSchemas(t)
	texts := []string{"", "x", "sfu", "SFU", "north", "sit", "manual", "SERVER_ERROR", strings.Repeat("-", 256), strings.Repeat("-", 257), strings.Repeat("-", maxToken), strings.Repeat("-", maxToken+1)}
	odd := []string{`true`, `false`, `null`, idA, `[]`, `{}`, `[true]`, `["x"]`, `[` + idA + `]`, `{"x":1}`, `{"x":1,"y":2}`, `{"candidate":""}`, `{` + idA + `:7}`, `{` + idA + `:-1}`,
		`0`, `1`, `-1`, `1.5`, `1e3`, `65535`, `65536`, `65537`, `31622400`, `31622401`, `9007199254740991`, `9007199254740992`, `-9007199254740992`}
	for _, text := range texts {
		b, _ := json.Marshal(text)
		odd = append(odd, string(b))
	}
	for n := range 3 { // lists around their bounds
		odd = append(odd, `["x"`+strings.Repeat(`,"x"`, maxFeatures-2+n)+`]`, `[`+idA+strings.Repeat(`,`+idA, maxPinned-2+n)+`]`)
	}
	cases := 0
	for _, spec := range Messages() {
		if spec.From != Client {
			continue
		}
		payload, _ := json.Marshal(filled(spec, 1))
		for path, frame := range mutations(payload, odd) {
			frame = zoneFrame(spec.Type, string(frame))
			decoded, checked := spec.read(frame), s.check(spec.direction()+"."+spec.Type, frame)
			if cases++; (decoded == nil) != (checked == nil) && !forgiven(spec, path, decoded == nil) {
				t.Errorf("%s, %s: %.200s\ndecoder: %v\nschema: %v", spec.direction(), path, frame, decoded, checked)
			}
		}
	}
	if cases < 1000 {
		t.Errorf("only %d cases", cases)
	}
}

// forgiven says where the decoder takes what a client should not send.
func forgiven(spec Spec, path string, decoded bool) bool {
	field, value, _ := strings.Cut(path, " = ")
	switch {
	case !decoded:
		return false
	case spec.Type == TypeError: // which is only logged
		return true
	case value == "null" && field != "token": // for an optional field that is not there
		return slices.Contains([]string{"client_version", "features", "session", "pinned", "sizes"}, field)
	}
	return path == "token left out" || path == "token = null" // which is AUTH_FAILED, and the session's to say
}

// mutations gives, by what was done, an object with a field left out or replaced, also in the objects in it.
func mutations(object []byte, values []string) map[string][]byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(object, &fields) != nil {
		return nil
	}
	found := map[string][]byte{}
	for name, was := range fields {
		without := maps.Clone(fields)
		delete(without, name)
		found[name+" left out"], _ = json.Marshal(without)
		put := func(what string, value []byte) {
			with := maps.Clone(fields)
			with[name] = value
			found[what], _ = json.Marshal(with)
		}
		for _, value := range values {
			what := value
			if len(value) > 40 {
				what = fmt.Sprintf("%s... (%d bytes)", value[:20], len(value))
			}
			put(name+" = "+what, []byte(value))
		}
		for path, inner := range mutations(was, values) {
			put(name+"."+path, inner)
		}
	}
	return found
}
