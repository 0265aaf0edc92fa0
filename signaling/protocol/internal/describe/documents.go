package describe

import (
	"fmt"

	"atrium/signaling/documents/wire"
	"atrium/signaling/protocol"
)

const aboutDocuments = "One text frame of the WebSocket /documents holds one of these objects: a message under its tag. Unknown fields are ignored. " +
	"The schema of one direction is #/$defs/documents.client or documents.server, of one message #/$defs/documents.client.JoinDocument and so on. " +
	"Lengths of content and timestamps are bounded in bytes of UTF-8; maxLength, which counts characters, says no more than that."

// documentsSchema writes the JSON Schema of every frame of the document protocol.
func (m *model) documentsSchema() ([]byte, error) {
	var defs members
	var directions []any
	for _, s := range senders {
		direction := fmt.Sprintf("%s.%s", wire.Link, s)
		directions = append(directions, ref(direction))
		var frames []any
		for _, msg := range m.on(wire.Link, s) {
			frames = append(frames, ref(direction+"."+msg.Type))
		}
		defs.add(direction, members{{"description", fmt.Sprintf("What the %s sends on the %s link.", s, wire.Link)}, {"oneOf", frames}})
	}
	for _, msg := range m.messages {
		payload := any(ref(msg.typ))
		if msg.ruled {
			payload = m.struc(msg.fields)
		}
		defs.add(fmt.Sprintf("%s.%s.%s", msg.Link, msg.From, msg.Type), members{
			{"title", msg.Type},
			{"description", m.doc(msg)},
			{"type", "object"},
			{"properties", members{{msg.Type, payload}}},
			{"required", []string{msg.Type}},
			{"additionalProperties", false},
		})
	}
	m.addTypes(&defs)
	return indent(members{
		{"$schema", dialect},
		{"$id", "urn:atrium:document-protocol:1"},
		{"title", "The document protocol"},
		{"description", aboutDocuments},
		{"$comment", `Made by "make generate" from the Go types of signaling/documents/wire.`},
		{"anyOf", directions},
		{"$defs", defs},
	})
}

// documentsTypeScript writes the types of the web client's SDK.
func (m *model) documentsTypeScript() []byte {
	w := &writer{}
	w.line(0, `// Made by "make generate" from the Go types of signaling/documents/wire; changes go there.`)
	w.line(0, "")
	w.line(0, `import type { FieldKind } from "./protocol.gen";`)
	w.doc(0, "The subprotocol that a client names beside its token.")
	w.line(0, "export const SUBPROTOCOL = %q;", wire.Subprotocol)
	w.doc(0, "The subprotocol of a client to which its own notes come back once they are stored.")
	w.line(0, "export const SUBPROTOCOL_ACK = %q;", wire.SubprotocolAck)
	for _, n := range m.used(func(msg message) bool { return msg.altered }) {
		m.declare(w, n)
	}
	for _, from := range senders {
		w.doc(0, fmt.Sprintf("What the %s sends, by tag.", from))
		w.line(0, "export interface %sMessages {", title(string(from)))
		for _, msg := range m.on(wire.Link, from) {
			m.payload(w, msg)
		}
		w.line(0, "}")
	}
	w.doc(0, "The fields that each message of the server has without exception.")
	w.line(0, "export const serverFields: {")
	w.line(1, "readonly [T in keyof ServerMessages]: Readonly<Record<string, FieldKind>>;")
	w.line(0, "} = {")
	for _, msg := range m.on(wire.Link, protocol.Server) {
		w.object(1, msg.Type, msg.kinds())
	}
	w.line(0, "};")
	return []byte(w.String())
}
