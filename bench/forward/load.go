package forward

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

const (
	sampleEvery   = 16                     // one in so many packets is decrypted for its stamp
	readEvery     = 4 * time.Millisecond   // between two readings of the sockets
	checkEvery    = 2 * time.Second        // consent (RFC 7675)
	feedbackEvery = 100 * time.Millisecond // transport-wide feedback
	reportEvery   = time.Second            // receiver reports
	settle        = 200 * time.Millisecond // for packets to be with their receivers
	connecting    = 4                      // members whose media comes up at the same time
	stampBytes    = 8
)

// Load is what the members of a crowd send.
type Load struct {
	Shape     Shape
	Warm, For time.Duration // the time before anything counts, and that which does
	Senders   int           // the first so many send; 0: all who can
}

// Crowd is members in one place whose media is up.
type Crowd struct {
	place   Place
	members []*member
	flows   []flow // of the same index
	ends    []end
	in      *inbox
}

// flow is what a member sends. Owned by Run.
type flow struct {
	sequence [lanes]uint16
	picture  uint16
	key      bool // a key frame is due
	sent     [lanes]int
	buf      []byte
}

// end is what a member receives. Owned by Run.
type end struct {
	got      int
	latency  []time.Duration
	bad      int // samples that could not be decrypted
	recorder *twcc.Recorder
	highest  map[uint32]uint32
}

// Enter brings members into a place, in this order.
func Enter(ctx context.Context, p Place, kinds []Kind) (*Crowd, error) {
	c := &Crowd{place: p}
	if err := c.More(ctx, kinds); err != nil {
		return nil, errors.Join(err, c.Leave())
	}
	return c, nil
}

// More brings further members in.
func (c *Crowd) More(ctx context.Context, kinds []Kind) error {
	var fresh []*member
	for i, k := range kinds {
		g, err := c.place.enter(ctx, len(c.members), k)
		if err != nil {
			return err
		}
		m := &member{kind: k, guest: g}
		c.members, fresh = append(c.members, m), append(fresh, m)
		c.flows = append(c.flows, flow{key: true, buf: make([]byte, 1500)})
		c.ends = append(c.ends, end{recorder: twcc.NewRecorder(1), highest: make(map[uint32]uint32)})
		if !c.place.atOnce(len(c.members)) && i < len(kinds)-1 {
			continue
		}
		all, ctx := errgroup.WithContext(ctx)
		all.SetLimit(connecting)
		for _, m := range fresh {
			all.Go(func() error { return m.connect(ctx) })
		}
		if err := all.Wait(); err != nil {
			return err
		}
		fresh = nil
	}
	return nil
}

// Members is how many there are.
func (c *Crowd) Members() int { return len(c.members) }

// Leave ends every session.
func (c *Crowd) Leave() error {
	var errs []error
	for _, m := range c.members {
		errs = append(errs, m.leave())
	}
	return errors.Join(errs...)
}

// Figures are what came of a run.
type Figures struct {
	Sent    int // packets by the senders
	Owed    int // packets that the receivers should have had
	Got     int
	Bad     int             // samples that were not what was sent
	Latency []time.Duration // of the samples, in order of size
	Load    time.Duration   // processor time of the thread that is all members
}

// Kinds are the members', in the order in which they came.
func (c *Crowd) Kinds() []Kind {
	kinds := make([]Kind, len(c.members))
	for i, m := range c.members {
		kinds[i] = m.kind
	}
	return kinds
}

// Active are kinds of which only the first senders who can send do; 0: all.
func Active(kinds []Kind, senders int) []Kind {
	kinds = slices.Clone(kinds)
	active := 0
	for i := range kinds {
		if !kinds[i].sends() {
			continue
		}
		if active++; senders > 0 && active > senders {
			kinds[i].Silent = true
		}
	}
	return kinds
}

// Run sends a load and says what came. hook is called when nothing is under way: before the first packet that
// counts and after the last has come. It uses one thread.
func (c *Crowd) Run(ctx context.Context, l Load, hook func() error) (Figures, error) {
	kinds := Active(c.Kinds(), l.Senders)
	events, err := timeline(l.Shape, kinds)
	if err != nil {
		return Figures{}, err
	}
	// A thread of its own, with precise sleep.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1000, 0, 0, 0)
	defer unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) // 0: the thread's default
	c.in = newInbox()
	p := &pump{c: c, ctx: ctx}
	if err := p.play(events, l.Warm); err != nil {
		return Figures{}, err
	}
	for i := range c.ends {
		c.ends[i].got, c.ends[i].bad, c.ends[i].latency = 0, 0, c.ends[i].latency[:0]
		c.flows[i].sent = [lanes]int{}
	}
	if err := hook(); err != nil {
		return Figures{}, err
	}
	began := threadTime()
	if err := p.play(events, l.For); err != nil {
		return Figures{}, err
	}
	f := Figures{Load: threadTime() - began}
	if err := hook(); err != nil {
		return Figures{}, err
	}
	hears := audience(kinds)
	for i := range c.ends {
		for lane, sent := range c.flows[i].sent {
			f.Sent += sent
			f.Owed += sent * len(hears[lane][i])
		}
		f.Got += c.ends[i].got
		f.Bad += c.ends[i].bad
		f.Latency = append(f.Latency, c.ends[i].latency...)
	}
	slices.Sort(f.Latency)
	return f, nil
}

