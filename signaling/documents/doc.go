// Package documents is the document protocol's server: who is in a document, where their cursors are, what they annotate.
// Frames of clients flow in, are decoded by wire and change a document that somebody here is in; frames flow out through
// the outboxes of those who are in it. Notes (annotations and comments) go to the store first, and come back from it in
// the one order in which everybody is sent them. It shares the tokens and the listener with the zone protocol and nothing
// else; which documents are a world's is asked through Access.
//
// A document is live while somebody is in it. Its mutex guards all that is in it. The lock order is Server.mu, a
// document's, then the outboxes, which are leaves.
package documents
