// Package webclient holds the built web client, so that one binary serves it.
//
// The files come from `npm run build` (dist/). On a fresh clone that was not
// built yet the folder holds only a placeholder: the server compiles and runs,
// and says at / how to build the client.
package webclient

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// FS returns the built client with index.html at its root. Without a build it
// has no index.html; whoever serves it should say so instead of a bare 404.
func FS() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		// fs.Sub fails for an invalid path only, and "dist" is a constant.
		panic(err)
	}
	return sub
}