// Rest does nothing but what keeps the sessions, for a time.
func (c *Crowd) Rest(ctx context.Context, lasts time.Duration) error {
	c.in = newInbox()
	return (&pump{c: c, ctx: ctx}).play(nil, lasts)
}

// pump is the one thread of a run.
type pump struct {
	c                         *Crowd
	ctx                       context.Context
	read, check, feed, report time.Time
}

// play sends the events, which repeat every second, and then waits until all has settled.
func (p *pump) play(events []event, lasts time.Duration) error {
	start := time.Now()
	for second := time.Duration(0); second < lasts; second += time.Second {
		for i := range events {
			e := &events[i]
			if second+e.at >= lasts {
				break
			}
			if err := p.wait(start.Add(second + e.at)); err != nil {
				return err
			}
			if err := p.c.send(e); err != nil {
				return err
			}
		}
	}
	return p.wait(start.Add(lasts + settle))
}

// wait does what is due meanwhile.
func (p *pump) wait(until time.Time) error {
	for {
		now := time.Now()
		if now.Sub(p.read) >= readEvery {
			p.read = now
			for i := range p.c.members {
				p.c.drain(i)
			}
			if err := p.keep(now); err != nil {
				return err
			}
			if p.ctx.Err() != nil {
				return p.ctx.Err()
			}
			now = time.Now()
		}
		left := min(until.Sub(now), readEvery-now.Sub(p.read))
		if until.Sub(now) <= 0 {
			return nil
		}
		if left > 0 {
			ts := unix.NsecToTimespec(int64(left))
			_ = unix.Nanosleep(&ts, nil)
		}
	}
}

// keep sends what keeps the sessions: checks and feedback.
func (p *pump) keep(now time.Time) error {
	check, feed, report := now.Sub(p.check) >= checkEvery, now.Sub(p.feed) >= feedbackEvery, now.Sub(p.report) >= reportEvery
	if check {
		p.check = now
	}
	if feed {
		p.feed = now
	}
	if report {
		p.report = now
	}
	for i, m := range p.c.members {
		for _, t := range m.transports() {
			if !check || t.full {
				break
			}
			req, err := t.check()
			if err != nil {
				return fmt.Errorf("forward: check: %w", err)
			}
			_, _ = unix.Write(t.fd, req.Raw)
		}
		e := &p.c.ends[i]
		var packets []rtcp.Packet
		if report && len(e.highest) > 0 {
			rr := &rtcp.ReceiverReport{SSRC: 1}
			for ssrc, n := range e.highest {
				rr.Reports = append(rr.Reports, rtcp.ReceptionReport{SSRC: ssrc, LastSequenceNumber: n})
			}
			packets = append(packets, rr)
		}
		if feed && e.recorder.PacketsHeld() > 0 {
			packets = append(packets, e.recorder.BuildFeedbackPacket()...)
		}
		if len(packets) > 0 {
			raw, err := rtcp.Marshal(packets)
			if err != nil {
				return fmt.Errorf("forward: feedback: %w", err)
			}
			if raw, err = m.hear.out.EncryptRTCP(nil, raw, nil); err != nil {
				return fmt.Errorf("forward: feedback: %w", err)
			}
			_, _ = unix.Write(m.hear.fd, raw)
		}
	}
	return nil
}

// send sends an event's packets back to back.
func (c *Crowd) send(e *event) error {
	f, m := &c.flows[e.from], c.members[e.from].send
	if e.begins {
		f.picture = (f.picture + 1) & 0x7fff
	}
	for k, size := range e.sizes {
		h := rtp.Header{Version: 2, PayloadType: audioPT, SSRC: audioSSRC, SequenceNumber: f.sequence[0], Timestamp: uint32(f.sequence[0]) * 960}
		lane := audio
		if e.video {
			lane = video
			h.PayloadType, h.SSRC, h.SequenceNumber, h.Timestamp = videoPT, videoSSRC, f.sequence[1], uint32(f.picture)*3000
			h.Marker = e.ends && k == len(e.sizes)-1
			_ = h.SetExtension(midID, []byte("1"))
			if !c.members[e.from].kind.Mic {
				_ = h.SetExtension(midID, []byte("0"))
			}
		} else {
			_ = h.SetExtension(levelID, []byte{0x80 | 30})
		}
		f.sequence[lane]++
		n, err := h.MarshalTo(f.buf)
		if err != nil {
			return fmt.Errorf("forward: %w", err)
		}
		body := f.buf[n:max(size, n+24)]
		if e.video {
			body[0], body[1], body[2], body[3] = 0x80, 0x80, 0x80|byte(f.picture>>8), byte(f.picture)
			body[4] = 0x01 // no key frame
			if e.begins && k == 0 {
				body[0] = 0x90
				if f.key {
					f.key = false
					copy(body[4:], []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01})
				}
			}
		}
		binary.BigEndian.PutUint64(body[len(body)-stampBytes:], uint64(time.Now().UnixNano()))
		sealed, err := m.out.EncryptRTP(nil, f.buf[:n+len(body)], nil)
		if err != nil {
			return fmt.Errorf("forward: %w", err)
		}
		if _, err := unix.Write(m.fd, sealed); err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.ECONNREFUSED) {
			return fmt.Errorf("forward: sending: %w", err)
		}
		f.sent[lane]++
	}
	return nil
}
