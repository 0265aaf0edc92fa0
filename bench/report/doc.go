// Package report is how a scenario's figures are shown: a table in a terminal, JSON for programs, and one HTML page that
// needs nothing beside itself, its plots drawn as SVG. Scenarios fill in a Result; nothing here measures.
package report
