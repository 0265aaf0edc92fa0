package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestSchemaAgreesWithTheDecoder puts every odd value in the place of every field, and leaves every field out.
func TestSchemaAgreesWithTheDecoder(t *testing.T) {
	file, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	text := func(n int) string { return `"` + strings.Repeat("-", n) + `"` }
	odd := []string{`true`, `false`, `null`, `[]`, `{}`, `0`, `1`, `-1`, `1.5`, `1e3`, `9007199254740991`, `9007199254740992`, idUser, `"2030-01-02T03:04:05Z"`,
		`"2030-01-02T03:04:05"`, `{"line":0,"column":0}`, `{"line":0}`, `{"start":{"line":0,"column":0},"end":{"line":0,"column":0}}`,
		`""`, text(1), text(32), text(33), text(8192), text(8193)}
	cases := 0
	for tag, fields := range good {
		s, err := c.Compile("schema.json#/$defs/documents.client." + tag)
		if err != nil {
			t.Fatal(err)
		}
		for what, object := range mutations([]byte("{"+fields+"}"), odd) {
			frame := fmt.Appendf(nil, `{%q:%s}`, tag, object)
			value, err := jsonschema.UnmarshalJSON(bytes.NewReader(frame))
			if err != nil {
				t.Fatal(err)
			}
			_, _, e := Decode(frame, all{})
			said := s.Validate(value)
			if e != nil && strings.Contains(e.Message, "must not be after the end") {
				continue // which JSON Schema cannot say
			}
			if cases++; (e == nil) != (said == nil) && tag != TagError {
				t.Errorf("%s, %s: %.200s\ndecoder: %v\nschema: %v", tag, what, frame, e, said)
			}
		}
	}
	if cases < 500 {
		t.Errorf("only %d cases", cases)
	}
}

// all owns everything.
type all struct{}

func (all) User(uuid.UUID) *Error     { return nil }
func (all) Document(uuid.UUID) *Error { return nil }

// mutations gives, by what was done, an object with a field left out or replaced, also in the objects in it.
func mutations(object []byte, values []string) map[string][]byte {
	var fields map[string]json.RawMessage
	if json.Unmarshal(object, &fields) != nil {
		return nil
	}
	found := map[string][]byte{"as it is": object}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		without := maps.Clone(fields)
		delete(without, name)
		found[name+" left out"], _ = json.Marshal(without)
		put := func(what string, value []byte) {
			with := maps.Clone(fields)
			with[name] = value
			found[what], _ = json.Marshal(with)
		}
		for _, v := range values {
			put(fmt.Sprintf("%s = %.30s", name, v), []byte(v))
		}
		for path, inner := range mutations(fields[name], values) {
			put(name+"."+path, inner)
		}
	}
	return found
}
