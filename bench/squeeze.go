package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"

	"atrium/bench/impair"
	"atrium/bench/measure"
	"atrium/bench/peer"
	"atrium/bench/report"
	"atrium/bench/server"
	"atrium/bench/squeeze"
	"atrium/configs"
	"atrium/sfu"
)

// squeezeOptions are those of the scenario `squeeze`.
type squeezeOptions struct {
	Senders int
	Show    squeeze.Show
	Wide    float64 // bits a second that the way to the receiver carries, for each sender
	Narrow  float64
	Queue   time.Duration // of the link
	Delay   time.Duration // each direction
	Before  time.Duration // wide
	For     time.Duration // narrow
	After   time.Duration // wide again
	Rounds  int

	Progress io.Writer
}

// What must hold.
const (
	wantFits      = 300 * time.Millisecond // after the fall
	wantBestAgain = 5 * time.Second
	wantAudioLoss = 0.01
)

// squeezeSample is how the way stands at a moment.
type squeezeSample struct {
	at                time.Duration
	estimate, sending float64 // as the SFU sees it
	offered           float64 // to the link, bits a second since the sample before
	capacity          float64
	queue             time.Duration
	layers            float64 // the sum over the senders; -1 for a paused one
	rate              float64 // of these layers
}

const sampleEvery = 50 * time.Millisecond

// squeezeRun is one fall and recovery.
type squeezeRun struct {
	fits, best         time.Duration // after the fall and after the end of it; negative: never
	audioSent, audioIn int
	audio              []time.Duration // how long it was on the way, beyond the link's delay
	offered, dropped   int64           // bytes, by the link
	longest            time.Duration   // without a frame
	samples            []squeezeSample
}

func runSqueeze(ctx context.Context, o squeezeOptions) (r *report.Result, err error) {
	n, err := server.Start(ctx, func(c *configs.Config) {
		c.Topology.PromoteAt, c.Topology.DemoteAt = 2, 0
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, n.Stop()) }()
	o.Wide, o.Narrow = o.Wide*float64(o.Senders), o.Narrow*float64(o.Senders)
	for i := range o.Senders {
		sender, err := squeeze.Send(ctx, n.Addrs.HTTP, fmt.Sprint("sender ", i+1), o.Show)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, stopPeer(sender.Stop)) }()
	}
	link := impair.Link{Delay: o.Delay, Rate: o.Wide, Queue: o.Queue}
	receiver, err := squeeze.Receive(ctx, n.Addrs.HTTP, o.Senders, link, impair.Link{Delay: o.Delay})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stopPeer(receiver.Stop)) }()
	up, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if err := receiver.Peer.Wait(up, func(s peer.State) bool { return s.SFU.Reported }); err != nil {
		return nil, fmt.Errorf("bench: the receiver never got media: %w", err)
	}
	s := &squeezing{o: o, node: n, receiver: receiver, user: receiver.Peer.ID()}
	var runs []squeezeRun
	for i := range o.Rounds {
		fmt.Fprintf(o.Progress, "round %d of %d: %v wide, %v narrow, %v wide again\n", i+1, o.Rounds, o.Before, o.For, o.After)
		run, err := s.run(ctx)
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return o.report(runs), nil
}

func stopPeer(stop func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return stop(ctx)
}

type squeezing struct {
	o        squeezeOptions
	node     *server.Node
	receiver *squeeze.Receiver
	user     uuid.UUID
}

// flow asks the node how the receiver is served.
func (s *squeezing) flow(ctx context.Context) (sfu.Flow, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.node.Addrs.Admin+"/debug/sfu", nil)
	if err != nil {
		return sfu.Flow{}, fmt.Errorf("bench: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return sfu.Flow{}, fmt.Errorf("bench: the node's flows: %w", err)
	}
	defer resp.Body.Close()
	var all []sfu.Flow
	if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
		return sfu.Flow{}, fmt.Errorf("bench: the node's flows: %w", err)
	}
	for _, f := range all {
		if f.User == s.user {
			return f, nil
		}
	}
	return sfu.Flow{}, errors.New("bench: the node does not serve the receiver")
}

