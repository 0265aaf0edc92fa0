package describe

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"atrium/signaling/protocol"
)

func TestRulesThatFitNothing(t *testing.T) {
	most := int64(1)
	cases := []struct {
		name    string
		payload any
		fields  protocol.Fields
		want    string
	}{
		{"a field that is not there", protocol.JoinWorld{}, protocol.Fields{"world": {MaxBytes: 1}}, `"world", which JoinWorld has not`},
		{"a bound of text", protocol.View{}, protocol.Fields{"max_video": {MaxBytes: 1}}, "rule for text"},
		{"a format of a list", protocol.View{}, protocol.Fields{"pinned": {Format: protocol.FormatURI}}, "rule for text"},
		{"a bound of a number", protocol.Connect{}, protocol.Fields{"token": {Max: &most}}, "rule for a number"},
		{"a bound of a list", protocol.View{}, protocol.Fields{"sizes": {MaxItems: 1}}, "rule for a list"},
		{"items of text", protocol.Connect{}, protocol.Fields{"token": {Each: &protocol.Rule{}}}, "rule for a list or a map"},
		{"the shape of text", protocol.Connect{}, protocol.Fields{"token": {Shape: protocol.User{}}}, "rule for raw JSON"},
		{"a type that JSON has not", struct {
			C chan int `json:"c"`
		}{}, nil, "chan int cannot be described"},
		{"an enum without values", struct {
			L protocol.Link `json:"l"`
		}{}, nil, "has no Values"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m, err := read("../..", protocol.Messages())
			if err != nil {
				t.Fatal(err)
			}
			_, err = m.message(protocol.Spec{Type: "ODD", Payload: c.payload, Fields: c.fields})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v; should say %q", err, c.want)
			}
		})
	}
	if _, err := read(t.TempDir(), nil); err == nil {
		t.Error("a folder without source was read")
	}
}

// TestCloseCodes: the list that is published holds every close code that the source has.
func TestCloseCodes(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	constants := 0
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(s.Names[0].Name, "Close") {
			constants++
		}
		return true
	})
	seen := map[int]bool{}
	for _, c := range protocol.CloseCodes() {
		seen[c.Code] = true
	}
	if len(seen) != constants {
		t.Errorf("%d close codes are listed, %d are there", len(seen), constants)
	}
}

func TestWrap(t *testing.T) {
	for _, line := range wrap(strings.Repeat("some words ", 40), 60) {
		if len(line) > 60 || line == "" {
			t.Errorf("%q", line)
		}
	}
}
