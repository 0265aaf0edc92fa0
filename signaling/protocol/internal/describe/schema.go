package describe

import (
	"cmp"
	"fmt"
	"slices"

	"atrium/signaling/protocol"
)

const (
	dialect = "https://json-schema.org/draft/2020-12/schema"

	// What format says too, for validators that take formats as remarks (JSON Schema 2020-12, validation, section 7.2.1).
	uuidPattern   = "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$"
	base64Pattern = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"

	about = "One text frame of a WebSocket holds one of these objects. Unknown fields are ignored. A schema for one direction of one link is " +
		"#/$defs/zone.client, zone.server, sfu.client or sfu.server, for one message #/$defs/zone.client.JOIN_WORLD and so on. " +
		"Lengths of text are bounded in bytes of UTF-8; maxLength, which counts characters, says no more than that."
)

// schema writes the JSON Schema of every frame.
func (m *model) schema() ([]byte, error) {
	var defs members
	var directions []any
	for _, link := range []protocol.Link{protocol.ZoneLink, protocol.SFULink} {
		for _, from := range []protocol.Sender{protocol.Client, protocol.Server} {
			direction := fmt.Sprintf("%s.%s", link, from)
			directions = append(directions, ref(direction))
			var frames []any
			for _, msg := range m.on(link, from) {
				frames = append(frames, ref(direction+"."+msg.Type))
			}
			defs.add(direction, members{
				{"description", fmt.Sprintf("What the %s sends on the %s link.", from, link)},
				{"oneOf", frames},
			})
		}
	}
	for _, msg := range m.messages {
		defs.add(fmt.Sprintf("%s.%s.%s", msg.Link, msg.From, msg.Type), m.frame(msg))
	}
	m.addTypes(&defs)

	return indent(members{
		{"$schema", dialect},
		{"$id", fmt.Sprintf("urn:atrium:zone-protocol:%d", protocol.Version)},
		{"title", fmt.Sprintf("The zone protocol and the SFU link, version %d.%d", protocol.Version, protocol.Minor)},
		{"description", about},
		{"$comment", `Made by "make generate" from the Go types of signaling/protocol.`},
		{"anyOf", directions},
		{"$defs", defs},
	})
}

// addTypes adds what the messages refer to.
func (m *model) addTypes(defs *members) {
	for _, n := range m.used(func(msg message) bool { return msg.ruled }) {
		defs.add(n.name, m.definition(n))
	}
	defs.add("uuid", members{{"type", "string"}, {"format", "uuid"}, {"pattern", uuidPattern}})
}

// frame is the envelope with one message.
func (m *model) frame(msg message) members {
	payload := any(ref(msg.typ))
	if msg.ruled {
		payload = m.struc(msg.fields)
	}
	required := []string{"type", "payload"}
	// From clients the version is asked for where it is negotiated; the server always gives it.
	if msg.From == protocol.Server || msg.Type == protocol.TypeConnect {
		required = append(required, "protocol_version")
	}
	return members{
		{"title", msg.Type},
		{"description", m.doc(msg)},
		{"type", "object"},
		{"properties", members{
			{"type", members{{"const", msg.Type}}},
			{"payload", payload},
			{"protocol_version", members{{"const", protocol.Version}}},
		}},
		{"required", required},
	}
}

func (m *model) definition(n *named) members {
	if n.values == nil {
		return append(members{{"description", n.doc}}, m.struc(m.all(n))...)
	}
	values := make([]string, len(n.values))
	doc := n.doc
	for i, v := range n.values {
		values[i] = v.text
		if v.doc != "" {
			doc += fmt.Sprintf("\n%s: %s", v.text, v.doc)
		}
	}
	return members{{"description", doc}, {"type", "string"}, {"enum", values}}
}

func (m *model) struc(fields []field) members {
	var properties members
	required := []string{}
	for _, f := range fields {
		s := f.shape.schema()
		if f.doc != "" {
			s = slices.Insert(s, 0, pair{"description", f.doc})
		}
		properties.add(f.name, s)
		if !f.optional {
			required = append(required, f.name)
		}
	}
	return members{{"type", "object"}, {"properties", properties}, {"required", required}}
}

func ref(name string) members { return members{{"$ref", "#/$defs/" + name}} }

func (s shape) schema() members {
	var out members
	switch s.kind {
	case id:
		out = ref("uuid")
	case object, enum:
		out = ref(s.ref)
	case anything:
		return members{}
	default:
		out = s.plain()
	}
	switch {
	case !s.nullable:
		return out
	case out[0].name == "$ref":
		return members{{"anyOf", []any{out, members{{"type", "null"}}}}}
	}
	out[0].value = []any{out[0].value, "null"}
	return out
}

// plain is the schema of what has a JSON type of its own; that type comes first.
func (s shape) plain() members {
	var out members
	switch s.kind {
	case text:
		out.add("type", "string")
		if s.rule.Const != "" {
			out.add("const", s.rule.Const)
		}
		if s.rule.MinBytes > 0 {
			out.add("minLength", s.rule.MinBytes)
		}
		if most := cmp.Or(s.rule.MaxRunes, s.rule.MaxBytes); most > 0 {
			out.add("maxLength", most)
		}
		switch s.rule.Format {
		case "":
		case protocol.FormatSDP:
			out = append(out, pair{"contentEncoding", "base64"}, pair{"contentMediaType", "application/sdp"}, pair{"minLength", 1}, pair{"pattern", base64Pattern})
		default:
			out.add("format", string(s.rule.Format))
		}
	case number, integer:
		out.add("type", map[kind]string{number: "number", integer: "integer"}[s.kind])
		if s.rule.Min != nil {
			out.add("minimum", *s.rule.Min)
		}
		if s.rule.Max != nil {
			out.add("maximum", *s.rule.Max)
		}
	case boolean:
		out.add("type", "boolean")
	case list:
		out.add("type", "array")
		out.add("items", s.item.schema())
		if s.rule.MaxItems > 0 {
			out.add("maxItems", s.rule.MaxItems)
		}
	case dictionary:
		out.add("type", "object")
		if s.byID {
			out.add("propertyNames", ref("uuid"))
		}
		if item := s.item.schema(); len(item) > 0 {
			out.add("additionalProperties", item)
		}
	}
	return out
}
