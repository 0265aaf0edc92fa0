package space

import (
	"path"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
)

// documentBytes bounds a document's text: it is held in memory and sent whole.
const documentBytes = 256 << 10

// document notes the document that opens with an object, and reads its text.
func (p *parser) document(o drawn, obj *Object, file string) {
	if obj.Document == uuid.Nil {
		if file != "" {
			p.report(o.layer, o.label(), "property \"document_file\" needs a \"document_id\": give the object one (the command uuidgen makes one)")
		}
		return
	}
	d := p.out.documents[obj.Document]
	if d == nil {
		d = &Document{ID: obj.Document, Name: obj.Name}
		p.out.documents[obj.Document] = d
	}
	if file == "" || path.Clean(file) == d.file {
		return
	}
	if d.file != "" {
		p.report(o.layer, o.label(), "document %s has the text of %s, and property \"document_file\" names %s: one document has one text", d.ID, short([]byte(d.file)), short([]byte(file)))
		return
	}
	d.file = path.Clean(file)
	d.Text = p.documentText(o, d.file)
}

func (p *parser) documentText(o drawn, file string) string {
	switch {
	case p.read == nil:
		p.report(o.layer, o.label(), "document file %s: no other files are read here", short([]byte(file)))
		return ""
	case leadsOut(file):
		p.report(o.layer, o.label(), "document file %s is outside the world's folder: move it next to the map, or into a folder there", short([]byte(file)))
		return ""
	}
	data, err := p.read(file)
	switch {
	case err != nil:
		p.report(o.layer, o.label(), "document file %s cannot be read: %v", short([]byte(file)), err)
	case len(data) > documentBytes:
		p.report(o.layer, o.label(), "document file %s has %d bytes, want at most %d", short([]byte(file)), len(data), documentBytes)
	case !utf8.Valid(data) || strings.ContainsRune(string(data), 0):
		p.report(o.layer, o.label(), "document file %s is no text: want UTF-8", short([]byte(file)))
	default:
		return strings.ReplaceAll(string(data), "\r\n", "\n")
	}
	return ""
}

// leadsOut says whether a cleaned path is not one below the map's folder, on whatever system it was written.
func leadsOut(name string) bool {
	return path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../") || strings.ContainsAny(name, "\\:\x00")
}
