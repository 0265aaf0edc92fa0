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
	"atrium/signaling/documents"
	"atrium/signaling/documents/store"
	"atrium/signaling/identity"
	"atrium/signaling/socket"
)

// openNotes opens the file of the documents' notes; nil: documents are off.
func openNotes(cfg *configs.Config, logger *slog.Logger, metrics prometheus.Registerer) (*store.Store, error) {
	if !cfg.Documents.Enabled {
		return nil, nil
	}
	commits := promauto.With(metrics).NewHistogram(prometheus.HistogramOpts{
		Namespace: "atrium", Subsystem: "documents", Name: "commit_seconds",
		Help: "How long the disk took for a transaction of notes.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 12),
	})
	dir := string(cfg.DataDir)
	s, err := store.Open(filepath.Join(dir, "documents.db"), store.Options{
		Observe: func(_ int, took time.Duration) { commits.Observe(took.Seconds()) }, Logger: logger.With("part", "documents"),
	})
	if err != nil {
		return nil, configError(cfg.Problem("data_dir", dir, "the documents' notes cannot be kept there: %v: give data_dir a directory of this node's own that the process may write, or set documents.enabled to false", err))
	}
	return s, nil
}

// newDocuments makes the document protocol's server; nil: off.
func newDocuments(cfg *configs.Config, auth identity.Auth, p *parts, logger *slog.Logger, metrics prometheus.Registerer) *documents.Server {
	if p.notes == nil {
		return nil
	}
	d := cfg.Documents
	return documents.New(documents.Options{
		Auth: auth, Access: p.members, Store: p.notes,
		Messages: socket.Rate(d.Messages), Joins: socket.Rate(d.Joins), NoteRate: float64(d.Notes),
		MaxNotes: d.MaxNotes, MaxBytes: d.MaxBytes, Tick: d.Tick,
		Heartbeat: cfg.Session.Heartbeat, FrameBytes: int64(cfg.Limits.FrameBytes), Queue: cfg.Session.Queue,
		Logger: logger.With("part", "documents"), Registerer: metrics,
	})
}

// shutdownDocuments ends the connections first: what they sent is stored before the file is closed.
func (p *parts) shutdownDocuments(ctx context.Context) error {
	if p.documents == nil {
		return nil
	}
	err := p.documents.Shutdown(ctx)
	return errors.Join(err, p.notes.Close())
}
