package configs

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

//go:embed demo.yaml
var demoYAML []byte

//go:embed demo.yaml worlds/*.tmj
var demo embed.FS

// Demo holds the demo: demo.yaml and worlds/*.tmj.
func Demo() fs.FS { return demo }

// MapFile is a world's file, unread.
type MapFile struct {
	Name string
	Data []byte
}

// Maps gives the worlds' files in the order of their names: those of dir, or the demo's.
func (w Worlds) Maps() ([]MapFile, error) {
	var fsys fs.FS = demo
	dir := "worlds"
	if w.Dir != "" {
		fsys, dir = os.DirFS(string(w.Dir)), "."
	}
	names, err := fs.Glob(fsys, filepath.ToSlash(filepath.Join(dir, "*.tmj")))
	if err != nil {
		return nil, fmt.Errorf("worlds.dir: %w", err)
	}
	slices.Sort(names)
	var out []MapFile
	for _, n := range names {
		data, err := fs.ReadFile(fsys, n)
		if err != nil {
			return nil, fmt.Errorf("worlds.dir: %w", err)
		}
		if w.Dir != "" {
			n = filepath.Join(string(w.Dir), n)
		}
		out = append(out, MapFile{Name: n, Data: data})
	}
	return out, nil
}
