// Package measure says what became of stamped packets: which were lost, doubled or brought by both ways, how long a receiver
// was left in silence, and what of it the path is to blame for. It is pure: logs go in, figures come out.
package measure
