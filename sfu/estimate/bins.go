package estimate

import (
	"math"
	"time"
)

const (
	binEvery = 10 * time.Millisecond
	binMany  = 64 // 640 ms: more than any span that is looked at
)

// bins are the bytes and the least delay of each ten milliseconds of the last moments.
type bins struct {
	of [binMany]bin
}

type bin struct {
	nth   int64 // of all; 0: never used
	bytes int
	least int64
}

func (b *bins) at(t int64) *bin {
	nth := t/int64(binEvery) + 1
	x := &b.of[nth%binMany]
	if x.nth < nth {
		*x = bin{nth: nth, least: math.MaxInt64}
	}
	if x.nth > nth {
		return nil // too late
	}
	return x
}

func (b *bins) add(t int64, bytes int) {
	if x := b.at(t); x != nil {
		x.bytes += bytes
	}
}

func (b *bins) delayed(t, d int64) {
	if x := b.at(t); x != nil {
		x.least = min(x.least, d)
	}
}

// rate is what the bins up to t hold of a span, in bits a second.
func (b *bins) rate(t int64, span time.Duration) float64 {
	last := t/int64(binEvery) + 1
	n := int64(span / binEvery)
	bytes := 0
	for nth := last - n + 1; nth <= last; nth++ {
		if x := &b.of[((nth%binMany)+binMany)%binMany]; nth > 0 && x.nth == nth {
			bytes += x.bytes
		}
	}
	return float64(bytes) * 8 / span.Seconds()
}

// least is the least delay of the bins in (from, from+span].
func (b *bins) least(from, span int64) (d int64, ok bool) {
	d = math.MaxInt64
	for nth := from/int64(binEvery) + 2; nth <= (from+span)/int64(binEvery)+1; nth++ {
		if x := &b.of[((nth%binMany)+binMany)%binMany]; nth > 0 && x.nth == nth {
			d = min(d, x.least)
		}
	}
	return d, d != math.MaxInt64
}
