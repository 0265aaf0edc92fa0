package configs

import (
	"errors"
	"fmt"
)

// Error is one thing that is wrong with a configuration.
type Error struct {
	Key    string // server.listen; empty: the file as a whole
	Value  string // as it was written, but never a secret
	Remedy string // what is wrong about it, and what would be right
	Source string // atrium.yaml:12, or the variable; empty: the default
}

func (e *Error) Error() string {
	s := e.Remedy
	if e.Key != "" {
		s = fmt.Sprintf("%s: %q: %s", e.Key, e.Value, e.Remedy)
	}
	if e.Source != "" {
		s += " (" + e.Source + ")"
	}
	return s
}

// problems collects errors; a Config is only used when there is none.
type problems struct {
	c    *Config
	errs []error
}

func (p *problems) add(key, value, remedy string, args ...any) {
	p.errs = append(p.errs, &Error{Key: key, Value: value, Remedy: fmt.Sprintf(remedy, args...), Source: p.c.sources[key]})
}

func (p *problems) err() error { return errors.Join(p.errs...) }

// Problem makes an error about a key of this configuration, for what shows only when it is used, such as
// a port that is taken.
func (c *Config) Problem(key, value, remedy string, args ...any) *Error {
	return &Error{Key: key, Value: value, Remedy: fmt.Sprintf(remedy, args...), Source: c.sources[key]}
}
