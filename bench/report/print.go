package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Print writes the result for a terminal.
func (r *Result) Print(w io.Writer) error {
	p := &printer{w: w}
	p.line("\n%s: %s", r.Scenario, r.Title)
	if r.Headline != "" {
		p.line("%s", r.Headline)
	}
	p.line("%s", r.Machine)
	if len(r.Parameters) > 0 {
		list := make([]string, len(r.Parameters))
		for i, f := range r.Parameters {
			list[i] = f.Name + " " + f.Value
		}
		p.line("%s", strings.Join(list, ", "))
	}
	for _, t := range r.Tables {
		p.table(t)
	}
	if len(r.Notes) > 0 {
		p.line("")
	}
	for _, n := range r.Notes {
		p.line("%s", n)
	}
	if len(r.Targets) > 0 {
		p.line("")
	}
	for _, t := range r.Targets {
		p.line("  %-4s  %-44s %16s   (target %s)", t.verdict(), t.Name, t.Got, t.Want)
	}
	return p.err
}

func (t Target) verdict() string {
	switch {
	case t.Shown: // no target here
		return ""
	case t.Pass:
		return "PASS"
	}
	return "MISS"
}

// printer keeps the first error, so that the layout reads as one.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) table(t Table) {
	p.line("")
	if t.Title != "" {
		p.line("%s", t.Title)
	}
	if p.err != nil {
		return
	}
	// tabwriter aligns all columns alike, and the first holds names: it is padded here.
	first := 0
	rows := append([][]string{t.Columns}, t.Rows...)
	for _, row := range rows {
		if len(row) > 0 {
			first = max(first, len([]rune(row[0])))
		}
	}
	tw := tabwriter.NewWriter(p.w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range rows {
		for i, cell := range row {
			if i == 0 {
				cell += strings.Repeat(" ", first-len([]rune(cell)))
			}
			fmt.Fprint(tw, cell, "\t")
		}
		fmt.Fprintln(tw)
	}
	p.err = tw.Flush()
}
