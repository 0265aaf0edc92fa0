// Command generate writes the machine-readable descriptions of the protocol. It runs in the folder of package protocol.
package main

import (
	"fmt"
	"os"

	"atrium/signaling/protocol/internal/describe"
)

func main() {
	files, err := describe.Files(".")
	for name, content := range files {
		if err == nil {
			err = os.WriteFile(name, content, 0o644)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}