func (s *squeezing) run(ctx context.Context) (run squeezeRun, err error) {
	o, net := s.o, s.receiver.Net
	frames, audio, _ := s.receiver.Arrived()
	frames0, audio0 := len(frames), len(audio)
	began := time.Now()
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	capacity := o.Wide
	last, dropped0 := net.Passed(impair.In)
	lastAt, offered0 := began, last
	end := o.Before + o.For + o.After
	for {
		select {
		case <-ctx.Done():
			return run, ctx.Err()
		case <-tick.C:
		}
		now := time.Since(began)
		want := o.Wide
		if now >= o.Before && now < o.Before+o.For {
			want = o.Narrow
		}
		if want != capacity {
			capacity = want
			net.SetRate(impair.In, want)
		}
		f, err := s.flow(ctx)
		if err != nil {
			return run, err
		}
		offered, _ := net.Passed(impair.In)
		at := time.Now()
		x := squeezeSample{
			at: now, estimate: f.Estimate, sending: f.Sending, capacity: capacity, queue: net.Waiting(impair.In),
			offered: float64(offered-last) * 8 / at.Sub(lastAt).Seconds(),
		}
		last, lastAt = offered, at
		layers := layersOf(f)
		x.rate = rates(layers)
		for _, l := range layers {
			x.layers += float64(l)
		}
		run.samples = append(run.samples, x)
		if now >= end {
			break
		}
	}
	offered, dropped := net.Passed(impair.In)
	run.offered, run.dropped = offered-offered0, dropped-dropped0
	frames, audio, _ = s.receiver.Arrived()
	run.judge(o, began, frames[frames0:], audio[audio0:])
	return run, nil
}

// judge reads from what came when the receiver had what.
func (r *squeezeRun) judge(o squeezeOptions, began time.Time, frames []squeeze.Frame, audio []squeeze.Heard) {
	best := len(squeeze.Layers()) - 1
	// What is sent fits when no frame of a layer that does not is sent any more; a frame leaves the SFU when it comes less
	// the time on the way, which the queue makes long: so it is taken from what the SFU says that it sends.
	r.fits, r.best = -1, -1
	back := o.Before + o.For
	for _, x := range r.samples {
		if x.at >= o.Before && x.at < back {
			switch {
			case x.rate > o.Narrow:
				r.fits = -1
			case r.fits < 0:
				r.fits = x.at - o.Before
			}
		}
	}
	lesser := back // when the last frame of another layer than the best came
	again := map[string]time.Duration{}
	last := map[string]time.Time{}
	for _, f := range frames {
		at := f.At.Sub(began)
		if before, ok := last[f.Mid]; ok {
			r.longest = max(r.longest, f.At.Sub(before))
		}
		last[f.Mid] = f.At
		if at <= back {
			continue
		}
		if f.Layer < best {
			lesser = at
			delete(again, f.Mid)
		} else if _, ok := again[f.Mid]; !ok {
			again[f.Mid] = at
		}
	}
	if len(again) == o.Senders {
		for _, at := range again {
			r.best = max(r.best, at-back, lesser-back)
		}
	}
	of := map[string][]squeeze.Heard{}
	for _, h := range audio {
		of[h.Mid] = append(of[h.Mid], h)
		r.audio = append(r.audio, h.After-o.Delay)
	}
	for _, heard := range of {
		seen := map[uint16]bool{}
		first, last := heard[0].Seq, heard[0].Seq
		for _, h := range heard {
			seen[h.Seq] = true
			if int16(h.Seq-last) > 0 {
				last = h.Seq
			}
			if int16(first-h.Seq) > 0 {
				first = h.Seq
			}
		}
		r.audioSent += int(last-first) + 1
		r.audioIn += len(seen)
	}
}

// layersOf gives the layer of each picture; -1: it is paused. One that waits for a key frame counts as the lowest.
func layersOf(f sfu.Flow) (layers []int) {
	for _, slot := range f.Slots {
		if slot.Source != "camera" {
			continue
		}
		layer := 0
		for i, l := range squeeze.Layers() {
			if l.RID == slot.Layer {
				layer = i
			}
		}
		if slot.Paused {
			layer = -1
		}
		layers = append(layers, layer)
	}
	return layers
}

func rates(layers []int) (sum float64) {
	for _, l := range layers {
		if l >= 0 {
			sum += squeeze.Layers()[l].Rate
		}
	}
	return sum
}

