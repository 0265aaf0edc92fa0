package bus

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"atrium/signaling/documents/store"
)

// add puts notes into the stream and says so on the channel. A node numbers its notes, and the highest number that is in the
// stream is kept beside it: what is sent again because no answer came is not stored again.
//
// An author's notes of all nodes and documents are counted here, where they meet, in a bucket that is a time: when all of
// them would have been written at the rate (a GCRA). A note counts at the time at which its node took it. Those that waited
// longer than freshFor, since Redis was away, only their node has counted: two nodes' waiting notes come one after
// the other. What is refused is kept until the node has heard it, which its next notes show.
//
// KEYS: stream, highest number, refused numbers, then buckets. ARGV: channel, message, how many seconds the numbers are
// kept, node, microseconds that a note takes and that an author may be ahead, then for each note number, author, frame,
// which of the KEYS its bucket is, microseconds since it was taken; negative: it is not counted. It gives the refused numbers.
var add = redis.NewScript(`
local highest = tonumber(redis.call('GET', KEYS[2]) or '0')
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local takes, ahead = tonumber(ARGV[5]), tonumber(ARGV[6])
if #ARGV >= 7 and tonumber(ARGV[7]) > highest then redis.call('DEL', KEYS[3]) end
local refused = {}
for i = 7, #ARGV, 5 do
  local number = tonumber(ARGV[i])
  if number > highest then
    highest = number
    local good, age, bucket = true, tonumber(ARGV[i + 4]), KEYS[tonumber(ARGV[i + 3])]
    if age >= 0 then
      local at = now - age
      local full = tonumber(redis.call('GET', bucket) or '0')
      good = full - at <= ahead
      if good then
        full = math.max(full, at) + takes
        redis.call('SET', bucket, string.format('%.0f', full), 'PX', string.format('%.0f', math.ceil((full - now) / 1000) + 1000))
      end
    end
    if good then
      redis.call('XADD', KEYS[1], '*', 'n', ARGV[4], 'i', ARGV[i], 'a', ARGV[i + 1], 'f', ARGV[i + 2])
    else
      redis.call('SADD', KEYS[3], ARGV[i])
      redis.call('EXPIRE', KEYS[3], ARGV[3])
      refused[#refused + 1] = ARGV[i]
    end
  elseif redis.call('SISMEMBER', KEYS[3], ARGV[i]) == 1 then
    refused[#refused + 1] = ARGV[i]
  end
end
redis.call('SET', KEYS[2], string.format('%.0f', highest), 'EX', ARGV[3])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return refused
`)

const (
	writeAtOnce = 64  // notes in one script
	readAtOnce  = 256 // entries of the stream
	keepNumber  = 24 * time.Hour
	freshFor    = time.Second
	jitter      = 2 // notes that an author may be ahead of its burst: ways to Redis are not of one length
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
		takes := 1e6 / l.limit.Rate
		args := make([]any, 0, 6+5*len(batch))
		args = append(args, l.keys.channel, message{Node: l.bus.node, Notes: true}.encode(), int(keepNumber.Seconds()), l.bus.node,
			int64(takes), int64(takes*float64(l.limit.Burst-1+jitter)))
		names := []string{l.keys.notes, l.keys.seen, l.keys.refused}
		for _, n := range batch {
			bucket := bucketOf(n.Author)
			at := slices.Index(names, bucket)
			if at < 0 {
				at = len(names)
				names = append(names, bucket)
			}
			age := time.Since(n.taken)
			if age > freshFor {
				age = -time.Microsecond
			}
			args = append(args, n.number, n.Author.String(), n.Frame, at+1, age.Microseconds())
		}
		refused, err := add.Run(ctx, l.bus.client, names, args...).StringSlice()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		var notes []store.Note
		for _, n := range batch {
			if slices.Contains(refused, strconv.FormatUint(n.number, 10)) {
				notes = append(notes, n.Note)
			}
		}
		l.mu.Lock()
		l.waiting = append([]numbered(nil), l.waiting[len(batch):]...)
		l.unread = true
		l.mu.Unlock()
		l.bus.waiting.Add(-int64(len(batch)))
		if len(notes) > 0 {
			l.follower.Refused(notes)
		}
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
