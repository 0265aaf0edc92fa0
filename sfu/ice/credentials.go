package ice

import "crypto/rand"

// Credentials are one side's user fragment and password of an ICE session (RFC 8445, section 5.3).
type Credentials struct{ Ufrag, Pwd string }

// NewCredentials makes credentials: 96 random bits of user fragment, which also names the session, and 192 of password.
func NewCredentials() Credentials { return Credentials{text(16), text(32)} }

// text is n random characters of those that may stand in credentials (RFC 8839, section 5.4): six bits each.
func text(n int) string {
	const chars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	for i := range b {
		b[i] = chars[b[i]&63]
	}
	return string(b)
}
