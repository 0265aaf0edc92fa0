package node

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"atrium/configs"
	"atrium/signaling"
	"atrium/signaling/documents"
	"atrium/signaling/documents/bus"
	"atrium/signaling/documents/store"
	"atrium/signaling/identity"
	"atrium/signaling/socket"
)

// papers is the document protocol's part of a node: its server, and where the notes are.
type papers struct {
	server *documents.Server // nil: off
	store  *store.Store      // nil: the notes are in Redis
	bus    *bus.Bus          // nil: there are no other nodes
}

// openPapers opens the file of the notes, or the way to the other nodes.
func openPapers(cfg *configs.Config, logger *slog.Logger, metrics prometheus.Registerer) (p papers, err error) {
	logger = logger.With("part", "documents")
	switch d := cfg.Documents; {
	case !d.Enabled:
	case d.RedisURL != "":
		if p.bus, err = bus.Open(string(d.RedisURL), bus.Options{Logger: logger}); err != nil {
			err = configError(cfg.Problem("documents.redis_url", d.RedisURL.String(), "%v", err))
		}
	default:
		commits := promauto.With(metrics).NewHistogram(prometheus.HistogramOpts{
			Namespace: "atrium", Subsystem: "documents", Name: "commit_seconds",
			Help: "How long the disk took for a transaction of notes.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 12),
		})
		dir := string(cfg.DataDir)
		p.store, err = store.Open(filepath.Join(dir, "documents.db"), store.Options{
			Observe: func(_ int, took time.Duration) { commits.Observe(took.Seconds()) }, Logger: logger,
		})
		if err != nil {
			err = configError(cfg.Problem("data_dir", dir, "the documents' notes cannot be kept there: %v: give data_dir a directory that the process may write, or set documents.enabled to false", err))
		}
	}
	return p, err
}

// serve makes the server, where documents are on.
func (p *papers) serve(cfg *configs.Config, auth identity.Auth, worlds *signaling.Server, logger *slog.Logger, metrics prometheus.Registerer) {
	d := cfg.Documents
	if !d.Enabled {
		return
	}
	p.server = documents.New(documents.Options{
		Auth: auth, Access: worlds, Store: p.store, Bus: p.bus,
		Messages: socket.Rate(d.Messages), Joins: socket.Rate(d.Joins), NoteRate: float64(d.Notes),
		MaxNotes: d.MaxNotes, MaxBytes: d.MaxBytes, Tick: d.Tick,
		Heartbeat: cfg.Session.Heartbeat, FrameBytes: int64(cfg.Limits.FrameBytes), Queue: cfg.Session.Queue,
		Logger: logger.With("part", "documents"), Registerer: metrics,
	})
}

// recheck puts out who may not be in a document any more: a world, or who may join it, has changed.
func (p *papers) recheck() {
	if p.server != nil {
		p.server.Recheck()
	}
}

// shutdown ends the connections first: what they sent is stored before the store is closed.
func (p *papers) shutdown(ctx context.Context) error {
	var err error
	if p.server != nil {
		err = p.server.Shutdown(ctx)
	}
	return errors.Join(err, p.close())
}

func (p *papers) close() error {
	var errs []error
	if p.bus != nil {
		errs = append(errs, p.bus.Close())
	}
	if p.store != nil {
		errs = append(errs, p.store.Close())
	}
	return errors.Join(errs...)
}
