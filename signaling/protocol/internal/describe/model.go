package describe

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"atrium/signaling/protocol"
)

// published names types whose Go name says too little, or another thing, outside of their package.
var published = map[string]string{"Code": "ErrorCode", "Error": "ErrorPayload", "State": "AvatarState"}

// model is the protocol without any language.
type model struct {
	comments *comments
	types    map[string]*named
	messages []message
}

// named is a type that messages refer to: an object or an enum.
type named struct {
	name, doc string
	place     int     // in the source
	extends   string  // the type whose fields an object has too
	fields    []field // an object's, without those of extends
	values    []value // an enum's
}

type message struct {
	protocol.Spec
	typ     string  // the payload's type
	fields  []field // the payload's own, by the rules of the table
	ruled   bool    // fields says more than the type does
	altered bool    // fields has others than the type has
}

type field struct {
	name, doc string
	optional  bool
	shape     shape
}

func read(dir string, specs []protocol.Spec) (*model, error) {
	c, err := readComments(dir)
	if err != nil {
		return nil, err
	}
	m := &model{comments: c, types: map[string]*named{}}
	for _, s := range specs {
		msg, err := m.message(s)
		if err != nil {
			return nil, fmt.Errorf("%s of the %s on the %s link: %w", s.Type, s.From, s.Link, err)
		}
		m.messages = append(m.messages, msg)
	}
	return m, nil
}

func (m *model) message(s protocol.Spec) (message, error) {
	t := reflect.TypeOf(s.Payload)
	name, err := m.object(t)
	if err != nil {
		return message{}, err
	}
	msg := message{Spec: s, typ: name, ruled: len(s.Fields) > 0}
	msg.fields, err = m.fieldsOf(t, s.Fields)
	for name, r := range s.Fields {
		f, ok := t.FieldByNameFunc(func(n string) bool { f, _ := t.FieldByName(n); found, _ := tag(f); return found == name })
		if !ok {
			return msg, fmt.Errorf("the table has a rule for %q, which %s has not", name, t.Name())
		}
		_, optional := tag(f)
		msg.altered = msg.altered || r.Const != "" || r.In == protocol.Absent || r.In == protocol.Required && optional || r.In == protocol.Optional && !optional
	}
	return msg, err
}

// object enters a struct among the named types.
func (m *model) object(t reflect.Type) (string, error) {
	n, isNew := m.enter(t)
	if !isNew {
		return n.name, nil
	}
	for i := range t.NumField() {
		if f := t.Field(i); f.Anonymous {
			var err error
			if n.extends, err = m.object(f.Type); err != nil {
				return "", err
			}
		}
	}
	var err error
	n.fields, err = m.fieldsOf(t, nil)
	return n.name, err
}

func (m *model) enter(t reflect.Type) (n *named, isNew bool) {
	name := cmp.Or(published[t.Name()], t.Name())
	if n, ok := m.types[name]; ok {
		return n, false
	}
	n = &named{name: name, doc: rename(m.comments.types[t.Name()], t.Name(), name), place: m.comments.order[t.Name()]}
	m.types[name] = n
	return n, true
}

// fieldsOf reads the fields of a struct, without embedded ones.
func (m *model) fieldsOf(t reflect.Type, rules protocol.Fields) ([]field, error) {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, optional := tag(f)
		rule := rules[name]
		if f.Anonymous || rule.In == protocol.Absent {
			continue
		}
		s, err := m.shape(f.Type, rule)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t.Name(), f.Name, err)
		}
		if rule.In != protocol.ByType {
			optional = rule.In == protocol.Optional
		}
		doc := rename(m.comments.fields[t.Name()][f.Name], f.Name, name)
		fields = append(fields, field{name: name, doc: doc, optional: optional, shape: s})
	}
	return fields, nil
}

// rename gives a comment the published name of what it begins with.
func rename(doc, from, to string) string {
	if rest, ok := strings.CutPrefix(doc, from+" "); ok {
		return to + " " + rest
	}
	return doc
}

func tag(f reflect.StructField) (name string, optional bool) {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name, slices.Contains(strings.Split(options, ","), "omitempty")
}

// on gives the messages of one direction.
func (m *model) on(link protocol.Link, from protocol.Sender) []message {
	var found []message
	for _, msg := range m.messages {
		if msg.Link == link && msg.From == from {
			found = append(found, msg)
		}
	}
	return found
}

// all gives the fields of an object with those of the type that it extends.
func (m *model) all(n *named) []field {
	if n.extends == "" {
		return n.fields
	}
	return append(slices.Clone(m.all(m.types[n.extends])), n.fields...)
}

// used gives the named types that the messages need, in the order of the source. A payload that is written out where it
// stands needs those of its fields only.
func (m *model) used(writtenOut func(message) bool) []*named {
	found := map[string]*named{}
	var visit func(name string)
	var visitFields func([]field)
	visit = func(name string) {
		if n := m.types[name]; n != nil && found[name] == nil {
			found[name] = n
			visit(n.extends)
			visitFields(n.fields)
		}
	}
	visitFields = func(fields []field) {
		for _, f := range fields {
			for s := &f.shape; s != nil; s = s.item {
				visit(s.ref)
			}
		}
	}
	for _, msg := range m.messages {
		if writtenOut(msg) {
			visitFields(msg.fields)
		} else {
			visit(msg.typ)
		}
	}
	types := slices.Collect(maps.Values(found))
	slices.SortFunc(types, func(a, b *named) int { return a.place - b.place })
	return types
}

// doc says what a message is.
func (m *model) doc(msg message) string {
	return strings.TrimSpace(m.types[msg.typ].doc + " " + condition(msg))
}

func condition(msg message) string {
	if msg.Feature == "" {
		return ""
	}
	return fmt.Sprintf("Only for clients that listed the feature %q.", msg.Feature)
}
