package describe

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"atrium/signaling/protocol"
)

// width is the line width of the web client's formatter, which checks the file that is made.
const width = 120

// known names types that the browser's own library declares.
var known = map[string]string{"ICECandidateInit": "RTCIceCandidateInit"}

// typescript writes the types of the web client's SDK.
func (m *model) typescript() []byte {
	w := &writer{}
	w.line(0, `// Made by "make generate" from the Go types of signaling/protocol; changes go there.`)
	w.doc(0, "The protocol version that these types are of.")
	w.line(0, "export const PROTOCOL_VERSION = %d;", protocol.Version)
	w.closeCodes()
	for _, n := range m.used(func(msg message) bool { return msg.altered }) {
		if known[n.name] == "" {
			m.declare(w, n)
		}
	}
	for _, link := range links {
		for _, from := range senders {
			w.doc(0, fmt.Sprintf("Payloads of what the %s sends on the %s link, by type.", from, link.words))
			w.line(0, "export interface %s {", payloads(link, from))
			for _, msg := range m.on(link.Link, from) {
				m.payload(w, msg)
			}
			w.line(0, "}")
		}
	}
	w.doc(0, "The two WebSockets: the zone link, and the one to the SFU.")
	w.line(0, "export type Link = %s;", `"zone" | "sfu"`)
	for _, from := range senders {
		w.doc(0, fmt.Sprintf("Payloads of what the %s sends, by link and type.", from))
		w.line(0, "export interface %sPayloads {", title(string(from)))
		for _, link := range links {
			w.line(1, "%s: %s;", link.Link, payloads(link, from))
		}
		w.line(0, "}")
	}
	w.doc(0, "What `typeof` would say of a field, were null and arrays types of their own.")
	w.line(0, `export type FieldKind = "string" | "number" | "boolean" | "array" | "object" | "string|null" | "object|null";`)
	m.kinds(w)
	return []byte(w.String())
}

type namedLink struct {
	protocol.Link
	prefix, words string
}

var (
	links   = []namedLink{{protocol.ZoneLink, "Zone", "zone"}, {protocol.SFULink, "Sfu", "SFU"}}
	senders = []protocol.Sender{protocol.Client, protocol.Server}
)

func payloads(l namedLink, from protocol.Sender) string {
	return l.prefix + title(string(from)) + "Payloads"
}

func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func (m *model) declare(w *writer, n *named) {
	if n.values != nil {
		var lines, values []string
		for _, v := range n.values {
			values = append(values, strconv.Quote(v.text))
			if v.doc != "" {
				lines = append(lines, fmt.Sprintf("- `%s`: %s", v.text, v.doc))
			}
		}
		w.doc(0, n.doc, lines...)
		w.union("export type "+n.name+" =", values)
		return
	}
	w.doc(0, n.doc)
	extends := ""
	if n.extends != "" {
		extends = " extends " + n.extends
	}
	w.line(0, "export interface %s%s {", n.name, extends)
	w.fields(1, n.fields)
	w.line(0, "}")
}

func (m *model) payload(w *writer, msg message) {
	if msg.altered {
		w.doc(1, m.doc(msg))
	} else {
		w.doc(1, condition(msg))
	}
	if !msg.altered {
		w.line(1, "%s: %s;", msg.Type, msg.typ)
		return
	}
	w.line(1, "%s: {", msg.Type)
	w.fields(2, msg.fields)
	w.line(1, "};")
}

// kinds writes what a client can check of a server's message before it believes the types.
func (m *model) kinds(w *writer) {
	w.doc(0, "The fields that each message of the server has without exception.")
	w.line(0, "export const serverFields: {")
	w.line(1, "readonly [L in Link]: { readonly [T in keyof ServerPayloads[L]]: Readonly<Record<string, FieldKind>> };")
	w.line(0, "} = {")
	for _, link := range links {
		w.line(1, "%s: {", link.Link)
		for _, msg := range m.on(link.Link, protocol.Server) {
			w.object(2, msg.Type, msg.kinds())
		}
		w.line(1, "},")
	}
	w.line(0, "};")
}

// kinds lists the fields that a message has without exception, with the kind of each.
func (msg message) kinds() []string {
	var entries []string
	for _, f := range msg.fields {
		if !f.optional {
			entries = append(entries, fmt.Sprintf("%s: %q", f.name, f.shape.jsonKind()))
		}
	}
	return entries
}

// typescript is the type of a field.
func (s shape) typescript() string {
	t := ""
	switch s.kind {
	case text, id:
		t = "string"
		if s.rule.Const != "" {
			t = strconv.Quote(s.rule.Const)
		}
	case number, integer:
		t = "number"
	case boolean:
		t = "boolean"
	case list:
		t = "readonly " + s.item.typescript() + "[]"
	case dictionary:
		t = "Readonly<Record<string, " + s.item.typescript() + ">>"
	case object, enum:
		t = cmp.Or(known[s.ref], s.ref)
	case anything:
		return "unknown"
	}
	if s.nullable {
		t += " | null"
	}
	return t
}

func (s shape) jsonKind() string {
	k := map[kind]string{
		text: "string", id: "string", enum: "string", number: "number", integer: "number", boolean: "boolean", list: "array", dictionary: "object", object: "object",
	}[s.kind]
	if s.nullable {
		k += "|null"
	}
	return k
}
