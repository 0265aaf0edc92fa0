package protocol_test

import (
	"bytes"
	"os"
	"testing"

	"atrium/signaling/protocol/internal/describe"
)

// TestGeneratedFiles: what is committed is what the Go types say.
func TestGeneratedFiles(t *testing.T) {
	files, err := describe.Files(".")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatalf("%v; run make generate", err)
		}
		if !bytes.Equal(got, want) {
			line := 1 + bytes.Count(common(got, want), []byte("\n"))
			t.Errorf("%s is not what the Go types say, from line %d on; run make generate", name, line)
		}
	}
}

// common gives what two texts begin with.
func common(a, b []byte) []byte {
	for i := range a {
		if i == len(b) || a[i] != b[i] {
			return a[:i]
		}
	}
	return a
}
