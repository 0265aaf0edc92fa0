package configs

import (
	"embed"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
)

//go:embed demo.yaml
var demoYAML []byte

//go:embed demo.yaml worlds/*.tmj worlds/documents/*.md
var demo embed.FS

// Demo holds the demo: demo.yaml, worlds/*.tmj and their documents.
func Demo() fs.FS { return demo }

// MapFile is a world's file, unread.
type MapFile struct {
	Name string
	Data []byte

	// Read gives a file by its path from the map's folder. Whatever leads out of that folder is an error, a link too.
	Read func(name string) ([]byte, error)
}

// besideBytes bounds a file beside a map: a tileset with a property for each of ten thousand tiles is about a megabyte.
const besideBytes = 16 << 20

// Maps gives the worlds' files in the order of their names: those of dir, or the demo's.
func (w Worlds) Maps() ([]MapFile, error) {
	var fsys fs.FS = demo
	dir := "worlds"
	open := func(name string) (fs.File, error) { return demo.Open(path.Join("worlds", name)) }
	if w.Dir != "" {
		fsys, dir = os.DirFS(string(w.Dir)), "."
		open = func(name string) (fs.File, error) { return os.OpenInRoot(string(w.Dir), name) }
	}
	read := func(name string) ([]byte, error) {
		if !filepath.IsLocal(name) {
			return nil, fmt.Errorf("%s leads out of the world's folder", name)
		}
		f, err := open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, besideBytes+1))
		if err == nil && len(data) > besideBytes {
			err = fmt.Errorf("%s is larger than %d bytes", name, besideBytes)
		}
		return data, err
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
		out = append(out, MapFile{Name: n, Data: data, Read: read})
	}
	return out, nil
}
