package sfu

import (
	"fmt"
	"log/slog"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pion/rtp"

	"atrium/sfu/offer"
	"atrium/signaling/protocol"
	"atrium/topology"
)

// hall is a room of members with a microphone, a camera and few slots, without transports.
type hall struct {
	t       testing.TB
	r       *room
	b       *batch
	members []*session
	mics    []*layer
	cams    []*layer
	seq     uint16
}

func newHall(t testing.TB, members, audio, video int) *hall {
	f := &SFU{m: &metrics{}, start: time.Now(), log: slog.New(slog.DiscardHandler), sessions: map[place]*session{}}
	f.engine = &engine{sock: newSocket(loopback(t), f.m, f.start)}
	h := &hall{t: t, r: newRoom(f, uuid.Nil), b: f.engine.sock.in}
	for range members {
		h.join(audio, video)
	}
	return h
}

func (h *hall) join(audio, video int) {
	n := len(h.members)
	s := newSession(h.r.f, topology.Session{User: uuid.UUID{byte(n >> 8), byte(n), 1}}, h.r)
	mic := newUplink(s, &offer.Section{Mid: "0", Kind: protocol.Audio, Source: protocol.Mic})
	cam := newUplink(s, &offer.Section{Mid: "1", Kind: protocol.Video, Source: protocol.Camera})
	var slots []*slot
	for k := range audio + video {
		kind := protocol.Audio
		if k >= audio {
			kind = protocol.Video
		}
		slots = append(slots, newSlot(s, &offer.Section{Mid: fmt.Sprint(2 + k), Kind: kind, Slot: true, Nth: k % max(audio, 1)}, uint32(k+1), 0))
	}
	for _, u := range []*uplink{mic, cam} {
		u.subs.Store(new([]*slot))
	}
	h.r.add(s, []*uplink{mic, cam}, slots)
	h.members = append(h.members, s)
	h.mics = append(h.mics, &layer{up: mic, ring: newRing(audioRing), reading: reading{codec: codecOpus, levelID: 1}})
	h.cams = append(h.cams, &layer{up: cam, ring: newRing(videoRing), reading: reading{codec: codecVP8}})
}

// speak lets a member's microphone send for a while, at a level of RFC 6464.
func (h *hall) speak(n int, level byte, d time.Duration) {
	for range d / (20 * time.Millisecond) {
		h.seq++
		head := rtp.Header{SequenceNumber: h.seq}
		_ = head.SetExtension(1, []byte{level})
		l := h.mics[n]
		l.voice.at = h.r.f.now() - int64(20*time.Millisecond)
		h.r.mu.Lock()
		h.r.rankedAt -= int64(rankSpacing)
		h.r.mu.Unlock()
		h.arrive(l, raw(h.t, head, []byte("a"), 0))
	}
}

func (h *hall) picture(n int) {
	h.seq++
	h.arrive(h.cams[n], vp8Packet(h.t, h.seq, h.seq&0x7fff, true, 50))
}

func (h *hall) arrive(l *layer, packet []byte) {
	if !l.put(h.b, copy(l.ring.in[:packetBytes], packet), h.r.f.now()) {
		h.t.Fatal("malformed")
	}
	h.b.finish()
}

func (h *hall) all() {
	for n := range h.members {
		h.speak(n, 127, 20*time.Millisecond)
		h.picture(n)
	}
}

// hears are the members in one's audio slots, sees those in its video slots.
func (h *hall) hears(n int) []int { return h.in(n, h.members[n].member.seats.audio) }
func (h *hall) sees(n int) []int  { return h.in(n, h.members[n].member.seats.video) }

func (h *hall) in(n int, lane []sourceKey) (who []int) {
	for _, key := range lane {
		if key != (sourceKey{}) {
			who = append(who, int(key.user[0])<<8|int(key.user[1]))
		}
	}
	slices.Sort(who)
	return who
}

// settle makes the room tick for a second.
func (h *hall) settle() {
	for range refillTicks {
		h.r.tick(h.r.f.now())
	}
}

func TestTheLoudestAreHeard(t *testing.T) {
	h := newHall(t, 20, 3, 0)
	h.all()
	for _, n := range []int{15, 16, 17} {
		h.speak(n, 30, 200*time.Millisecond)
	}
	for n := range 15 {
		if got := h.hears(n); !slices.Equal(got, []int{15, 16, 17}) {
			t.Fatalf("%d hears %v at once", n, got)
		}
	}
	if got := h.hears(15); !slices.Contains(got, 16) || !slices.Contains(got, 17) || slices.Contains(got, 15) {
		t.Errorf("15 hears %v", got)
	}
	// About as loud: nobody is displaced.
	h.speak(3, 28, 200*time.Millisecond)
	h.settle()
	if got := h.hears(0); !slices.Equal(got, []int{15, 16, 17}) {
		t.Errorf("displaced by one who is as loud: %v", got)
	}
	// Who falls silent gives way to who speaks; the slots of the others stay.
	before := h.members[0].member.seats.audio
	h.speak(16, 127, 3*time.Second)
	h.speak(3, 30, 200*time.Millisecond)
	if got := h.hears(0); !slices.Equal(got, []int{3, 15, 17}) {
		t.Errorf("0 hears %v", got)
	}
	for k, key := range h.members[0].member.seats.audio {
		if before[k] != key && before[k].user != h.members[16].top.User {
			t.Errorf("slot %d went from %v to %v", k, before[k], key)
		}
	}
	// A muted voice is none.
	h.r.mute(h.members[15].top.User, true)
	h.speak(4, 30, 200*time.Millisecond)
	h.settle()
	if got := h.hears(0); !slices.Equal(got, []int{3, 4, 17}) {
		t.Errorf("0 hears %v while 15 is muted", got)
	}
}

