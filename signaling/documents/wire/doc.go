// Package wire is the wire of the document protocol: every message as a Go struct, a strict decoder, the encoder and the
// four error codes. Frames flow in as bytes and out as typed, validated messages or as an *Error that says what was wrong
// and what would be right. It knows no session and no document; whose ids a message may carry is asked of the caller,
// because that comes before what else is wrong with it.
//
// The machine-readable descriptions are made from the table of messages and the comments of this package:
// schema.json here, and the TypeScript types of the web client. `make generate` in package signaling/protocol writes them.
package wire
