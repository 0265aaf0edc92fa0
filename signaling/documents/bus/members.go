package bus

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/redis/go-redis/v9"
)

// listen takes what was heard.
func (l *Link) listen() {
	l.mu.Lock()
	heard := l.heard
	l.heard = nil
	l.mu.Unlock()
	for _, payload := range heard {
		var m message
		if json.Unmarshal([]byte(payload), &m) != nil || m.Node == l.bus.node {
			continue
		}
		if m.Notes {
			l.mu.Lock()
			l.unread = true
			l.mu.Unlock()
		}
		if m.All || len(m.Members) > 0 {
			l.hears(m.Node, len(m.Members) > 0)
			l.follower.Heard(m.Node, m.Members, m.All)
		}
		if len(m.Passed) > 0 {
			l.follower.Passed(m.Passed)
		}
	}
}

// hears notes that a node has members in the document, or has not.
func (l *Link) hears(node string, has bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if has {
		l.others[node] = true
	} else {
		delete(l.others, node)
	}
}

// synchronize reads what all nodes say, forgets the dead ones, and says what this one has to say.
func (l *Link) synchronize(ctx context.Context) error {
	fields, err := l.bus.client.HGetAll(ctx, l.keys.members).Result()
	if err != nil {
		return err
	}
	byNode := make(map[string][]Member)
	nodes := make(map[string]bool)
	for field, value := range fields {
		node := splitField(field)
		nodes[node] = true
		var m Member
		if json.Unmarshal([]byte(value), &m) == nil {
			byNode[node] = append(byNode[node], m)
		}
	}
	delete(nodes, l.bus.node)
	for _, node := range l.nodes() {
		nodes[node] = true
	}
	alive, err := l.bus.alive(nodes)
	if err != nil {
		return err
	}
	settled := l.bus.settled()
	dead := make(map[string][]string) // their fields
	for field := range fields {
		if node := splitField(field); node != l.bus.node && !alive[node] && settled {
			dead[node] = append(dead[node], field)
		}
	}
	for node, said := range dead {
		if err := l.forget(ctx, node, said); err != nil {
			return err
		}
	}
	for node := range nodes {
		switch _, known := byNode[node]; {
		case known && (alive[node] || !settled): // who has no lease yet may be on its way back, as this node is
			l.hears(node, true)
			l.follower.Heard(node, byNode[node], true)
		case settled:
			l.hears(node, false)
			l.follower.Heard(node, nil, true)
		}
	}
	return l.tellAll(ctx, fields)
}

// forgetDead takes what a node said out of the hash, unless it has a lease again: then it has said so anew.
//
// KEYS: hash, lease. ARGV: fields.
var forgetDead = redis.NewScript(`
if redis.call('EXISTS', KEYS[2]) == 0 then
  for i = 1, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
end
`)

func (l *Link) forget(ctx context.Context, node string, said []string) error {
	args := make([]any, len(said))
	for i, f := range said {
		args[i] = f
	}
	err := forgetDead.Run(ctx, l.bus.client, []string{l.keys.members, leaseOf(node)}, args...).Err()
	if errors.Is(err, redis.Nil) { // a script that returns nothing
		return nil
	}
	return err
}

// tellAll says all of this node's members, in the hash and on the channel.
func (l *Link) tellAll(ctx context.Context, fields map[string]string) error {
	l.mu.Lock()
	clear(l.changes)
	l.mu.Unlock()
	members := l.follower.Members()
	set := make([]any, 0, 2*len(members))
	mine := make(map[string]bool, len(members))
	for _, m := range members {
		f := fieldOf(l.bus.node, m.User)
		mine[f] = true
		b, err := json.Marshal(m)
		if err != nil {
			return err
		}
		set = append(set, f, b)
	}
	var drop []string
	for f := range fields {
		if splitField(f) == l.bus.node && !mine[f] {
			drop = append(drop, f)
		}
	}
	l.told = true
	_, err := l.bus.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		if len(drop) > 0 {
			p.HDel(ctx, l.keys.members, drop...)
		}
		if len(set) > 0 {
			p.HSet(ctx, l.keys.members, set...)
		}
		p.Publish(ctx, l.keys.channel, message{Node: l.bus.node, All: true, Members: members}.encode())
		return nil
	})
	return err
}

// tell says what changed.
func (l *Link) tell(ctx context.Context) error {
	l.mu.Lock()
	changes := make([]Member, 0, len(l.changes))
	for _, m := range l.changes {
		changes = append(changes, *m)
	}
	passed := slices.Collect(maps.Values(l.passing))
	clear(l.changes)
	clear(l.passing)
	l.mu.Unlock()
	if len(changes) == 0 && len(passed) == 0 {
		return nil
	}
	l.told = true
	_, err := l.bus.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for _, m := range changes {
			f := fieldOf(l.bus.node, m.User)
			if m.State == nil {
				p.HDel(ctx, l.keys.members, f)
				continue
			}
			m.News = nil
			b, err := json.Marshal(m)
			if err != nil {
				return err
			}
			p.HSet(ctx, l.keys.members, f, b)
		}
		p.Publish(ctx, l.keys.channel, message{Node: l.bus.node, Members: changes, Passed: passed}.encode())
		return nil
	})
	return err
}
