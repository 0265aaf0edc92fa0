package describe

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"reflect"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
)

type kind int

const (
	text kind = iota
	id
	number
	integer
	boolean
	list
	dictionary
	object // a named type
	enum   // a named type
	anything
)

// shape is what a field holds.
type shape struct {
	kind     kind
	ref      string // the named type
	nullable bool
	item     *shape // of a list, or the values of a dictionary
	byID     bool   // the keys of a dictionary are ids
	rule     protocol.Rule
}

// shape reads a Go type under a rule of the table.
func (m *model) shape(t reflect.Type, rule protocol.Rule) (s shape, err error) {
	s.rule = rule
	switch t {
	case reflect.TypeFor[uuid.UUID]():
		s.kind = id
		return s, nil
	case reflect.TypeFor[json.RawMessage]():
		if rule.Shape == nil {
			s.kind = anything
			return s, nil
		}
		s.kind, s.nullable = object, true
		s.ref, err = m.object(reflect.TypeOf(rule.Shape))
		return s, err
	}
	switch t.Kind() {
	case reflect.Pointer:
		s, err = m.shape(t.Elem(), rule)
		s.nullable = true
	case reflect.String:
		switch {
		case t.PkgPath() != "":
			s.kind = enum
			s.ref, err = m.enum(t)
		case rule.Format == protocol.FormatUUID:
			s.kind = id
		default:
			s.kind = text
		}
	case reflect.Bool:
		s.kind = boolean
	case reflect.Float64:
		s.kind = number
	case reflect.Int, reflect.Int64, reflect.Uint16, reflect.Uint64:
		s.kind = integer
		s.rule = bounded(t.Kind(), rule)
	case reflect.Slice, reflect.Map:
		s.kind = list
		if t.Kind() == reflect.Map {
			s.kind = dictionary
			s.byID = t.Key() == reflect.TypeFor[uuid.UUID]()
		}
		var each protocol.Rule
		if rule.Each != nil {
			each = *rule.Each
		}
		var item shape
		item, err = m.shape(t.Elem(), each)
		s.item = &item
	case reflect.Struct:
		s.kind = object
		s.ref, err = m.object(t)
	case reflect.Interface:
		s.kind = anything
	default:
		err = fmt.Errorf("%s cannot be described", t)
	}
	return s, cmp.Or(err, s.fits())
}

// fits reports a rule that says nothing of such a shape.
func (s shape) fits() error {
	r := s.rule
	var wrong string
	switch {
	case (r.Const != "" || r.MinBytes > 0 || r.MaxBytes > 0 || r.MaxRunes > 0) && s.kind != text, r.Format != "" && s.kind != text && s.kind != id:
		wrong = "text"
	case (r.Min != nil || r.Max != nil) && s.kind != number && s.kind != integer:
		wrong = "a number"
	case r.MaxItems > 0 && s.kind != list:
		wrong = "a list"
	case r.Each != nil && s.kind != list && s.kind != dictionary:
		wrong = "a list or a map"
	case r.Shape != nil:
		wrong = "raw JSON"
	default:
		return nil
	}
	return fmt.Errorf("the table has a rule for %s, which it is not", wrong)
}

// bounded says what an integer can be. A client in JavaScript counts to 2^53-1 exactly, so nothing beyond is taken or sent.
func bounded(k reflect.Kind, rule protocol.Rule) protocol.Rule {
	least, most := int64(-(1<<53 - 1)), int64(1<<53-1)
	switch k {
	case reflect.Uint16:
		least, most = 0, math.MaxUint16
	case reflect.Uint64:
		least = 0
	}
	if rule.Min == nil {
		rule.Min = &least
	}
	if rule.Max == nil {
		rule.Max = &most
	}
	return rule
}

// enum enters a string type that lists its values among the named types.
func (m *model) enum(t reflect.Type) (string, error) {
	n, isNew := m.enter(t)
	if !isNew {
		return n.name, nil
	}
	values := reflect.Zero(t).MethodByName("Values")
	if !values.IsValid() {
		return "", fmt.Errorf("%s has no Values", t)
	}
	docs := map[string]string{}
	for _, v := range m.comments.values[t.Name()] {
		docs[v.text] = v.doc
	}
	listed := values.Call(nil)[0]
	for i := range listed.Len() {
		v := listed.Index(i).String()
		n.values = append(n.values, value{text: v, doc: docs[v]})
	}
	if len(docs) != len(n.values) {
		return "", fmt.Errorf("%s has %d constants and lists %d values", t, len(docs), len(n.values))
	}
	return n.name, nil
}
