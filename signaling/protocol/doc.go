// Package protocol is the wire of the zone protocol and of the SFU link: the envelope, every message as a Go
// struct, the enums, the error and close codes, and a strict decoder. Frames flow in as bytes and out as typed,
// validated messages or as an *Error that says what was wrong and what would be right; payloads flow in as
// structs and out as frames. It is a leaf: it imports nothing of the project, knows no session and no world.
//
// The machine-readable descriptions are made from the table of messages and the comments of this package:
// schema.json here, and the TypeScript types of the web client.
package protocol

//go:generate go run ./internal/generate
