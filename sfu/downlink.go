package sfu

import "math"

// downlink is what a member can be sent.
type downlink struct {
	// Guarded by room.mu: scratch of aim.
	demands []demand
	spare   []float64
}

// rates gives room for n rates of a demand.
func (d *downlink) rates(n int) []float64 {
	if len(d.demands) == 0 {
		d.spare = d.spare[:0]
	}
	k := len(d.spare)
	d.spare = append(d.spare, make([]float64, n)...)
	return d.spare[k:len(d.spare):len(d.spare)]
}

func (d *downlink) budget(int64) (float64, bool) { return math.Inf(1), false }

func (d *downlink) wish(int64, float64) {}
