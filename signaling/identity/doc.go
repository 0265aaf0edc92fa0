// Package identity is who someone is: keys and tokens flow in, the claims of a user flow out. The zone protocol and the
// document protocol check the same tokens by it, and know nothing else of each other.
package identity
