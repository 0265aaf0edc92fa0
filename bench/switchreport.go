package main

import (
	"fmt"
	"time"

	"atrium/bench/measure"
	"atrium/bench/report"
)

// switchRun is the scenario's result on one network.
type switchRun struct {
	Network     string
	DelayMS     float64
	Loss        float64
	Transitions []figures
	GapP50      float64 // of audio, over all receivers of all switches
	GapP99      float64
	GapMax      float64
	Audio       counts
	Video       counts
	Promotion   float64 // trigger to commit, the slowest
	Targets     []report.Target
}

const (
	gapTarget    = 20 * time.Millisecond
	commitTarget = 500 * time.Millisecond
)

func summarize(network string, o switchOptions, transitions []*transition) switchRun {
	run := switchRun{Network: network, DelayMS: ms(o.Delay), Loss: o.Loss}
	var gaps []time.Duration
	var early, failed, promotions int
	for _, t := range transitions {
		f := t.figures()
		run.Transitions = append(run.Transitions, f)
		run.Audio.sum(f.Audio)
		run.Video.sum(f.Video)
		early += len(f.Early)
		if f.Failed != "" {
			failed++
		}
		if f.Switched {
			gaps = append(gaps, f.gaps...)
			if f.From != "SFU" {
				promotions++
				run.Promotion = max(run.Promotion, f.CommitMS)
			}
		}
	}
	run.GapP50, run.GapP99 = ms(measure.Percentile(gaps, 50)), ms(measure.Percentile(gaps, 99))
	run.GapMax = ms(measure.Percentile(gaps, 100))
	clean := o.Delay == 0 && o.Loss == 0
	target := func(name, want, got string, pass, everywhere bool) {
		run.Targets = append(run.Targets, report.Target{Name: name, Want: want, Got: got, Pass: pass, Shown: !clean && !everywhere})
	}
	target("transitions that did not end", "0", fmt.Sprint(failed), failed == 0, true)
	target("sources missing at a commit", "0", fmt.Sprint(early), early == 0, true)
	target("audio packets lost to a switch", "0", fmt.Sprint(run.Audio.Lost), run.Audio.Lost == 0, false)
	target("audio packets doubled", "0", fmt.Sprint(run.Audio.Doubled), run.Audio.Doubled == 0, false)
	target("media gap p99 over receivers", "< 20 ms", fmt.Sprintf("%.1f ms", run.GapP99), run.GapP99 < ms(gapTarget), false)
	if promotions > 0 {
		target("trigger to commit of a promotion", "< 500 ms", fmt.Sprintf("%.0f ms", run.Promotion), run.Promotion < ms(commitTarget), false)
	}
	return run
}

// report adds the run to a result.
func (r *switchRun) report(to *report.Result) {
	title := r.Network + " network"
	if r.DelayMS > 0 || r.Loss > 0 {
		title += fmt.Sprintf(" (%.0f ms from peer to peer, %.1f %% loss)", r.DelayMS, r.Loss*100)
	}
	t := report.Table{Title: title, Columns: []string{
		"transition", "members", "topology", "commit ms", "closed ms", "gap p50", "p99", "max", "one way", "video gap",
		"audio lost", "on path", "doubled", "both ways", "video lost", "on path", "early",
	}}
	for _, f := range r.Transitions {
		way := string(f.To)
		if f.From != f.To {
			way = fmt.Sprintf("%s > %s", f.From, f.To)
		}
		var video, oneWay float64
		for _, rf := range f.Receivers {
			video, oneWay = max(video, rf.VideoGap), max(oneWay, rf.OneWay)
		}
		whole := func(v float64) string { return fmt.Sprintf("%.0f", v) }
		tenths := func(v float64) string { return fmt.Sprintf("%.1f", v) }
		t.Rows = append(t.Rows, []string{
			f.Name, fmt.Sprint(f.Members), way, whole(f.CommitMS), whole(f.ClosedMS), tenths(f.GapP50), tenths(f.GapP99), tenths(f.GapMax), tenths(oneWay), tenths(video),
			fmt.Sprint(f.Audio.Lost), fmt.Sprint(f.Audio.OnPath), fmt.Sprint(f.Audio.Doubled), fmt.Sprint(f.Audio.Both),
			fmt.Sprint(f.Video.Lost), fmt.Sprint(f.Video.OnPath), fmt.Sprint(len(f.Early)),
		})
		if f.Failed != "" {
			to.Note("FAILED %s: %s", f.Name, f.Failed)
		}
		for _, e := range f.Early {
			to.Note("EARLY %s: %s", f.Name, e)
		}
	}
	to.Tables = append(to.Tables, t)
	to.Note("%s: %d audio and %d video packets were owed; gap of audio over the receivers of all switches: p50 %.1f, p99 %.1f, max %.1f ms.",
		r.Network, r.Audio.Sent, r.Video.Sent, r.GapP50, r.GapP99, r.GapMax)
	to.Note("Gaps are of audio, in ms, over receivers; one way: the longest for a player that never mixes the ways.")
	for _, x := range r.Targets {
		x.Name = r.Network + ": " + x.Name
		to.Targets = append(to.Targets, x)
	}
}
