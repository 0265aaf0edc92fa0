package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"atrium/bench/forward"
)

// scaleOptions are the numbers of the scenario that grows.
type scaleOptions struct {
	Receivers int   // of the growing rate
	Most      int   // senders at most
	Step      int   // senders more at a time, once the fixed rates are measured
	Members   []int // in one zone, growing
	Mics      int   // microphones and
	Cameras   int   // cameras that each of them has slots for
	Idle      int   // who come on top of the last, and do nothing
	Shapes    []forward.Shape
	For, Warm time.Duration
	Rest      time.Duration
	Floor     time.Duration
	Tolerance float64 // by which a cost may be over the least before it and still not rise
	Progress  io.Writer
}

// slots are the most that a node gives a member of a kind by default.
const slots = 24

// check names what cannot be measured.
func (o *scaleOptions) check() error {
	switch {
	case o.Receivers < 1 || o.Step < 1 || o.Most < 3 || o.Most > slots:
		return fmt.Errorf("bench: --receivers and --step begin at 1, --senders lies between 3 and %d, the slots of a member", slots)
	case len(o.Members) < 2 || o.Members[0] < 2 || !slices.IsSorted(o.Members):
		return errors.New("bench: --members is a list that grows from 2, or more")
	case o.Mics < 1 || o.Mics > slots || o.Cameras < 0 || o.Cameras > slots:
		return fmt.Errorf("bench: --microphones lies between 1 and %d, --cameras between 0 and %d", slots, slots)
	case o.For < time.Second || o.Floor < time.Second || o.Rest < time.Second:
		return errors.New("bench: a second is the least for --for, --rest and --floor")
	case len(o.Shapes) == 0:
		return errors.New("bench: --shape is empty")
	}
	return nil
}

// ratePoint is a rate that was measured, with all shapes or with the first alone.
type ratePoint struct {
	senders, receivers int
	runs               []*forwardRun
	floor              []float64 // by GSO
}

// all says whether everything came.
func (p *ratePoint) all() bool { return p.runs[0].figures.Got == p.runs[0].figures.Owed }

// memberPoint is a number of members that was measured.
type memberPoint struct {
	members int
	run     *forwardRun
	idle    time.Duration // processor time a second and member while nobody sends
	floor   float64
}

// perMember is the server's processor time for each member in a second.
func (p *memberPoint) perMember() time.Duration {
	return time.Duration(float64(p.run.use.CPU()) / p.run.load.For.Seconds() / float64(p.members))
}

// idlePoint is a zone before and after members came who do nothing.
type idlePoint struct {
	members, idle int
	before, after *forwardRun
}

// each is what one of those took in a second.
func (p *idlePoint) each() time.Duration {
	more := p.after.use.CPU() - p.before.use.CPU()
	return time.Duration(float64(more) / p.after.load.For.Seconds() / float64(p.idle))
}

// scaleFigures are what became of it.
type scaleFigures struct {
	rates   []*ratePoint
	lost    *ratePoint // the first at which something was missing; nil: none
	members []*memberPoint
	idle    *idlePoint // nil: not measured
}

func measureScale(ctx context.Context, o scaleOptions) (*scaleFigures, error) {
	f := &scaleFigures{}
	if err := f.growRate(ctx, o); err != nil {
		return nil, err
	}
	if err := f.growZone(ctx, o); err != nil {
		return nil, err
	}
	return f, nil
}

// within runs a node, and ends it.
func within(ctx context.Context, use func(*forwardServer) error) error {
	n, err := startForward(ctx)
	if err != nil {
		return err
	}
	return errors.Join(use(n), n.stop())
}

