package describe

import (
	"fmt"
	"strings"

	"atrium/signaling/protocol"
)

// writer writes TypeScript as the web client's formatter would.
type writer struct{ strings.Builder }

func (w *writer) line(depth int, format string, args ...any) {
	w.WriteString(strings.Repeat("  ", depth))
	fmt.Fprintf(w, format, args...)
	w.WriteByte('\n')
}

// doc writes a comment, after an empty line where a declaration begins.
func (w *writer) doc(depth int, doc string, lines ...string) {
	if depth == 0 {
		w.WriteByte('\n')
	}
	if doc == "" {
		return
	}
	doc = strings.ReplaceAll(doc, "*/", "* /")
	if one := "/** " + doc + " */"; len(lines) == 0 && depth*2+len(one) <= width {
		w.line(depth, "%s", one)
		return
	}
	w.line(depth, "/**")
	for _, l := range append(wrap(doc, width-depth*2-3), lines...) {
		w.line(depth, " * %s", l)
	}
	w.line(depth, " */")
}

func (w *writer) fields(depth int, fields []field) {
	for _, f := range fields {
		w.doc(depth, f.doc)
		mark := ""
		if f.optional {
			mark = "?"
		}
		w.line(depth, "readonly %s%s: %s;", f.name, mark, f.shape.typescript())
	}
}

// union writes a declaration of alternatives, in one line if they fit.
func (w *writer) union(head string, values []string) {
	if one := head + " " + strings.Join(values, " | ") + ";"; len(one) <= width {
		w.line(0, "%s", one)
		return
	}
	w.line(0, "%s", head)
	for i, v := range values {
		if i == len(values)-1 {
			v += ";"
		}
		w.line(1, "| %s", v)
	}
}

// object writes a member that is an object, in one line if it fits.
func (w *writer) object(depth int, name string, entries []string) {
	if one := name + ": { " + strings.Join(entries, ", ") + " },"; depth*2+len(one) <= width {
		w.line(depth, "%s", one)
		return
	}
	w.line(depth, "%s: {", name)
	for _, e := range entries {
		w.line(depth+1, "%s,", e)
	}
	w.line(depth, "},")
}

// closeCodes writes the close codes by name.
func (w *writer) closeCodes() {
	w.doc(0, "Close codes of both links.")
	w.line(0, "export const CloseCode = {")
	for _, c := range protocol.CloseCodes() {
		w.doc(1, c.Means)
		w.line(1, "%s: %d,", c.Name, c.Code)
	}
	w.line(0, "} as const;")
}

func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
