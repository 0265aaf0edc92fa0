// Package estimate says how much a receiver can be sent, from what its transport-wide feedback tells
// (draft-holmer-rmcat-transport-wide-cc-extensions-01): which packets came, and when by its clock. It does no I/O, starts
// nothing, and is told the time.
//
// What it looks at is the standing queue: the least one-way delay of the last moments above the least of the last seconds.
// A burst (a key frame) or a stall of a radio delays some packets and leaves others undelayed, a link that is given more
// than it carries delays them all. While a queue stands and less arrives than is sent, what arrives is what the link
// carries. A queue that stands although all that is sent arrives is another's too, and the estimate gives way by steps; so
// does it to loss, unless the loss stays when less is sent.
//
// A busy machine writes packets long after they are noted as sent, which looks the same as a queue; so it is told when they
// left (Estimator.Left), and feedback is taken for when it came, not for when it was read.
//
// What is sent is mostly less than what could be. Such silence proves nothing, so the estimate neither falls with it nor
// grows beyond what has arrived and a little; to know whether more would fit, more must be sent. That is the Prober: it
// raises what is sent by steps, each of which must arrive before the next, so that a probe that is too much is a queue of
// some tens of milliseconds.
package estimate
