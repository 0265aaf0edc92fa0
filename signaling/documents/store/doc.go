// Package store keeps the notes of documents (annotations and comments) in one bbolt file: encoded frames flow in, and flow
// out again in the order in which they were stored. A note is on the disk before its document is told so. Notes that come
// while the disk is busy with earlier ones share the next transaction, and with it one fsync, whatever their documents.
package store
