package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func sample() *Result {
	r := New("fanout", "one sends, <b>fifty</b> receive")
	r.Param("peers", 50)
	r.Note("counted at the receivers")
	r.Tables = []Table{{Title: "per packet", Columns: []string{"shape", "server µs"}, Rows: [][]string{{"1 to 50", "7.9"}, {"3 to 50", "8.25"}}}}
	r.Plots = []Plot{{Title: "cost", X: "pps", Y: "µs", Series: []Series{
		{Name: "atrium", X: Values{1, 2, 3, 4}, Y: Values{3, math.NaN(), 2, 1}},
	}}}
	r.Targets = []Target{
		{Name: "p99", Want: "< 5 ms", Got: "4 ms", Pass: true},
		{Name: "to be read only", Want: "1", Got: "2", Shown: true},
	}
	return r
}

func TestPassed(t *testing.T) {
	r := sample()
	if !r.Passed() {
		t.Error("a figure that is only shown fails the run")
	}
	r.Targets = append(r.Targets, Target{Name: "loss", Want: "0", Got: "3"})
	if r.Passed() {
		t.Error("a missed target does not fail the run")
	}
}

func TestPrint(t *testing.T) {
	var b bytes.Buffer
	if err := sample().Print(&b); err != nil {
		t.Fatal(err)
	}
	var columns []int
	for line := range strings.Lines(b.String()) {
		for _, cell := range []string{"7.9", "8.25"} {
			if at := strings.Index(line, cell); at >= 0 {
				columns = append(columns, at+len(cell))
			}
		}
	}
	if len(columns) != 2 || columns[0] != columns[1] {
		t.Errorf("figures of a column end at %v:\n%s", columns, b.String())
	}
	for _, want := range []string{"peers 50", "PASS", "counted at the receivers"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not shown:\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "MISS") {
		t.Errorf("a figure that is only shown reads MISS:\n%s", b.String())
	}
}

func TestJSONKeepsEverything(t *testing.T) {
	file := filepath.Join(t.TempDir(), "r.json")
	if err := WriteJSON(file, sample()); err != nil {
		t.Fatal(err)
	}
	back, err := ReadJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	var one, two bytes.Buffer
	if err := errors.Join(HTML(&one, sample()), HTML(&two, back...)); err != nil {
		t.Fatal(err)
	}
	if y := back[0].Plots[0].Series[0].Y; len(y) != 4 || !math.IsNaN(y[1]) || y[2] != 2 {
		t.Errorf("the series came back as %v", y)
	}
	if back[0].Tables[0].Rows[1][1] != "8.25" || back[0].Targets[1].Shown != true {
		t.Errorf("it came back as %+v", back[0])
	}
}

// TestPageStandsAlone: the page loads nothing, its plots are well-formed, and what scenarios say is text.
func TestPageStandsAlone(t *testing.T) {
	var b bytes.Buffer
	if err := HTML(&b, sample()); err != nil {
		t.Fatal(err)
	}
	html := b.String()
	if strings.Contains(html, "<b>fifty</b>") {
		t.Error("a title is taken for markup")
	}
	for _, loads := range []string{"src=", "href=\"http", "url(", "@import"} {
		if strings.Contains(html, loads) {
			t.Errorf("the page loads something: %s", loads)
		}
	}
	from, to := strings.Index(html, "<svg"), strings.Index(html, "</svg>")
	if from < 0 || to < from {
		t.Fatal("no plot is drawn")
	}
	d := xml.NewDecoder(strings.NewReader(html[from : to+len("</svg>")]))
	lines := 0
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("the plot is not well-formed: %v", err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "path" {
			for _, a := range e.Attr {
				if a.Name.Local == "style" && strings.Contains(a.Value, "#0072B2") {
					lines++
				}
			}
		}
	}
	if lines < 2 {
		t.Errorf("%d strokes in the series' colour; a gap parts it into two lines", lines)
	}
}

// TestPageBegins with what a reader asks first: what came of it, what was missed, and how to measure it again.
func TestPageBegins(t *testing.T) {
	one, two := sample(), sample()
	one.Headline, one.Command, one.Revision = "7.9 µs a packet", "go run ./bench fanout --senders 3", "0123456789ab"
	two.Targets = append(two.Targets, Target{Name: "loss", Want: "0", Got: "3 of 9"})
	var b bytes.Buffer
	if err := HTML(&b, one, two); err != nil {
		t.Fatal(err)
	}
	html := b.String()
	for _, want := range []string{"2 of 3 targets", "loss: 3 of 9 (wanted: 0)", one.Headline, one.Command, one.Revision, `id="fanout-1"`, `href="#fanout-2"`} {
		if !strings.Contains(html, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	b.Reset()
	if err := Overview(&b, one, two); err != nil || !strings.Contains(b.String(), "2 of 3 targets are reached\n  MISS  one sends, <b>fifty</b> receive, loss: 3 of 9") {
		t.Errorf("the overview reads %q, %v", b.String(), err)
	}
	if err := HTML(&b); err != nil {
		t.Errorf("a page of nothing: %v", err)
	}
}

// A run through midnight says on which day it ended.
func TestSpan(t *testing.T) {
	at := func(day, hour int) *Result { return &Result{At: time.Date(2026, 11, day, hour, 30, 0, 0, time.UTC)} }
	for want, list := range map[string][]*Result{
		"":                              nil,
		"2026-11-27 10:30 UTC":          {at(27, 10)},
		"2026-11-27 10:30 to 12:30 UTC": {at(27, 12), at(27, 10)},
		"2026-11-27 23:30 to 2026-11-28 00:30 UTC": {at(27, 23), at(28, 0)},
	} {
		if got := (overview{list}).Span(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestLogarithmicAxis: its marks are the first series' points, with the thousands apart.
func TestLogarithmicAxis(t *testing.T) {
	p := Plot{Log: true, Series: []Series{{Name: "cost", X: Values{2060, 10300, 11000, 1234567}, Y: Values{4, 3, 2, 1}}}}
	svg, err := p.svg()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{">2,060<", ">10,300<", ">1,234,567<", "currentColor"} {
		if !strings.Contains(svg, want) {
			t.Errorf("the plot has no %s", want)
		}
	}
	if strings.Contains(svg, ">11,000<") {
		t.Error("numbers touch")
	}
}

// A run whose points are missing, or none that a logarithm has, costs its plot no more than these.
func TestLogarithmicAxisOfWhatItCannotShow(t *testing.T) {
	for name, s := range map[string]Series{
		"nothing": {Name: "cost"}, "gaps": {Name: "cost", X: Values{10, 20}, Y: Values{math.NaN(), math.NaN()}}, "zero": {Name: "cost", X: Values{0, 10, 100}, Y: Values{1, 2, 3}},
	} {
		p := Plot{Log: true, Series: []Series{s}}
		if svg, err := p.svg(); err != nil || !strings.Contains(svg, "<svg") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGrouped(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -123: "-123", -123456: "-123,456", math.Inf(-1): "-Inf"} {
		if got := Grouped(v); got != want {
			t.Errorf("%v reads %s, want %s", v, got, want)
		}
	}
}

func TestPlotRefusesUnequalSeries(t *testing.T) {
	p := Plot{Series: []Series{{Name: "odd", X: Values{1, 2}, Y: Values{1}}}}
	if _, err := p.svg(); err == nil || !strings.Contains(err.Error(), `"odd"`) {
		t.Errorf("error %v", err)
	}
}
