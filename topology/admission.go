package topology

import (
	"fmt"

	"github.com/google/uuid"
)

// The questions that the doors ask about a credential whose signature holds. A signature says that a credential
// was given out; only the live table says whether it still means anything.

// admits says whether an SFU token of that user and epoch opens a session now. It needs no count: a session
// replaces the former one of its user, so there is never more than one per live member.
func (z *zone) admits(user uuid.UUID, e Epoch) error {
	if z.member(user) == nil {
		return fmt.Errorf("%w: user %s is not in zone %s", ErrRefused, user, z.id)
	}
	w, ok := z.inSFU()
	if !ok {
		return fmt.Errorf("%w: zone %s is not in the SFU, nor on its way there or from there", ErrRefused, z.id)
	}
	if w.epoch != e {
		return fmt.Errorf("%w: the token is of epoch %d, the zone's SFU is of epoch %d", ErrRefused, e, w.epoch)
	}
	return nil
}

// mayAllocate says whether TURN credentials of that user and epoch allocate now, and how many allocations
// the user may hold in all.
func (z *zone) mayAllocate(user uuid.UUID, e Epoch) (int, error) {
	if !z.relay.on {
		return 0, fmt.Errorf("%w: the relay is off", ErrRefused)
	}
	if z.member(user) == nil {
		return 0, fmt.Errorf("%w: user %s is not in zone %s", ErrRefused, user, z.id)
	}
	w, ok := z.named(e)
	if !ok {
		return 0, fmt.Errorf("%w: the credentials are of epoch %d, good is %v", ErrRefused, e, z.good())
	}
	if !z.relayed(w.media) {
		return 0, fmt.Errorf("%w: epoch %d of zone %s is %s, which does not use the relay", ErrRefused, e, z.id, w.media)
	}
	return z.quota(), nil
}

// quota is how many allocations a member may hold: one pair's worth per other member where the relay joins
// members, one for the SFU; both where both ways are up.
func (z *zone) quota() int {
	p2p, sfu := false, false
	use := func(w way) {
		p2p = p2p || w.media == P2PTurn
		sfu = sfu || w.media == SFU
	}
	for _, w := range z.good() {
		use(w)
	}
	for _, r := range z.releases {
		if r.allocations {
			use(r.left)
		}
	}
	if z.change != nil && z.wantsRelay() {
		p2p = true // a pair failed meanwhile and is to be joined by the relay until the change is through
	}
	n := 0
	if p2p {
		n += (len(z.members) - 1) * z.relay.perPair
	}
	if sfu {
		n += z.relay.perPair
	}
	return n
}

// mayHold says whether the allocations that a user has may live on: by its membership and the zone's need.
func (z *zone) mayHold(user uuid.UUID) bool {
	if !z.relay.on || z.member(user) == nil {
		return false
	}
	for _, w := range z.good() {
		if z.relayed(w.media) {
			return true
		}
	}
	for _, r := range z.releases {
		if r.allocations {
			return true
		}
	}
	return false
}
