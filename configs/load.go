package configs

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// Load reads a configuration: defaults, then the file (empty: the embedded demo's), then the environment
// (as os.Environ gives it), then the check of the whole. The error joins an *Error for each problem.
func Load(path string, environ []string) (*Config, error) {
	c := Default()
	c.File = path
	c.sources = make(map[string]string)
	d := decoder{problems: problems{c: c}}
	var data []byte
	if path == "" {
		d.file = "demo.yaml"
		data = demoYAML
	} else {
		var err error
		if data, err = os.ReadFile(path); err != nil {
			return nil, fmt.Errorf("the configuration cannot be read: %w", err)
		}
		abs, err := filepath.Abs(path)
		if err != nil {
			return nil, fmt.Errorf("the configuration's directory: %w", err)
		}
		d.file, d.dir = path, filepath.Dir(abs)
	}
	d.decode(data)
	d.dir = "" // what the environment names is relative to where the process runs
	d.environ(environ)
	if c.DataDir == "" {
		c.DataDir = stateDir(environ)
		if c.DataDir == "" {
			d.add("data_dir", "", "neither XDG_STATE_HOME nor HOME says where: name a directory that the process may write")
		}
	}
	c.validate(&d.problems)
	if err := d.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// variable is a key's name in the environment.
func variable(key string) string {
	return "ATRIUM_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// environ overrides keys. A variable of one of our sections that is no key is an error, as in a file;
// others may be somebody else's (an orchestrator sets ATRIUM_SERVICE_HOST for a service of that name).
func (d *decoder) environ(environ []string) {
	keys := make(map[string]string)
	at := make(map[string]reflect.Value)
	var sections []string
	v := reflect.ValueOf(d.c).Elem()
	leaves("", v, func(key string, v reflect.Value) { keys[variable(key)], at[key] = key, v })
	for _, f := range fields(v) {
		if f.value.Kind() == reflect.Struct {
			sections = append(sections, variable(f.name)+"_")
		}
	}
	// In a stable order of names; of a name that is there twice, the last counts.
	set := make(map[string]string)
	for _, e := range environ {
		name, text, _ := strings.Cut(e, "=")
		set[name] = text
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		text := set[name]
		key, ok := keys[name]
		if !ok {
			if slices.ContainsFunc(sections, func(s string) bool { return strings.HasPrefix(name, s) }) {
				d.errs = append(d.errs, &Error{Key: name, Value: text, Remedy: "unknown variable: ATRIUM_SERVER_LISTEN is server.listen, and so on", Source: "environment"})
			}
			continue
		}
		d.c.sources[key] = name
		if err := d.set(at[key], text); err != nil {
			d.add(key, text, "want %s", wanted(at[key]))
		}
	}
}

// stateDir is where the XDG base directory specification keeps state.
func stateDir(environ []string) Path {
	get := func(name string) string {
		for _, e := range slices.Backward(environ) {
			if v, ok := strings.CutPrefix(e, name+"="); ok {
				return v
			}
		}
		return ""
	}
	// A relative XDG_STATE_HOME is to be ignored, says the specification.
	if dir := get("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return Path(filepath.Join(dir, "atrium"))
	}
	if home := get("HOME"); filepath.IsAbs(home) {
		return Path(filepath.Join(home, ".local", "state", "atrium"))
	}
	return ""
}
