package store

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// ID is a document: the same id in two workspaces is two documents.
type ID struct{ Workspace, Document uuid.UUID }

func (id ID) key() []byte {
	return append(append(make([]byte, 0, 32), id.Workspace[:]...), id.Document[:]...)
}

// Note is an annotation or a comment.
type Note struct {
	Author uuid.UUID
	Frame  []byte // as members are sent it; it must not change
}

// Result tells a document what became of its notes, in the order in which they were appended: err is nil, they are
// stored and come after all that were before them; or none of them is.
type Result func(notes []Note, err error)

// Errors of a note that is not taken.
var (
	ErrFull   = errors.New("store: too many notes wait for the disk")
	ErrClosed = errors.New("store: it is closed")
	ErrInUse  = errors.New("store: another process has the file open")
)

const (
	queue = 4096 // notes that wait for the disk, of all documents
	batch = 1024 // the most of them that one transaction takes
)

var documents = []byte("documents") // the root bucket: a bucket for each document, notes by their number

// Store is a file.
type Store struct {
	// Static after construction.
	opt     Options
	waiting chan entry
	stop    context.CancelFunc // of the opener
	done    chan struct{}      // opener and writer have ended

	// Guarded by mu.
	mu     sync.RWMutex
	db     *bbolt.DB // nil: another process has the file
	closed bool
}

// Options are what a Store may be told.
type Options struct {
	Observe func(notes int, took time.Duration) // a transaction was committed; nil: nobody asks
	Logger  *slog.Logger                        // nil: none
}

type entry struct {
	id   ID
	note Note
	done Result
}

// Open opens the file or makes it. While another process has it, which may be this node's former self on its way out,
// the store is out of reach, and tries again.
func Open(file string, o Options) (*Store, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Store{opt: o, waiting: make(chan entry, queue), stop: cancel, done: make(chan struct{})}
	err := s.open(file)
	if err != nil && !errors.Is(err, berrors.ErrTimeout) {
		cancel()
		return nil, err
	}
	if err != nil {
		o.Logger.Warn("the documents' notes are out of reach: another process has the file open", "file", file)
	}
	go s.run(ctx, file)
	return s, nil
}

// patience is how long one try to lock the file takes; bbolt looks every 50 ms.
const patience = 200 * time.Millisecond

func (s *Store) open(file string) error {
	db, err := bbolt.Open(file, 0o600, &bbolt.Options{Timeout: patience, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(documents)
		return err
	})
	if err != nil {
		return errors.Join(err, db.Close())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.db = db
	return nil
}

// run opens the file where that is still to do, and then is the writer.
func (s *Store) run(ctx context.Context, file string) {
	defer close(s.done)
	for s.database() == nil {
		switch err := s.open(file); {
		case ctx.Err() != nil:
			if db := s.database(); db == nil {
				return
			}
		case err == nil:
			s.opt.Logger.Info("the documents' notes are in reach", "file", file)
		case !errors.Is(err, berrors.ErrTimeout):
			s.opt.Logger.Error("the documents' notes cannot be opened", "file", file, "err", err)
			<-ctx.Done()
			return
		}
	}
	s.write()
}

func (s *Store) database() *bbolt.DB {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.db
}

// Load gives the notes of a document, in order.
func (s *Store) Load(id ID) (frames [][]byte, err error) {
	db := s.database()
	if db == nil {
		return nil, ErrInUse
	}
	err = db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(documents).Bucket(id.key())
		if b == nil {
			return nil
		}
		return b.ForEach(func(_, frame []byte) error {
			frames = append(frames, append([]byte(nil), frame...)) // bbolt's is gone with the transaction
			return nil
		})
	})
	return frames, err
}

// Append queues a note and never waits. What became of it is told by the writer's goroutine; notes of one document that
// were appended one after the other are stored in that order.
func (s *Store) Append(id ID, n Note, done Result) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case s.closed:
		return ErrClosed
	case s.db == nil:
		return ErrInUse
	}
	select {
	case s.waiting <- entry{id, n, done}:
		return nil
	default:
		return ErrFull
	}
}

// Close stores what waits and closes the file.
func (s *Store) Close() error {
	s.mu.Lock()
	closed := s.closed
	if s.closed = true; !closed {
		s.stop()
		close(s.waiting)
	}
	s.mu.Unlock()
	<-s.done
	if db := s.database(); db != nil {
		return db.Close() // closing twice does no harm
	}
	return nil
}

// write is the writer: it takes all that waits into one transaction.
func (s *Store) write() {
	for e := range s.waiting {
		entries := append(make([]entry, 0, 16), e)
	more:
		for len(entries) < batch {
			select {
			case e, ok := <-s.waiting:
				if !ok {
					break more
				}
				entries = append(entries, e)
			default:
				break more
			}
		}
		began := time.Now()
		err := s.commit(entries)
		if err == nil && s.opt.Observe != nil {
			s.opt.Observe(len(entries), time.Since(began))
		}
		tell(entries, err)
	}
}

func (s *Store) commit(entries []entry) error {
	return s.database().Update(func(tx *bbolt.Tx) error {
		root := tx.Bucket(documents)
		for _, e := range entries {
			b, err := root.CreateBucketIfNotExists(e.id.key())
			if err != nil {
				return err
			}
			b.FillPercent = 0.9 // notes are only ever added at the end
			n, err := b.NextSequence()
			if err != nil {
				return err
			}
			if err := b.Put(binary.BigEndian.AppendUint64(nil, n), e.note.Frame); err != nil {
				return err
			}
		}
		return nil
	})
}

// tell calls each document once, with its notes in order.
func tell(entries []entry, err error) {
	byID := make(map[ID][]Note)
	var order []entry
	for _, e := range entries {
		if _, ok := byID[e.id]; !ok {
			order = append(order, e)
		}
		byID[e.id] = append(byID[e.id], e.note)
	}
	for _, e := range order {
		e.done(byID[e.id], err)
	}
}