// growRate has more and more send to the same receivers, until something is missing.
func (f *scaleFigures) growRate(ctx context.Context, o scaleOptions) error {
	sender, receiver := forward.Kind{Mic: true, Camera: true}, forward.Kind{Audio: o.Most, Video: o.Most}
	few := max(1, o.Receivers/5)
	err := within(ctx, func(n *forwardServer) (err error) {
		fmt.Fprintf(o.Progress, "scale: %d members come\n", few+1)
		crowd, err := forward.Enter(ctx, n.place, append([]forward.Kind{sender}, slices.Repeat([]forward.Kind{receiver}, few)...))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, crowd.Leave()) }()
		senders, receivers := 1, few
		more := func(s, r int) error {
			kinds := append(slices.Repeat([]forward.Kind{receiver}, r-receivers), slices.Repeat([]forward.Kind{sender}, s-senders)...)
			senders, receivers = s, r
			return crowd.More(ctx, kinds)
		}
		measure := func(shapes []forward.Shape) (*ratePoint, error) {
			p := &ratePoint{senders: senders, receivers: receivers}
			for _, s := range shapes {
				fmt.Fprintf(o.Progress, "scale: %d to %d, %s\n", senders, receivers, s)
				r, err := n.run(ctx, crowd, forward.Load{Shape: s, Warm: o.Warm, For: o.For}, "")
				if err != nil {
					return nil, err
				}
				p.runs = append(p.runs, r)
			}
			return p, nil
		}
		shapes := o.Shapes
		for _, next := range [][2]int{{1, few}, {1, o.Receivers}, {3, o.Receivers}} {
			if err := more(next[0], next[1]); err != nil {
				return err
			}
			p, err := measure(shapes)
			if err != nil {
				return err
			}
			f.rates = append(f.rates, p)
		}
		for shapes = shapes[:1]; senders < o.Most; {
			if err := more(min(senders+o.Step, o.Most), receivers); err != nil {
				return err
			}
			p, err := measure(shapes)
			if err == nil && !p.all() { // once more: the machine may have had something else to do
				p, err = measure(shapes)
			}
			if err != nil {
				return err
			}
			if !p.all() {
				f.lost = p
				return nil
			}
			f.rates = append(f.rates, p)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range f.rates {
		kinds := append(slices.Repeat([]forward.Kind{sender}, p.senders), slices.Repeat([]forward.Kind{receiver}, p.receivers)...)
		for _, r := range p.runs {
			floor, err := o.floor(ctx, r.load.Shape, kinds)
			if err != nil {
				return err
			}
			p.floor = append(p.floor, floor)
		}
	}
	return nil
}

// growZone has more and more members in one zone, each of whom speaks, and all of whom have the same slots; then some who
// do nothing come.
func (f *scaleFigures) growZone(ctx context.Context, o scaleOptions) error {
	seat := forward.Kind{Mic: true, Audio: o.Mics, Video: o.Cameras}
	zone := func(members int) []forward.Kind {
		kinds := slices.Repeat([]forward.Kind{seat}, members)
		for i := range min(members, o.Cameras+1) { // one more: who has a camera sees as many as the others
			kinds[i].Camera = true
		}
		return kinds
	}
	shape := o.Shapes[0]
	err := within(ctx, func(n *forwardServer) (err error) {
		crowd, err := forward.Enter(ctx, n.place, zone(o.Members[0]))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, crowd.Leave()) }()
		measure := func() (*forwardRun, error) {
			fmt.Fprintf(o.Progress, "scale: a zone of %d\n", crowd.Members())
			return n.run(ctx, crowd, forward.Load{Shape: shape, Warm: o.Warm, For: o.For}, "")
		}
		for _, members := range o.Members {
			if err := crowd.More(ctx, zone(members)[crowd.Members():]); err != nil {
				return err
			}
			p := &memberPoint{members: members}
			if p.run, err = measure(); err != nil {
				return err
			}
			if p.idle, err = n.rest(ctx, crowd, o.Rest); err != nil {
				return err
			}
			f.members = append(f.members, p)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range f.members {
		if p.floor, err = o.floor(ctx, shape, zone(p.members)); err != nil {
			return err
		}
	}
	if o.Idle == 0 {
		return nil
	}
	return within(ctx, func(n *forwardServer) (err error) {
		half := o.Members[len(o.Members)/2]
		crowd, err := forward.Enter(ctx, n.place, zone(half))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, crowd.Leave()) }()
		p := &idlePoint{members: half, idle: o.Idle}
		fmt.Fprintf(o.Progress, "scale: a zone of %d, and %d who do nothing\n", half, o.Idle)
		l := forward.Load{Shape: shape, Warm: o.Warm, For: 2 * o.For} // what is looked for is small
		if p.before, err = n.run(ctx, crowd, l, ""); err != nil {
			return err
		}
		if err := crowd.More(ctx, slices.Repeat([]forward.Kind{{Mic: true, Silent: true}}, o.Idle)); err != nil {
			return err
		}
		if p.after, err = n.run(ctx, crowd, l, ""); err != nil {
			return err
		}
		f.idle = p
		return nil
	})
}

func (o *scaleOptions) floor(ctx context.Context, s forward.Shape, kinds []forward.Kind) (float64, error) {
	fmt.Fprintf(o.Progress, "scale: the floor of %d members\n", len(kinds))
	f, err := forward.MeasureFloor(ctx, s, kinds, forward.GSO, true, o.Floor)
	return floors{forward.GSO: f}.per(forward.GSO), err
}
