package report

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"slices"
	"time"
)

// Result is what one scenario measured.
type Result struct {
	Scenario   string    `json:"scenario"` // the command's name
	Title      string    `json:"title"`    // what it shows, a line
	Headline   string    `json:"headline"` // what came of it, a line
	At         time.Time `json:"at"`
	Machine    Machine   `json:"machine"`
	Revision   string    `json:"revision,omitempty"`   // the commit that was measured; "…+" with changes beside it
	Command    string    `json:"command,omitempty"`    // that measures it again
	Parameters []Field   `json:"parameters,omitempty"` // in the order in which they are shown
	Tables     []Table   `json:"tables,omitempty"`
	Plots      []Plot    `json:"plots,omitempty"`
	Targets    []Target  `json:"targets,omitempty"`
	Notes      []string  `json:"notes,omitempty"` // how to read the figures: what was counted, what was not
}

// Field is a named value.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Table is shown as it is; columns other than the first are aligned to the right.
type Table struct {
	Title   string     `json:"title"`
	Columns []string   `json:"columns"` // with their units: "p99 ms"
	Rows    [][]string `json:"rows"`
}

// Plot is a line plot.
type Plot struct {
	Title  string   `json:"title"`
	X      string   `json:"x"` // the axes' names, with units
	Y      string   `json:"y"`
	Series []Series `json:"series"`
	// Log: the x axis is logarithmic, with its marks where the first series has points.
	Log bool `json:"log,omitempty"`
}

// Series is one line of a plot: as many X as Y.
type Series struct {
	Name string `json:"name"`
	X    Values `json:"x"`
	Y    Values `json:"y"`
}

// Values are numbers; one that is none (NaN) is a gap in the line, and null in JSON, which has no NaN.
type Values []float64

// MarshalJSON implements json.Marshaler.
func (v Values) MarshalJSON() ([]byte, error) {
	list := make([]*float64, len(v))
	for i := range v {
		if !math.IsNaN(v[i]) && !math.IsInf(v[i], 0) {
			list[i] = &v[i]
		}
	}
	return json.Marshal(list)
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Values) UnmarshalJSON(raw []byte) error {
	var list []*float64
	if err := json.Unmarshal(raw, &list); err != nil {
		return err
	}
	*v = make(Values, len(list))
	for i, f := range list {
		(*v)[i] = math.NaN()
		if f != nil {
			(*v)[i] = *f
		}
	}
	return nil
}

// Target is what a run must reach.
type Target struct {
	Name string `json:"name"`
	Want string `json:"want"`
	Got  string `json:"got"`
	Pass bool   `json:"pass"`
	// Shown: the figure stands here to be read, and missing it fails nothing.
	Shown bool `json:"shown_only,omitempty"`
}

// New begins a result of now, on this machine.
func New(scenario, title string) *Result {
	return &Result{Scenario: scenario, Title: title, At: time.Now(), Machine: thisMachine(), Revision: revision()}
}

// revision is the commit that this program was built of, where the toolchain has noted it.
func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	commit, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	if commit == "" {
		return ""
	}
	return commit + changed
}

// Param notes a parameter; the value is formatted as fmt.Sprint does.
func (r *Result) Param(name string, value any) {
	r.Parameters = append(r.Parameters, Field{name, fmt.Sprint(value)})
}

// Note adds a line on how to read the figures.
func (r *Result) Note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// Passed says whether every target that counts was reached.
func (r *Result) Passed() bool {
	return !slices.ContainsFunc(r.Targets, func(t Target) bool { return !t.Pass && !t.Shown })
}

// Reached counts the targets that count, and those of them that were reached.
func (r *Result) Reached() (reached, of int) {
	for _, t := range r.Targets {
		if t.Shown {
			continue
		}
		of++
		if t.Pass {
			reached++
		}
	}
	return reached, of
}

// Score is how many of the targets were reached; empty: it has none.
func (r *Result) Score() string {
	reached, of := r.Reached()
	if of == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d", reached, of)
}

// WriteJSON writes results to a file, as an array.
func WriteJSON(file string, results ...*Result) error {
	raw, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := os.WriteFile(file, append(raw, '\n'), 0o644); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// ReadJSON reads what WriteJSON wrote.
func ReadJSON(file string) ([]*Result, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	var results []*Result
	if err := json.Unmarshal(raw, &results); err != nil {
		return nil, fmt.Errorf("report: %s holds no results: %w", file, err)
	}
	return results, nil
}
