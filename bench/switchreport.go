package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"atrium/bench/measure"
)

// switchRun is the scenario's result on one network.
type switchRun struct {
	Network     string    `json:"network"`
	DelayMS     float64   `json:"delay_ms"`
	Loss        float64   `json:"loss"`
	Transitions []figures `json:"transitions"`
	GapP50      float64   `json:"gap_p50_ms"` // of audio, over all receivers of all switches
	GapP99      float64   `json:"gap_p99_ms"`
	GapMax      float64   `json:"gap_max_ms"`
	Audio       counts    `json:"audio"`
	Video       counts    `json:"video"`
	Promotion   float64   `json:"promotion_ms"` // trigger to commit, the slowest
	Targets     []target  `json:"targets"`
}

// target is what a run must reach.
type target struct {
	Name string `json:"name"`
	Want string `json:"want"`
	Got  string `json:"got"`
	Pass bool   `json:"pass"`
	// Shown: the figure stands here to be read; the target holds on a clean network only.
	Shown bool `json:"shown_only,omitempty"`
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
	run.Targets = []target{
		{"transitions that did not end", "0", fmt.Sprint(failed), failed == 0, false},
		{"sources missing at a commit", "0", fmt.Sprint(early), early == 0, false},
		{"audio packets lost to a switch", "0", fmt.Sprint(run.Audio.Lost), run.Audio.Lost == 0, !clean},
		{"audio packets doubled", "0", fmt.Sprint(run.Audio.Doubled), run.Audio.Doubled == 0, !clean},
		{"media gap p99 over receivers", "< 20 ms", fmt.Sprintf("%.1f ms", run.GapP99), run.GapP99 < ms(gapTarget), !clean},
	}
	if promotions > 0 {
		run.Targets = append(run.Targets, target{
			"trigger to commit of a promotion", "< 500 ms", fmt.Sprintf("%.0f ms", run.Promotion), run.Promotion < ms(commitTarget), !clean,
		})
	}
	return run
}

func (r *switchRun) passed() bool {
	return !slices.ContainsFunc(r.Targets, func(t target) bool { return !t.Pass && !t.Shown })
}

// print writes the table of a run.
func (r *switchRun) print(w io.Writer) error {
	fmt.Fprintf(w, "\nswitch, %s network", r.Network)
	if r.DelayMS > 0 || r.Loss > 0 {
		fmt.Fprintf(w, " (%.0f ms from peer to peer, %.1f %% loss)", r.DelayMS, r.Loss*100)
	}
	fmt.Fprint(w, "\n\n")
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "transition\tmembers\ttopology\tcommit ms\tclosed ms\tgap p50\tp99\tmax\tone way\tvideo gap\taudio lost\ton path\tdoubled\tboth ways\tvideo lost\ton path\tearly\t")
	for _, f := range r.Transitions {
		way := string(f.To)
		if f.From != f.To {
			way = fmt.Sprintf("%s > %s", f.From, f.To)
		}
		var video, oneWay float64
		for _, rf := range f.Receivers {
			video, oneWay = max(video, rf.VideoGap), max(oneWay, rf.OneWay)
		}
		fmt.Fprintf(tw, "%s\t%d\t%s\t%.0f\t%.0f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n",
			f.Name, f.Members, way, f.CommitMS, f.ClosedMS, f.GapP50, f.GapP99, f.GapMax, oneWay, video,
			f.Audio.Lost, f.Audio.OnPath, f.Audio.Doubled, f.Audio.Both, f.Video.Lost, f.Video.OnPath, len(f.Early))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, f := range r.Transitions {
		if f.Failed != "" {
			fmt.Fprintf(w, "FAILED %s: %s\n", f.Name, f.Failed)
		}
		for _, e := range f.Early {
			fmt.Fprintf(w, "EARLY %s: %s\n", f.Name, e)
		}
	}
	fmt.Fprint(w, "\ngaps are of audio, in ms, over receivers; one way: the longest for a player that never mixes the ways\n")
	fmt.Fprintf(w, "%d audio and %d video packets were owed; gap over the receivers of all switches: p50 %.1f, p99 %.1f, max %.1f ms\n",
		r.Audio.Sent, r.Video.Sent, r.GapP50, r.GapP99, r.GapMax)
	for _, t := range r.Targets {
		verdict := "PASS"
		switch {
		case t.Shown:
			verdict = "    " // no target on this network
		case !t.Pass:
			verdict = "MISS"
		}
		fmt.Fprintf(w, "  %s  %-34s %12s   (target %s)\n", verdict, t.Name, t.Got, t.Want)
	}
	return nil
}
