package sfu

// demand is a picture that a member could be sent, at one of several rates.
type demand struct {
	slot  *slot
	rates []float64 // of the layers, bits a second, in the order of their sizes
	top   int       // the highest that is of use
	now   int       // what is sent now; -1: nothing
	worth float64

	rung int // the answer: what is to be sent; -1: nothing
}

// more is what a layer above the one that is sent now must leave free: rates vary, and to come down again costs a key frame.
const more = 1.15

// cost of sending layer k.
func (d *demand) cost(k int) float64 {
	if k < 0 {
		return 0
	}
	if k > d.now {
		return d.rates[k] * more
	}
	return d.rates[k]
}

// allocate shares what can be sent among the demands, which stand in the order of their worth: first each gets its lowest
// layer, then each the next, and so on, so that nobody's picture is sharp at the price of another's being gone. Who cannot
// be given more is left out from then on, and those after it are still asked. It is pure. next is the sum with which the
// first that was refused would have got its layer; what is sent, if none was.
func allocate(budget float64, demands []demand) (next float64) {
	sum, refused := 0.0, false
	rounds := 0
	for i := range demands {
		demands[i].rung = -1
		rounds = max(rounds, min(demands[i].top, len(demands[i].rates)-1)+1)
	}
	for k := range rounds {
		for i := range demands {
			d := &demands[i]
			if d.rung != k-1 || k > d.top || k >= len(d.rates) {
				continue
			}
			with := sum - d.cost(k-1) + d.cost(k)
			if with > budget {
				if !refused {
					next, refused = with, true
				}
				continue
			}
			sum, d.rung = with, k
		}
	}
	if !refused {
		next = sum
	}
	return next
}
