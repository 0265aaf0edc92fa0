// Package presence is the load of the presence scenarios: people with real WebSockets who walk in the zones of a world
// made for them, and know for every update of another what was sent, when, and whether the last one came. It also has
// the plain hub that the server is compared with.
package presence