func TestPicturesArePinnedSpeakingNear(t *testing.T) {
	h := newHall(t, 40, 2, 4)
	h.all()
	var users []uuid.UUID
	var at []point
	for n, s := range h.members { // in a row
		users, at = append(users, s.top.User), append(at, point{float64(4 * n), 0})
	}
	h.r.place(users, at)
	h.settle()
	if got := h.sees(20); !slices.Equal(got, []int{18, 19, 21, 22}) {
		t.Errorf("20 sees %v, want those beside it", got)
	}
	// Who speaks is seen far away as well.
	now := h.r.f.now()
	h.r.mu.Lock()
	h.mics[1].up.spokeAt = now
	h.r.mu.Unlock()
	h.settle()
	if got := h.sees(20); !slices.Contains(got, 1) || len(got) != 4 {
		t.Errorf("20 sees %v, 1 speaks", got)
	}
	// And who is pinned before all, at once; and no more than are wanted.
	two := 2
	h.r.show(h.members[20], &protocol.View{Pinned: []uuid.UUID{h.members[39].top.User}, MaxVideo: &two})
	if got := h.sees(20); !slices.Equal(got, []int{1, 39}) {
		t.Errorf("20 sees %v, 39 is pinned and two are wanted", got)
	}
	// Who is not shown is not sent.
	h.r.show(h.members[20], &protocol.View{Sizes: map[uuid.UUID]int{h.members[1].top.User: 0, h.members[19].top.User: 0}})
	if got := h.sees(20); slices.Contains(got, 1) || slices.Contains(got, 19) || len(got) != 4 {
		t.Errorf("20 sees %v, 1 and 19 are hidden", got)
	}
	// A picture that stands still for long gives way.
	h.r.show(h.members[20], &protocol.View{})
	h.settle()
	h.cams[19].up.active.Store(false)
	h.cams[19].up.last.Store(h.r.f.now() - int64(2*idleAfter))
	h.settle()
	if got := h.sees(20); slices.Contains(got, 19) || len(got) != 4 {
		t.Errorf("20 sees %v, 19 sends nothing", got)
	}
}

func TestWhoLeavesIsReplacedAndSubscribersAreExact(t *testing.T) {
	h := newHall(t, 12, 3, 2)
	h.all()
	check := func() {
		t.Helper()
		for _, u := range h.r.uplinks {
			seen := map[*slot]bool{}
			for _, s := range *u.subs.Load() {
				if s.src != u || seen[s] {
					t.Fatalf("%v is written to a slot that is not its", u.key)
				}
				seen[s] = true
			}
		}
		for _, s := range h.r.sessions {
			for _, x := range s.member.order {
				if x.src != nil && !slices.Contains(*x.src.subs.Load(), x) {
					t.Fatalf("a slot of %v is not written to", x.src.key)
				}
			}
		}
	}
	check()
	for n := range 8 {
		h.r.leave(h.members[n])
		check()
		for m := n + 1; m < 12; m++ {
			left := 11 - n
			if a, v := len(h.hears(m)), len(h.sees(m)); a != min(3, left-1) || v != min(2, left-1) {
				t.Fatalf("after %d left, %d hears %d and sees %d", n+1, m, a, v)
			}
		}
	}
}

func TestAMembersChoiceIsBoundedWhateverTheRoom(t *testing.T) {
	most := func(members int) int {
		h := newHall(t, members, 4, 4)
		h.all()
		var users []uuid.UUID
		var at []point
		for n, s := range h.members {
			users, at = append(users, s.top.User), append(at, point{float64(n % 30), float64(n / 30)})
		}
		h.r.place(users, at)
		h.r.mu.Lock()
		defer h.r.mu.Unlock()
		n := 0
		for _, s := range h.members {
			n = max(n, len(h.r.wants(s, h.r.f.now())))
		}
		return n
	}
	if few, many := most(50), most(500); many > few+8 || many > 100 {
		t.Errorf("%d candidates among 50, %d among 500", few, many)
	}
}

// BenchmarkRoom shows what a member of a room costs that has few slots: a tick of the room, a join and a leaving.
func BenchmarkRoom(b *testing.B) {
	for _, n := range []int{25, 50, 100, 200} {
		h := newHall(b, n, 4, 4)
		h.all()
		b.Run(fmt.Sprintf("tick/%d", n), func(b *testing.B) {
			now := h.r.f.now()
			for range b.N {
				now += int64(tickEvery)
				h.r.tick(now)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/member")
		})
		b.Run(fmt.Sprintf("speaker/%d", n), func(b *testing.B) { // who speaks changes
			for i := range b.N {
				l := h.mics[i%n]
				l.up.loud.Store(math.Float64bits(100))
				l.up.last.Store(h.r.f.now())
				h.r.rank(h.r.f.now())
				h.r.publish()
				l.up.loud.Store(0)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/member")
		})
		b.Run(fmt.Sprintf("join/%d", n), func(b *testing.B) {
			for range b.N {
				h.join(4, 4)
				k := len(h.members) - 1
				h.speak(k, 127, 20*time.Millisecond)
				h.picture(k)
				h.r.leave(h.members[k])
				h.members, h.mics, h.cams = h.members[:k], h.mics[:k], h.cams[:k]
			}
		})
	}
}
