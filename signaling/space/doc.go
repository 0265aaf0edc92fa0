// Package space is the live world: the map that people draw in Tiled, its zones and objects, who
// stands where, and the rules that decide whether a step is taken, corrected or refused.
//
// In flow map files (ParseMap) and what members ask for (Join, Move, Transition); out flow decisions,
// as values: a *Member, a *Correction, a *Refusal. Nothing here does I/O, starts a goroutine or looks
// at a clock: the time is passed in, and the caller's one mutex guards a World. A Map never changes
// after ParseMap and may be shared.
package space
