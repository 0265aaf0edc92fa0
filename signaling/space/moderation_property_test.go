package space

import (
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// moderated checks a moderation that was accepted.
func (p *play) moderated(t *rapid.T, by, target uuid.UUID, least Role, was picture) {
	_, here := was.zones[by]
	_, there := was.zones[target]
	if !here || !there || by == target || roleOf(by).Rank() < max(least.Rank(), roleOf(target).Rank()) {
		t.Fatalf("a %s (in the world: %v) moderates a %s (%v)", roleOf(by), here, roleOf(target), there)
	}
}

func (p *play) mute(t *rapid.T) {
	by, target, was := anyone(t, "by"), anyone(t, "target"), p.picture()
	until := p.now.Add(time.Duration(rapid.IntRange(-1, 5).Draw(t, "s")) * time.Second)
	if p.w.Mute(by, target, until, p.now) != nil {
		p.refused(t, was)
		return
	}
	p.moderated(t, by, target, Editor, was)
	if delete(p.muted, target); p.now.Before(until) {
		p.muted[target] = until
	}
}

func (p *play) remove(t *rapid.T) {
	by, target, zone, was := anyone(t, "by"), anyone(t, "target"), p.zone(t, "zone"), p.picture()
	for u := byte(1); u <= people && rapid.Bool().Draw(t, "whoever can be"); u++ {
		if at, ok := was.zones[user(u)]; ok && at != p.w.m.SpawnZone().ID {
			target = user(u)
		}
	}
	if at, ok := was.zones[target]; ok && rapid.Bool().Draw(t, "its") {
		zone = at
	}
	d, err := p.w.Remove(by, target, zone, p.now)
	if err != nil {
		p.refused(t, was)
		return
	}
	p.moderated(t, by, target, Admin, was)
	if m, _ := p.w.Member(target); d.Zone.ID != zone || was.zones[target] != zone || m.Zone != p.w.m.SpawnZone() {
		t.Fatalf("removed from %s, it was in %s and is in %s", d.Zone.ID, was.zones[target], m.Zone.ID)
	}
	p.left(t, target, d)
	p.placed(target)
	p.out[bar{target, zone}] = p.now.Add(DefaultRules().Removal)
}

func (p *play) kick(t *rapid.T) {
	by, target, was := anyone(t, "by"), anyone(t, "target"), p.picture()
	world := rapid.SampledFrom([]uuid.UUID{p.w.m.ID, uuid.Max, uuid.Max, uuid.Max}).Draw(t, "world")
	d, err := p.w.Kick(by, target, world, p.now)
	if err != nil {
		p.refused(t, was)
		return
	}
	p.moderated(t, by, target, Admin, was)
	if _, in := p.w.Member(target); in || world != p.w.m.ID {
		t.Fatalf("kicked from %s, and in the world: %v", world, in)
	}
	p.left(t, target, d)
	p.out[bar{target, uuid.Nil}] = p.now.Add(DefaultRules().Kick)
}
