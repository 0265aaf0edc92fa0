package forward

import (
	"context"
	"errors"
)

// Place is where members meet: an office of Atrium's, or a room of another server's.
type Place interface {
	// enter brings somebody in, without the media that it is to receive.
	enter(ctx context.Context, n int, k Kind) (guest, error)
	// atOnce says whether members' media can come up one by one once so many are in; else all enter first.
	atOnce(n int) bool
}

// guest is somebody in a place.
type guest interface {
	// connect brings its media up: the transport by which it sends, and that by which it hears, which may be the same. Those
	// that it gives with an error are to be closed.
	connect(ctx context.Context) (send, hear *media, err error)
	leave() error
}

// Kind is what a member sends and how many slots it asks for.
type Kind struct {
	Mic, Camera  bool
	Audio, Video int
	Silent       bool // has a microphone or a camera, and sends nothing by it
}

func (k Kind) sends() bool    { return (k.Mic || k.Camera) && !k.Silent }
func (k Kind) receives() bool { return k.Audio+k.Video > 0 }

// member is somebody in a place.
type member struct {
	kind       Kind
	guest      guest
	send, hear *media // nil: none, or not yet
}

func (m *member) connect(ctx context.Context) (err error) {
	m.send, m.hear, err = m.guest.connect(ctx)
	return err
}

// transports are those that it has.
func (m *member) transports() []*media {
	switch {
	case m.send == nil && m.hear == nil:
		return nil
	case m.send == nil || m.send == m.hear:
		return []*media{m.hear}
	case m.hear == nil:
		return []*media{m.send}
	}
	return []*media{m.send, m.hear}
}

func (m *member) leave() error {
	var errs []error
	for _, t := range m.transports() {
		errs = append(errs, t.close())
	}
	return errors.Join(append(errs, m.guest.leave())...)
}

// The lanes of a member's packets.
const (
	audio = iota
	video
	lanes
)

// audience says for each member and lane who receives what it sends: everybody's slots go to the first who send, other than
// itself. Which of many an SFU chooses is its affair; how many it can is not.
func audience(kinds []Kind) (all [lanes][][]int) {
	for lane := range all {
		all[lane] = make([][]int, len(kinds))
		for to, k := range kinds {
			slots := k.Audio
			if lane == video {
				slots = k.Video
			}
			for from := 0; from < len(kinds) && slots > 0; from++ {
				f := kinds[from]
				if from == to || !f.sends() || lane == audio && !f.Mic || lane == video && !f.Camera {
					continue
				}
				all[lane][from] = append(all[lane][from], to)
				slots--
			}
		}
	}
	return all
}
