package bus

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"atrium/signaling/documents/store"
)

// add puts notes into the stream and says so on the channel. A node numbers its notes, and the highest number that is in the
// stream is kept beside it: what is sent again because no answer came is not stored again.
//
// KEYS: stream, highest number. ARGV: channel, message, how many seconds the number is kept, node, then for each note
// number, author, frame.
var add = redis.NewScript(`
local highest = tonumber(redis.call('GET', KEYS[2]) or '0')
for i = 5, #ARGV, 3 do
  if tonumber(ARGV[i]) > highest then
    highest = tonumber(ARGV[i])
    redis.call('XADD', KEYS[1], '*', 'n', ARGV[4], 'i', ARGV[i], 'a', ARGV[i + 1], 'f', ARGV[i + 2])
  end
end
redis.call('SET', KEYS[2], highest, 'EX', ARGV[3])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return highest
`)

const (
	writeAtOnce = 64  // notes in one script
	readAtOnce  = 256 // entries of the stream
	keepNumber  = 24 * time.Hour
)

// write moves notes that wait into the stream.
func (l *Link) write(ctx context.Context) error {
	for {
		l.mu.Lock()
		batch := l.waiting[:min(len(l.waiting), writeAtOnce)]
		l.mu.Unlock()
		if len(batch) == 0 {
			return nil
		}
		args := make([]any, 0, 4+3*len(batch))
		args = append(args, l.keys.channel, message{Node: l.bus.node, Notes: true}.encode(), int(keepNumber.Seconds()), l.bus.node)
		for _, n := range batch {
			args = append(args, n.number, n.Author.String(), n.Frame)
		}
		if err := add.Run(ctx, l.bus.client, []string{l.keys.notes, l.keys.seen}, args...).Err(); err != nil {
			return err
		}
		l.mu.Lock()
		l.waiting = append([]numbered(nil), l.waiting[len(batch):]...)
		l.unread = true
		l.mu.Unlock()
		l.bus.waiting.Add(-int64(len(batch)))
	}
}

// read hands out what is new in the stream.
func (l *Link) read(ctx context.Context) error {
	l.mu.Lock()
	unread := l.unread
	l.unread = false
	l.mu.Unlock()
	if !unread {
		return nil
	}
	for {
		from := "-"
		if l.last != "" {
			from = "(" + l.last
		}
		entries, err := l.bus.client.XRangeN(ctx, l.keys.notes, from, "+", readAtOnce).Result()
		if err != nil {
			return err
		}
		if len(entries) > 0 {
			notes := make([]Note, len(entries))
			for i, e := range entries {
				notes[i] = l.note(e.Values)
			}
			l.last = entries[len(entries)-1].ID
			l.follower.Notes(notes)
		}
		if len(entries) < readAtOnce {
			l.loaded = true
			return nil
		}
	}
}

func (l *Link) note(values map[string]any) Note {
	field := func(name string) string { s, _ := values[name].(string); return s }
	author, _ := uuid.Parse(field("a"))
	number, _ := strconv.ParseUint(field("i"), 10, 64)
	mine := field("n") == l.bus.node && number > l.begin
	return Note{Note: store.Note{Author: author, Frame: []byte(field("f"))}, Mine: mine, Old: !l.loaded && !mine}
}
