package node

import "strings"

// ConfigError is everything in the configuration that keeps a node from starting: what a file says, and
// what the machine says to it, such as a port that is taken.
type ConfigError struct{ Errs []error }

// Error has a line for each problem.
func (e *ConfigError) Error() string {
	lines := make([]string, len(e.Errs))
	for i, err := range e.Errs {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the problems.
func (e *ConfigError) Unwrap() []error { return e.Errs }

// Split takes joined errors apart: one for each problem.
func Split(err error) []error {
	if err == nil {
		return nil
	}
	many, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var out []error
	for _, e := range many.Unwrap() {
		out = append(out, Split(e)...)
	}
	return out
}

// configError is nil where there is no error.
func configError(errs ...error) error {
	var all []error
	for _, e := range errs {
		all = append(all, Split(e)...)
	}
	if len(all) == 0 {
		return nil
	}
	return &ConfigError{Errs: all}
}
