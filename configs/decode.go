package configs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"
)

// decoder fills a Config from one file. It walks YAML's nodes itself: yaml's own strict mode stops at
// kinds of errors, and names neither key nor remedy.
type decoder struct {
	problems
	file string // as errors name it
	dir  string // what relative paths are relative to; empty: nothing
}

func (d *decoder) decode(data []byte) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if !errors.Is(err, io.EOF) { // an empty file is all defaults
			d.syntax(err)
		}
		return
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		if err != nil {
			d.syntax(err)
		} else {
			d.syntax(fmt.Errorf("line %d: a second document begins: keep one", more.Line))
		}
		return
	}
	d.section("", doc.Content[0], reflect.ValueOf(d.c).Elem())
}

func (d *decoder) syntax(err error) {
	d.errs = append(d.errs, &Error{Remedy: "not YAML: " + strings.TrimPrefix(err.Error(), "yaml: "), Source: d.file})
}

func (d *decoder) at(n *yaml.Node) string { return d.file + ":" + strconv.Itoa(n.Line) }

func (d *decoder) wrong(n *yaml.Node, key, remedy string, args ...any) {
	value := n.Value
	switch n.Kind {
	case yaml.MappingNode:
		value = "{…}"
	case yaml.SequenceNode:
		value = "[…]"
	case yaml.AliasNode:
		value = "*" + value
	}
	d.errs = append(d.errs, &Error{Key: key, Value: value, Remedy: fmt.Sprintf(remedy, args...), Source: d.at(n)})
}

// section reads a mapping into a struct.
func (d *decoder) section(key string, n *yaml.Node, into reflect.Value) {
	known := fields(into)
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return // all of the section is commented out
	}
	if n.Kind == yaml.AliasNode {
		d.wrong(n, key, "anchors and aliases are not read: write the keys out")
		return
	}
	if n.Kind != yaml.MappingNode {
		d.wrong(n, key, "want a section with the keys %s", strings.Join(names(known), ", "))
		return
	}
	seen := make(map[string]bool)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		name := join(key, k.Value)
		j := slices.IndexFunc(known, func(f field) bool { return f.name == k.Value })
		switch {
		case j < 0:
			d.wrong(v, name, "unknown key%s: known here are %s", meant(k.Value, names(known)), strings.Join(names(known), ", "))
		case seen[k.Value]:
			d.wrong(v, name, "the key is given twice: keep one")
		case known[j].value.Kind() == reflect.Struct && !leaf(known[j].value):
			d.section(name, v, known[j].value)
		default:
			d.value(name, v, known[j].value)
		}
		seen[k.Value] = true
	}
}

// value reads one key's value.
func (d *decoder) value(key string, n *yaml.Node, into reflect.Value) {
	if _, secret := into.Interface().(Secret); secret && n.Tag != "!!str" {
		hidden := *n // a number may have been meant as the secret: errors do not show it
		hidden.Value = ""
		n = &hidden
	}
	if _, ok := into.Interface().([]Path); ok {
		if n.Kind != yaml.SequenceNode {
			d.wrong(n, key, "want a list of files")
			return
		}
		var list []Path
		for _, e := range n.Content {
			if e.Kind != yaml.ScalarNode || e.Tag != "!!str" || e.Value == "" {
				d.wrong(e, key, "want a list of files")
				return
			}
			list = append(list, d.path(e.Value))
		}
		d.c.sources[key] = d.at(n)
		into.Set(reflect.ValueOf(list))
		return
	}
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		d.wrong(n, key, "want %s; delete the line for the default", wanted(into))
		return
	}
	// A quoted number is a text to YAML and to us.
	if !slices.Contains(tags(into), n.Tag) {
		d.wrong(n, key, "want %s", wanted(into))
		return
	}
	if err := d.set(into, n.Value); err != nil {
		d.wrong(n, key, "want %s", wanted(into))
		return
	}
	d.c.sources[key] = d.at(n)
}

