package space

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
)

const boardDocument = `{"name": "document_id", "type": "string", "value": "40000000-0000-4000-8000-000000000001"}`

// written is the office with a text for its board.
func written(t *testing.T, file string) []byte {
	t.Helper()
	text := officeText(t)
	if !strings.Contains(text, boardDocument) {
		t.Fatal("the office's board has another document")
	}
	return []byte(strings.Replace(text, boardDocument, boardDocument+`, {"name": "document_file", "type": "file", "value": "`+file+`"}`, 1))
}

func TestDocument(t *testing.T) {
	id := uuid.MustParse("40000000-0000-4000-8000-000000000001")
	asked := ""
	m, err := ParseMap("office.tmj", written(t, "./texts/plan.md"), func(name string) ([]byte, error) {
		asked = name
		return []byte("# Plan\r\n\r\none"), nil
	})
	if err != nil || asked != "texts/plan.md" {
		t.Fatalf("asked for %q: %v", asked, err)
	}
	if d, ok := m.Document(id); !ok || d.Name != "Board" || d.Text != "# Plan\n\none" {
		t.Errorf("%+v, %v", d, ok)
	}
	if _, ok := m.Document(uuid.New()); ok {
		t.Error("an id that no object names has a document")
	}
	plain, err := ParseMap("office.tmj", []byte(officeText(t)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if d, ok := plain.Document(id); !ok || d.Text != "" {
		t.Errorf("without a file: %+v, %v", d, ok)
	}
}

func TestDocumentErrors(t *testing.T) {
	for _, c := range []struct {
		name, file string
		data       []byte
		err        error
		want       string
	}{
		{name: "above", file: "../plan.md", want: `object "Board": document file "../plan.md" is outside the world's folder`},
		{name: "absolute", file: "/etc/passwd", want: "is outside the world's folder"},
		{name: "missing", file: "plan.md", err: errors.New("no such file"), want: `document file "plan.md" cannot be read: no such file`},
		{name: "no text", file: "plan.md", data: []byte{0xff, 0xfe}, want: "is no text: want UTF-8"},
		{name: "zeros", file: "plan.md", data: []byte("a\x00b"), want: "is no text: want UTF-8"},
		{name: "too large", file: "plan.md", data: make([]byte, documentBytes+1), want: "has 262145 bytes, want at most 262144"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := ParseMap("office.tmj", written(t, c.file), func(string) ([]byte, error) { return c.data, c.err })
			if m != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("want %q, got %v", c.want, err)
			}
		})
	}
	text := strings.Replace(string(written(t, "plan.md")), boardDocument+", ", "", 1)
	if _, err := ParseMap("office.tmj", []byte(text), nil); err == nil || !strings.Contains(err.Error(), `object "Board": property "document_file" needs a "document_id"`) {
		t.Errorf("a text of no document: %v", err)
	}
	// A second object with the same document, and another text.
	chair := `{"name": "object_id", "type": "string", "value": "30000000-0000-4000-8000-000000000001"}`
	text = strings.Replace(string(written(t, "plan.md")), chair, chair+", "+boardDocument+`, {"name": "document_file", "type": "file", "value": "other.md"}`, 1)
	_, err := ParseMap("office.tmj", []byte(text), func(string) ([]byte, error) { return nil, nil })
	if err == nil || !strings.Contains(err.Error(), "one document has one text") {
		t.Errorf("two texts of one document: %v", err)
	}
}
