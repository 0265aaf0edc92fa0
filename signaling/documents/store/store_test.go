package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, file string) *Store {
	t.Helper()
	s, err := Open(file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func id() ID { return ID{uuid.New(), uuid.New()} }

// TestGroupCommit: notes that come while the disk is busy share a transaction; each document is told of its own, in order, and
// what is told is there after the file was closed.
func TestGroupCommit(t *testing.T) {
	const each = 300
	file := filepath.Join(t.TempDir(), "notes", "documents.db") // whose folder is made
	commits := 0
	s, err := Open(file, Options{Observe: func(int, time.Duration) { commits++ }})
	if err != nil {
		t.Fatal(err)
	}
	docs := []ID{id(), id(), {}}
	docs[2] = ID{uuid.New(), docs[0].Document} // the same id elsewhere
	var mu sync.Mutex
	told := make(map[ID][]string)
	for n := range each {
		for _, d := range docs {
			err := s.Append(d, Note{Frame: fmt.Append(nil, n)}, func(notes []Note, err error) {
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, n := range notes {
					told[d] = append(told[d], string(n.Frame))
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil { // stores what waits
		t.Fatal(err)
	}
	if commits >= each*len(docs)/2 {
		t.Errorf("%d transactions for %d notes", commits, each*len(docs))
	}
	if err := s.Append(docs[0], Note{}, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
	again := open(t, file)
	for _, d := range docs {
		frames, err := again.Load(d)
		if err != nil || len(frames) != each || len(told[d]) != each {
			t.Fatalf("%d of %d notes, %d told, %v", len(frames), each, len(told[d]), err)
		}
		for n := range each {
			if want := fmt.Sprint(n); string(frames[n]) != want || told[d][n] != want {
				t.Fatalf("%s is stored and %s told, should be %s", frames[n], told[d][n], want)
			}
		}
	}
	if frames, err := again.Load(id()); err != nil || len(frames) != 0 {
		t.Errorf("%d notes of nothing, %v", len(frames), err)
	}
}

// TestFileInUse: while another has the file, the store is out of reach; when that one ends, it is in reach.
func TestFileInUse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "documents.db")
	first := open(t, file)
	second := open(t, file)
	d := id()
	if _, err := second.Load(d); !errors.Is(err, ErrInUse) {
		t.Fatalf("%v", err)
	}
	if err := second.Append(d, Note{}, nil); !errors.Is(err, ErrInUse) {
		t.Fatalf("%v", err)
	}
	third := open(t, file)
	if err := third.Close(); err != nil { // before it ever had the file
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(30 * time.Second)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		if _, err := second.Load(d); err == nil {
			return
		}
		select {
		case <-again.C:
		case <-deadline:
			t.Fatal("it is still out of reach")
		}
	}
}

func TestFolderThatCannotBe(t *testing.T) {
	if _, err := Open("/dev/null/documents.db", Options{}); err == nil {
		t.Error("opened")
	}
}
