// Package impair is a network for Pion (transport.Net) over the system's own that delays, loses and narrows what passes, in user space,
// for kernels without netem. Each connection has one queue per direction with a bound; what finds it full is dropped and
// told as such. UDP packets are lost; a lost TCP segment comes a round trip later, and what is behind it waits, as TCP has it.
package impair
