package documents

import (
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"atrium/signaling/documents/bus"
	"atrium/signaling/documents/store"
	"atrium/signaling/identity"
	"atrium/signaling/socket"
)

// Access says who may open which document. It is asked at each JoinDocument, and again of everybody at Server.Recheck.
type Access interface {
	// MayOpen is true for a document that no world names, and for one that is named by a world that c may join.
	MayOpen(c *identity.Claims, document uuid.UUID) bool
}

// Options are all that a Server is told at its start. Durations and numbers of zero take the default beside them.
type Options struct {
	Auth   identity.Auth
	Access Access
	Store  *store.Store // where notes are kept, unless there is a Bus
	Bus    *bus.Bus     // to the other nodes; nil: there are none. Whoever gives these closes them, after the server

	Messages  socket.Rate   // of a connection, a second: 1000; over it, it is read more slowly
	Joins     socket.Rate   // JoinDocument of a connection, a second: 10
	NoteRate  float64       // notes of a user, a second: 10, with bursts of twice that
	MaxNotes  int           // of a document: 10000
	MaxBytes  int           // of a document's notes: 8 MiB
	MaxJoined int           // documents that a connection is in: 32
	Tick      time.Duration // presence of a document goes out at most once per: 50 ms
	Typing    time.Duration // an indicator that is not renewed turns false after: 6 s

	Heartbeat  time.Duration // 20 s
	Flooding   time.Duration // over a limit for so long on end: closed, 10 s
	Unread     time.Duration // nothing of what is sent is taken for so long: closed, 10 s
	FrameBytes int64         // 64 KiB
	Queue      int           // ordered messages that wait for a reader: 256

	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics are registered
	Now        func() time.Time      // time.Now
}

func (o Options) withDefaults() Options {
	def(&o.Messages, 1000)
	def(&o.Joins, 10)
	def(&o.NoteRate, 10)
	def(&o.MaxNotes, 10_000)
	def(&o.MaxBytes, 8<<20)
	def(&o.MaxJoined, 32)
	def(&o.Tick, 50*time.Millisecond)
	def(&o.Typing, 6*time.Second)
	def(&o.Heartbeat, 20*time.Second)
	def(&o.Flooding, 10*time.Second)
	def(&o.Unread, 10*time.Second)
	def(&o.FrameBytes, 64<<10)
	def(&o.Queue, 256)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func def[T int | int64 | float64 | socket.Rate | time.Duration](v *T, otherwise T) {
	if *v <= 0 {
		*v = otherwise
	}
}

func (o *Options) noteBurst() int { return max(1, int(2*o.NoteRate)) }
