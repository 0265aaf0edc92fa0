package space

import "errors"

// MapError is one thing that is wrong with a map file.
type MapError struct {
	File    string
	Layer   string // "" : the map itself
	Object  string // its name, or "#" and its Tiled id; "": the layer itself
	Problem string // what is wrong, and what would be right
}

func (e *MapError) Error() string {
	s := e.File
	if e.Layer != "" {
		s += ": layer " + e.Layer
	}
	if e.Object != "" {
		s += ": object " + e.Object
	}
	return s + ": " + e.Problem
}

// ParseMap reads a Tiled map.
func ParseMap(file string, data []byte) (*Map, error) {
	return nil, errors.Join(&MapError{File: file, Problem: "empty"})
}
