// Package server runs what is measured in a process of its own, so that its processor time and its memory are not mixed
// with those of the load. A node is this very program, executed again: Main, called first thing in main or TestMain, is
// what the second one runs. The configuration goes in through its standard input, its addresses come out of its standard
// output, and when its standard input ends, however the first process ended, so does the node.
package server
