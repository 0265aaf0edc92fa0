package offer

import (
	"crypto"
	_ "crypto/sha1" // what browsers of old offered
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"strings"
)

const fingerprintsMost = 8

var hashes = map[string]crypto.Hash{"sha-1": crypto.SHA1, "sha-256": crypto.SHA256, "sha-384": crypto.SHA384, "sha-512": crypto.SHA512}

// Fingerprint is one of a certificate (RFC 8122, section 5).
type Fingerprint struct {
	hash crypto.Hash
	sum  string
}

func readFingerprint(v string) (f Fingerprint, ok bool) {
	name, value, _ := strings.Cut(v, " ")
	if f.hash, ok = hashes[strings.ToLower(name)]; !ok {
		return f, false
	}
	sum, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(value), ":", ""))
	f.sum = string(sum)
	return f, err == nil && len(sum) == f.hash.Size()
}

// Is says whether it is a certificate's.
func (f Fingerprint) Is(der []byte) bool {
	h := f.hash.New()
	h.Write(der)
	return subtle.ConstantTimeCompare(h.Sum(nil), []byte(f.sum)) == 1
}

// FingerprintOf is a certificate's as an answer has it.
func FingerprintOf(der []byte) string {
	h := crypto.SHA256.New()
	h.Write(der)
	return "sha-256 " + colons(h.Sum(nil))
}

func colons(sum []byte) string {
	var b strings.Builder
	for i, x := range sum {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(strings.ToUpper(hex.EncodeToString([]byte{x})))
	}
	return b.String()
}