// set parses a text into a value of a key.
func (d *decoder) set(into reflect.Value, text string) error {
	var v any
	var err error
	switch into.Interface().(type) {
	case string:
		v = text
	case Secret:
		v = Secret(text)
	case RedisURL:
		v = RedisURL(text)
	case Path:
		v = d.path(text)
	case []Path:
		var list []Path
		for s := range strings.SplitSeq(text, ",") {
			if s = strings.TrimSpace(s); s != "" {
				list = append(list, d.path(s))
			}
		}
		v = list
	case bool:
		v, err = strconv.ParseBool(text)
	case int:
		v, err = strconv.Atoi(text)
	case *int:
		var n int
		n, err = strconv.Atoi(text)
		v = &n
	case float64:
		var f float64
		if f, err = strconv.ParseFloat(text, 64); err == nil && (math.IsNaN(f) || math.IsInf(f, 0)) {
			err = errors.New("not a number")
		}
		v = f
	case time.Duration:
		v, err = time.ParseDuration(text)
	case *time.Duration:
		var t time.Duration
		t, err = time.ParseDuration(text)
		v = &t
	case netip.Addr:
		var a netip.Addr
		if text != "" {
			a, err = netip.ParseAddr(text)
		}
		v = a
	case uuid.UUID:
		v, err = uuid.Parse(text)
	default:
		panic(fmt.Sprintf("configs: a key of type %s", into.Type()))
	}
	if err == nil {
		into.Set(reflect.ValueOf(v))
	}
	return err
}

func (d *decoder) path(s string) Path {
	if s == "" || filepath.IsAbs(s) || d.dir == "" {
		return Path(s)
	}
	return Path(filepath.Join(d.dir, s))
}

// wanted says what a key of this type takes.
func wanted(v reflect.Value) string {
	switch v.Interface().(type) {
	case bool:
		return "true or false"
	case int, *int:
		return "a whole number"
	case float64:
		return "a number"
	case time.Duration, *time.Duration:
		return "a duration with a unit, like 5s, 100ms or 10m"
	case netip.Addr:
		return "an IP address like 203.0.113.7"
	case uuid.UUID:
		return "a uuid like " + DemoWorkspace.String()
	case Secret:
		return "a text of at least 32 bytes in quotes"
	case RedisURL:
		return wantRedis
	case Path:
		return "the name of a file or directory"
	case []Path:
		return "a list of files"
	}
	return "a text; put it in quotes"
}

// tags are YAML's own kinds of scalars that a key of this type takes.
func tags(v reflect.Value) []string {
	switch v.Interface().(type) {
	case bool:
		return []string{"!!bool"}
	case int, *int:
		return []string{"!!int"}
	case float64:
		return []string{"!!int", "!!float"}
	}
	return []string{"!!str"}
}

// field is a key of a section.
type field struct {
	name  string
	value reflect.Value
}

func fields(v reflect.Value) []field {
	var out []field
	for i := range v.NumField() {
		if name := v.Type().Field(i).Tag.Get("yaml"); name != "" && name != "-" {
			out = append(out, field{name, v.Field(i)})
		}
	}
	return out
}

func names(list []field) []string {
	out := make([]string, len(list))
	for i, f := range list {
		out[i] = f.name
	}
	return out
}

// leaf says that a struct is one value and no section.
func leaf(v reflect.Value) bool {
	_, ok := v.Interface().(netip.Addr)
	return ok
}

// leaves calls each for every key below v.
func leaves(key string, v reflect.Value, each func(key string, v reflect.Value)) {
	for _, f := range fields(v) {
		if f.value.Kind() == reflect.Struct && !leaf(f.value) {
			leaves(join(key, f.name), f.value, each)
		} else {
			each(join(key, f.name), f.value)
		}
	}
}

func join(section, name string) string {
	if section == "" {
		return name
	}
	return section + "." + name
}

// meant guesses the key behind a mistyped one.
func meant(name string, known []string) string {
	flat := func(s string) string {
		return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(s))
	}
	for _, k := range known {
		if a, b := flat(k), flat(name); a == b || a+"s" == b || b+"s" == a {
			return fmt.Sprintf(" (%s is meant?)", k)
		}
	}
	return ""
}
