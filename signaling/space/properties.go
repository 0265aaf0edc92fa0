package space

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// properties are the custom properties of one thing. Each getter reports what is wrong; unknown
// reports names that nobody asked for, because a mistyped "roles" must not open a door.
type properties struct {
	list   []tiledProperty
	asked  []string
	report func(format string, args ...any)
}

func (p *properties) find(name string) (tiledProperty, bool) {
	p.asked = append(p.asked, name)
	for _, t := range p.list {
		if t.Name == name {
			return t, true
		}
	}
	return tiledProperty{}, false
}

func (p *properties) read(name, want string, into any) bool {
	t, ok := p.find(name)
	if !ok {
		return false
	}
	if t.Value == nil || string(t.Value) == "null" || json.Unmarshal(t.Value, into) != nil {
		p.report("property %q is %s, want %s", name, short(t.Value), want)
		return false
	}
	return true
}

func (p *properties) text(name string) string {
	var s string
	p.read(name, "a string", &s)
	return strings.TrimSpace(s)
}

func (p *properties) flag(name string) (value, given bool) {
	given = p.read(name, "a bool", &value)
	return value, given
}

// count reads a number of at least 1; 0 where there is none.
func (p *properties) count(name string) int {
	var n int
	if p.read(name, "a whole number of at least 1", &n) && n < 1 {
		p.report("property %q is %d, want at least 1, or no such property for no limit", name, n)
		return 0
	}
	return n
}

func (p *properties) id(name string, required bool) uuid.UUID {
	s := p.text(name)
	if s == "" {
		if required {
			p.report("property %q is missing: give it a uuid (the command uuidgen makes one)", name)
		}
		return uuid.Nil
	}
	// The 36-character form only: it is what the wire carries.
	id, err := uuid.Parse(s)
	if err != nil || len(s) != 36 || id == uuid.Nil {
		p.report("property %q is %s, want a uuid like 6f1c1c2e-6a0b-4a39-9c0e-0d5a3f8e7b21", name, short([]byte(s)))
		return uuid.Nil
	}
	return id
}

// words reads a comma-separated list out of a closed set; nil where there is none.
func words[T ~string](p *properties, name string, known ...T) []T {
	if _, given := p.find(name); !given {
		return nil
	}
	out := []T{}
	for w := range strings.SplitSeq(p.text(name), ",") {
		w := T(strings.TrimSpace(w))
		switch {
		case !slices.Contains(known, w):
			p.report("property %q names %s, want some of %s, separated by commas", name, short([]byte(w)), join(known))
		case !slices.Contains(out, w):
			out = append(out, w)
		}
	}
	return out
}

func (p *properties) unknown() {
	for _, t := range p.list {
		if !slices.Contains(p.asked, t.Name) {
			p.report("unknown property %q: known here are %s", t.Name, join(p.asked))
		}
	}
}

func join[T ~string](list []T) string {
	s := make([]string, len(list))
	for i, w := range list {
		s[i] = string(w)
	}
	return strings.Join(s, ", ")
}

// short quotes a value for an error, at a readable length.
func short(v []byte) string {
	const most = 60
	s := strings.Trim(string(v), `"`)
	if len(s) > most {
		s = s[:most] + "…"
	}
	return fmt.Sprintf("%q", s)
}
