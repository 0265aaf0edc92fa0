// Package sfu forwards media between the members of a zone.
package sfu
