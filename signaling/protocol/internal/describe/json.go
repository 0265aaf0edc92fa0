package describe

import (
	"bytes"
	"encoding/json"
	"strings"
)

// members is a JSON object that keeps the order of its members, for people who read the schema.
type members []pair

type pair struct {
	name  string
	value any
}

func (m *members) add(name string, value any) { *m = append(*m, pair{name, value}) }

// MarshalJSON implements json.Marshaler.
func (m members) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range m {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := plain(p.name)
		if err != nil {
			return nil, err
		}
		value, err := plain(p.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// plain is json.Marshal without the escapes that only HTML needs.
func plain(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// indent writes a value for people: what is short in one line, all else in lines of its own.
func indent(v any) ([]byte, error) {
	var b bytes.Buffer
	err := write(&b, v, 0)
	b.WriteByte('\n')
	return b.Bytes(), err
}

func write(b *bytes.Buffer, v any, depth int) error {
	const short = 80
	one, err := plain(v)
	if err != nil {
		return err
	}
	var begin, end byte
	var parts []pair
	switch v := v.(type) {
	case members:
		begin, end, parts = '{', '}', v
	case []any:
		begin, end = '[', ']'
		for _, item := range v {
			parts = append(parts, pair{value: item})
		}
	}
	if begin == 0 || len(one) <= short && depth > 0 {
		b.Write(one)
		return nil
	}
	b.WriteByte(begin)
	for i, p := range parts {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n" + strings.Repeat("  ", depth+1))
		if begin == '{' {
			name, err := plain(p.name)
			if err != nil {
				return err
			}
			b.Write(name)
			b.WriteString(": ")
		}
		if err := write(b, p.value, depth+1); err != nil {
			return err
		}
	}
	b.WriteString("\n" + strings.Repeat("  ", depth))
	b.WriteByte(end)
	return nil
}
