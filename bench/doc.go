// Command bench measures Atrium with synthetic people. It starts a node in its own process, or takes the URL of one, lets
// peers that stamp every packet come and go, and says in a table (and with --json in a file) what became of their media. Each
// scenario prints its targets beside its figures; the exit code says whether they were reached.
package main
