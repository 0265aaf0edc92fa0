// Package bus joins nodes by a Redis server. In flow what a document's members here say and the notes that they write; out
// flow what members on other nodes say, and the notes of all nodes in one order.
//
// A node keeps what its members last said in a hash of the document, and tells each change on the document's channel,
// to which it is subscribed while somebody of its own is in the document. Whoever begins to listen, and whoever lost the
// connection, reads the hash first. Each node has a lease, a key that expires unless the node renews it: a node whose
// lease has ended is forgotten by the others. What was said while Redis was away is healed by what all nodes say when it is
// back: who left is taken out of the hash then, and what a node knows of members of others beyond their own word, because who
// said it left it meanwhile, it passes on. Notes are the entries of a stream of the document; they are told by
// their presence in it alone, so that all nodes read them in the same order, and none twice. Where they are put into it they
// are counted, so that a user's limit is one for all nodes.
//
// Everything about a document is done by one goroutine, its link's, one thing after the other. Where Redis does not
// answer, the link waits and nobody else does; notes stay in it until they are in the stream.
package bus
