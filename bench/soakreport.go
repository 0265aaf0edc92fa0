package main

import (
	"fmt"
	"time"

	"atrium/bench/report"
	"atrium/bench/server"
)

func (s *soaking) report(empty, after soakSample, m server.Metrics) *report.Result {
	r := report.New("soak", "People come and go by every way there is")
	r.Param("at most", s.o.People)
	r.Param("for", s.o.For)
	r.Param("seed", s.o.Seed)
	mb := func(b int64) string { return fmt.Sprintf("%.1f", float64(b)/1e6) }
	half := len(s.samples) / 2
	table := report.Table{Title: "The node", Columns: []string{"", "empty", "first half, most", "second half, most", "emptied again"}}
	row := func(name string, f func(soakSample) float64, digits int) {
		table.Rows = append(table.Rows, []string{
			name, fmt.Sprintf("%.*f", digits, f(empty)), fmt.Sprintf("%.*f", digits, most(s.samples[:half], f)),
			fmt.Sprintf("%.*f", digits, most(s.samples[half:], f)), fmt.Sprintf("%.*f", digits, f(after)),
		})
	}
	rss := func(a soakSample) float64 { return float64(a.rss) / 1e6 }
	row("memory, MB", rss, 1)
	row("goroutines", func(a soakSample) float64 { return a.goroutines }, 0)
	row("members", func(a soakSample) float64 { return a.members }, 0)
	row("SFU sessions", func(a soakSample) float64 { return a.sessions }, 0)
	row("relay allocations", func(a soakSample) float64 { return a.allocations }, 0)
	r.Tables = []report.Table{table, {
		Title: "What happened", Columns: []string{"", "times"}, Rows: [][]string{
			{"people who came", fmt.Sprint(s.came)}, {"changes of topology", fmt.Sprintf("%.0f", m.Sum("atrium_topology_changes_total"))},
			{"packets forwarded by the SFU", fmt.Sprintf("%.0f", m.Sum("atrium_sfu_forwarded_packets_total"))},
			{"packets passed by the relay", fmt.Sprintf("%.0f", m.Sum("atrium_turn_packets_passed_total"))},
		}}}
	problems := "0"
	if n := s.refused.Load(); n > 0 {
		problems = fmt.Sprintf("%d, first: %s", n, *s.first.Load())
	}
	left := fmt.Sprintf("%.0f members, %.0f sessions, %.0f allocations", after.members, after.sessions, after.allocations)
	grown := most(s.samples[half:], rss) / max(most(s.samples[:half], rss), 1)
	r.Targets = []report.Target{
		{Name: "errors and lost connections", Want: "0", Got: problems, Pass: s.refused.Load() == 0},
		{Name: "left when everybody is gone", Want: "nothing", Got: left, Pass: after.members+after.sessions+after.allocations == 0},
		{Name: "goroutines then, over those of the empty node", Want: fmt.Sprintf("at most %d", soakSpareGoroutines),
			Got: fmt.Sprintf("%.0f", after.goroutines-empty.goroutines), Pass: after.goroutines <= empty.goroutines+soakSpareGoroutines},
		{Name: "memory of the second half over the first's", Want: "at most 1.25", Got: fmt.Sprintf("%.2f", grown), Pass: grown <= 1.25},
	}
	r.Plots = []report.Plot{
		s.plot("Memory", "MB", series{"memory", rss}),
		s.plot("Who is there", "number", series{"members", func(a soakSample) float64 { return a.members }},
			series{"SFU sessions", func(a soakSample) float64 { return a.sessions }}, series{"relay allocations", func(a soakSample) float64 { return a.allocations }}),
		s.plot("Goroutines", "number", series{"goroutines", func(a soakSample) float64 { return a.goroutines }}),
	}
	r.Headline = fmt.Sprintf("%d people came and went; the emptied node holds %s MB (%s when it began)", s.came, mb(after.rss), mb(empty.rss))
	r.Note("The emptied node held %s MB, %s MB when it began", mb(after.rss), mb(empty.rss))
	return r
}

// series is one line of a plot over the samples.
type series struct {
	name string
	of   func(soakSample) float64
}

func (s *soaking) plot(title, unit string, lines ...series) report.Plot {
	p := report.Plot{Title: title, X: "seconds", Y: unit}
	for _, l := range lines {
		line := report.Series{Name: l.name}
		for _, a := range s.samples {
			line.X, line.Y = append(line.X, a.at.Round(time.Millisecond).Seconds()), append(line.Y, l.of(a))
		}
		p.Series = append(p.Series, line)
	}
	return p
}

func most(samples []soakSample, f func(soakSample) float64) (m float64) {
	for _, a := range samples {
		m = max(m, f(a))
	}
	return m
}