func (o squeezeOptions) report(runs []squeezeRun) *report.Result {
	res := report.New("squeeze", "The way to a receiver becomes narrow, and wide again")
	res.Param("wide", fmt.Sprintf("%.0f kbit/s", o.Wide/1e3))
	res.Param("narrow", fmt.Sprintf("%.0f kbit/s for %v", o.Narrow/1e3, o.For))
	res.Param("senders", o.Senders)
	if o.Show.KeyEvery > 0 {
		res.Param("key frames", fmt.Sprintf("of all senders every %v", o.Show.KeyEvery))
	}
	res.Param("key frame", fmt.Sprintf("%g times another", o.Show.KeySize))
	res.Param("delay each way", o.Delay)
	res.Param("queue of the link", o.Queue)
	for _, l := range squeeze.Layers() {
		res.Param("layer "+l.RID, fmt.Sprintf("%dx%d, %.0f kbit/s", l.Width, l.Height, l.Rate/1e3))
	}
	t := report.Table{Title: "Each round", Columns: []string{"round", "fits after ms", "best layer again after ms", "audio lost %", "audio late p50, p99, most ms", "the link drops %", "longest without a frame ms"}}
	ms := func(d time.Duration) string {
		if d < 0 {
			return "never"
		}
		return fmt.Sprint(d.Milliseconds())
	}
	worst := squeezeRun{}
	never := [2]bool{}
	for i, r := range runs {
		lost := 1 - float64(r.audioIn)/float64(max(r.audioSent, 1))
		t.Rows = append(t.Rows, []string{fmt.Sprint(i + 1), ms(r.fits), ms(r.best), fmt.Sprintf("%.2f", 100*lost),
			fmt.Sprintf("%d, %d, %d", measure.Percentile(r.audio, 50).Milliseconds(), measure.Percentile(r.audio, 99).Milliseconds(), measure.Percentile(r.audio, 100).Milliseconds()),
			fmt.Sprintf("%.2f", 100*float64(r.dropped)/float64(max(r.offered, 1))), ms(r.longest)})
		never[0], never[1] = never[0] || r.fits < 0, never[1] || r.best < 0
		worst.fits, worst.best, worst.longest = max(worst.fits, r.fits), max(worst.best, r.best), max(worst.longest, r.longest)
		worst.audioSent += r.audioSent
		worst.audioIn += r.audioIn
	}
	if never[0] {
		worst.fits = -1
	}
	if never[1] {
		worst.best = -1
	}
	lost := 1 - float64(worst.audioIn)/float64(max(worst.audioSent, 1))
	res.Tables = append(res.Tables, t)
	res.Targets = append(res.Targets,
		report.Target{Name: "a layer that fits after the fall", Want: "at most 300 ms", Got: ms(worst.fits) + " ms", Pass: worst.fits >= 0 && worst.fits <= wantFits},
		report.Target{Name: "the best layer again", Want: "within 5,000 ms", Got: ms(worst.best) + " ms", Pass: worst.best >= 0 && worst.best <= wantBestAgain},
		report.Target{Name: "audio lost", Want: "under 1 %", Got: fmt.Sprintf("%.2f %%", 100*lost), Pass: worst.audioSent > 0 && lost < wantAudioLoss},
		report.Target{Name: "longest without a frame", Want: "shown", Got: ms(worst.longest) + " ms", Pass: true, Shown: true},
	)
	res.Headline = fmt.Sprintf("a layer that fits after %s ms, the best one again after %s ms, %.2f %% of the audio lost", ms(worst.fits), ms(worst.best), 100*lost)
	last := runs[len(runs)-1].samples
	var x, capacity, estimate, sent, layer, queue report.Values
	for _, s := range last {
		x = append(x, s.at.Seconds())
		capacity, estimate, sent = append(capacity, s.capacity/1e3), append(estimate, min(s.estimate, 2*o.Wide)/1e3), append(sent, s.offered/1e3)
		layer, queue = append(layer, s.layers/float64(o.Senders)), append(queue, float64(s.queue.Microseconds())/1e3)
	}
	res.Plots = append(res.Plots,
		report.Plot{Title: "The way, and what is sent on it", X: "seconds", Y: "kbit/s", Series: []report.Series{
			{Name: "what the link carries", X: x, Y: capacity}, {Name: "the SFU's estimate", X: x, Y: estimate}, {Name: "sent", X: x, Y: sent}}},
		report.Plot{Title: "The layer (0 to 2; -1: paused), the mean of all", X: "seconds", Y: "layer", Series: []report.Series{{Name: "layer", X: x, Y: layer}}},
		report.Plot{Title: "What waits in the link's queue", X: "seconds", Y: "ms", Series: []report.Series{{Name: "queue", X: x, Y: queue}}},
	)
	res.Note("The link is in user space in front of the receiver (bench/impair): a rate and a queue that drops what would wait longer. Sender and receiver are Pion; the receiver's transport-wide feedback comes every 50 ms, as Chromium's does at these rates.")
	res.Note("Audio is late by what it was on the way beyond the link's own delay; what is dropped is the link's queue that is full.")
	res.Note("Fits: from then on to the end of the narrow time the SFU forwards no layer of a higher rate than the link carries, looked at every %v. Best layer again: from then on no other frame came.", sampleEvery)
	return res
}
