package documents_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"atrium/signaling/documents"
	"atrium/signaling/documents/wire"
)

// TestWhoTakesNothing: who reads nothing is closed long before two heartbeats are missed, though all that it is sent still fits
// into the buffers of the kernel.
func TestWhoTakesNothing(t *testing.T) {
	h := newHouse(t, func(o *documents.Options) { o.Unread = 500 * time.Millisecond })
	doc := uuid.New()
	a, slow := h.enter(uuid.New()), h.enter(uuid.New())
	for _, c := range []*client{a, slow} {
		c.join(doc)
		c.fenceQuietly()
	}
	a.expect(wire.TagJoinDocument, nil)
	slow.stall()
	content := strings.Repeat("x", wire.MaxContent)
	for range 40 {
		a.annotate(doc, content)
	}
	a.expect(wire.TagLeaveDocument, nil)
	for slow.ws.WriteMessage(1, []byte("x")) == nil { // it is closed
	}
}
