package topology

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"
)

// run takes an event through step and carries the effects out. Called with mu held.
func (c *Controller) run(e *entry, ev event, greet func(View)) {
	z := e.zone
	if c.closed {
		if greet != nil {
			greet(View{z.ahead().media, z.ahead().epoch})
		}
		return
	}
	now := time.Now()
	before := c.metrics.of(z)
	for _, eff := range step(z, now, ev) {
		c.carryOut(e, eff, now, greet)
	}
	c.metrics.moved(before, c.metrics.of(z))
}

func (c *Controller) carryOut(e *entry, eff effect, now time.Time, greet func(View)) {
	id := e.zone.id
	switch eff := eff.(type) {
	case welcome:
		if greet != nil {
			greet(eff.view)
		}
	case announce:
		c.sink.TopologyChanged(eff.user, Change{Zone: id, Media: eff.to.media, Epoch: eff.to.epoch, Reason: eff.reason})
	case giveCredentials:
		c.sink.TURNCredentials(eff.user, mintTURN(c.config.TURN, eff.user, id, eff.epoch, now))
	case invite:
		token, err := mintSFU(c.config.SFUSecret, c.config.TokenTTL, eff.user, id, eff.epoch, uuid.NewString(), now)
		if err != nil {
			// HMAC over our own claims cannot fail; should it, the member is invited again later.
			c.logger.Error("SFU token not minted", "zone", id, "user", eff.user, "error", err)
			return
		}
		c.sink.PromoteToSFU(eff.user, Promotion{Zone: id, Token: token})
	case endSession:
		c.sink.EndSession(id, eff.user, eff.reason)
	case endAllocations:
		c.sink.EndAllocations(id, eff.user, eff.upTo)
	case setTimer:
		c.arm(e, eff.at, now)
	case noted:
		c.metrics.noted(eff)
		level := slog.LevelInfo
		if eff.stage == rolledBack {
			level = slog.LevelWarn
		}
		c.logger.Log(context.Background(), level, "topology change "+string(eff.stage), "zone", id, "reason", string(eff.reason),
			"from", eff.from.String(), "to", eff.to.String(), "took", eff.took)
	case struggling:
		c.logger.Warn("a member keeps losing the SFU; it is invited again with back-off", "zone", id, "user", eff.user)
	}
}

// arm sets the zone's timer, or stops it. Called with mu held.
func (c *Controller) arm(e *entry, at, now time.Time) {
	if at.IsZero() {
		if e.timer != nil {
			e.timer.Stop()
		}
		return
	}
	wait := max(at.Sub(now), 0)
	if e.timer == nil {
		e.timer = time.AfterFunc(wait, func() { c.tick(e) })
		return
	}
	// A tick that is on its way already and comes too early finds nothing due and asks for the timer again.
	e.timer.Reset(wait)
}

func (c *Controller) tick(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.run(e, tick{}, nil)
}
