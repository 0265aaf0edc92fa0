package report

import (
	"fmt"
	"io"
)

// overview is what comes before the results one by one: on the page, and at the end of a run of several.
type overview struct{ Results []*Result }

// Missed are the targets that were missed, with their scenarios.
func (o overview) Missed() (all []string) {
	for _, r := range o.Results {
		for _, t := range r.Targets {
			if !t.Pass && !t.Shown {
				all = append(all, fmt.Sprintf("%s, %s: %s (wanted: %s)", r.Title, t.Name, t.Got, t.Want))
			}
		}
	}
	return all
}

// Reached counts the targets of all.
func (o overview) Reached() (reached int) {
	for _, r := range o.Results {
		n, _ := r.Reached()
		reached += n
	}
	return reached
}

// Targets counts them.
func (o overview) Targets() (of int) {
	for _, r := range o.Results {
		_, n := r.Reached()
		of += n
	}
	return of
}

// Same gives what a field reads where it is the same in all, and else nothing.
func (o overview) Same(of func(*Result) string) string {
	if len(o.Results) == 0 {
		return ""
	}
	for _, r := range o.Results[1:] {
		if of(r) != of(o.Results[0]) {
			return ""
		}
	}
	return of(o.Results[0])
}

// Machine is where all was measured, if it was one.
func (o overview) Machine() string {
	return o.Same(func(r *Result) string { return r.Machine.String() })
}

// Revision is the commit that was measured, if it was one.
func (o overview) Revision() string { return o.Same(func(r *Result) string { return r.Revision }) }

// Span is when it was measured.
func (o overview) Span() string {
	if len(o.Results) == 0 {
		return ""
	}
	from, to := o.Results[0].At, o.Results[0].At
	for _, r := range o.Results {
		if r.At.Before(from) {
			from = r.At
		}
		if r.At.After(to) {
			to = r.At
		}
	}
	const day, hour = "2006-01-02", "15:04"
	begins, ends := from.UTC().Format(day+" "+hour), to.UTC().Format(day+" "+hour)
	switch {
	case begins == ends:
		return begins + " UTC"
	case begins[:len(day)] == ends[:len(day)]:
		ends = ends[len(day)+1:]
	}
	return begins + " to " + ends + " UTC"
}

// places tells a scenario's results apart on the page.
func places(i int, r *Result) string { return fmt.Sprintf("%s-%d", r.Scenario, i+1) }

// Overview writes for a terminal what came of each, how many targets were reached, and which were missed.
func Overview(w io.Writer, results ...*Result) error {
	o := overview{results}
	p := &printer{w: w}
	for _, r := range results {
		p.line("\n%s: %s", r.Scenario, r.Title)
		if r.Headline != "" {
			p.line("  %s", r.Headline)
		}
	}
	p.line("\n%d of %d targets are reached", o.Reached(), o.Targets())
	for _, m := range o.Missed() {
		p.line("  MISS  %s", m)
	}
	return p.err
}
