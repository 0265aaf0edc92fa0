package topology

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// SFUAudience is what an SFU token is for. A member's own token has another one, so neither opens the other's door.
const SFUAudience = "atrium-sfu"

// maxExpiry is the end of the year 9999. Beyond it, arithmetic on times may wrap around.
const maxExpiry = 253402300799

// String gives the TURN username that says it, in the TURN REST form ("A REST API For Access To TURN Services",
// section 2.2) that coturn reads too: the expiry, then who it is for.
func (id TURNIdentity) String() string {
	return fmt.Sprintf("%d:%s:%s:%d", id.Expiry.Unix(), id.User, id.Zone, id.Epoch)
}

// parseTURNUsername reads a TURN username. It takes exactly what String gives, so that one identity has one name.
func parseTURNUsername(name string) (TURNIdentity, error) {
	// Two numbers of up to 20 digits, two ids of 36 characters, three colons. The limit comes first: the name
	// is written by whoever sends us a packet.
	if len(name) > 120 {
		return TURNIdentity{}, fmt.Errorf("%w: a TURN username of %d bytes", ErrToken, len(name))
	}
	bad := func(what string) (TURNIdentity, error) {
		return TURNIdentity{}, fmt.Errorf("%w: TURN username %q: %s; expiry:user:zone:epoch would be right", ErrToken, name, what)
	}
	parts := strings.Split(name, ":")
	if len(parts) != 4 {
		return bad(fmt.Sprintf("%d parts", len(parts)))
	}
	expiry, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil || expiry < 0 || expiry > maxExpiry {
		return bad("the expiry is not a time in seconds since 1970")
	}
	id := TURNIdentity{Expiry: time.Unix(expiry, 0)}
	if id.User, err = uuid.Parse(parts[1]); err != nil {
		return bad("the user is not a uuid")
	}
	if id.Zone, err = uuid.Parse(parts[2]); err != nil {
		return bad("the zone is not a uuid")
	}
	epoch, err := strconv.ParseUint(parts[3], 10, 64)
	if err != nil {
		return bad("the epoch is not a number")
	}
	id.Epoch = Epoch(epoch)
	if id.String() != name {
		return bad("not in its canonical form")
	}
	return id, nil
}

// turnPassword is the credential that goes with a username: base64(HMAC-SHA1(secret, username)). SHA-1 is what
// the TURN REST form prescribes; HMAC does not need a hash that resists collisions.
func turnPassword(secret []byte, username string) string {
	mac := hmac.New(sha1.New, secret)
	mac.Write([]byte(username))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// mintTURN makes the credentials of a user for a way of its zone.
func mintTURN(c TURNConfig, user, zone uuid.UUID, e Epoch, now time.Time) TURNCredentials {
	name := TURNIdentity{Expiry: now.Add(c.TTL), User: user, Zone: zone, Epoch: e}.String()
	return TURNCredentials{
		URLs:       append([]string(nil), c.URLs...),
		Username:   name,
		Credential: turnPassword(c.Secret, name),
	}
}

// sfuClaims is what an SFU token says.
type sfuClaims struct {
	jwt.RegisteredClaims
	Zone  uuid.UUID `json:"zone_id"`
	Epoch Epoch     `json:"epoch"`
}

// mintSFU makes the token that opens a session of a user in a zone's SFU.
func mintSFU(secret []byte, ttl time.Duration, user, zone uuid.UUID, e Epoch, jti string, now time.Time) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, sfuClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Subject:   user.String(),
			Audience:  jwt.ClaimStrings{SFUAudience},
			IssuedAt:  jwt.NewNumericDate(now),
			ExpiresAt: jwt.NewNumericDate(now.Add(ttl)),
			ID:        jti,
		},
		Zone:  zone,
		Epoch: e,
	})
	return token.SignedString(secret)
}

// parseSFU reads a token and checks what can be checked without the membership table. The algorithm is ours
// to say, never the token's header.
func parseSFU(secret []byte, token string, now time.Time) (Session, error) {
	var claims sfuClaims
	_, err := jwt.ParseWithClaims(token, &claims,
		func(*jwt.Token) (any, error) { return secret, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithAudience(SFUAudience),
		jwt.WithExpirationRequired(),
		jwt.WithTimeFunc(func() time.Time { return now }),
	)
	if err != nil {
		return Session{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	user, err := uuid.Parse(claims.Subject)
	if err != nil {
		return Session{}, fmt.Errorf("%w: sub %q is not a uuid", ErrToken, claims.Subject)
	}
	if claims.ID == "" {
		return Session{}, fmt.Errorf("%w: it has no jti", ErrToken)
	}
	return Session{User: user, Zone: claims.Zone, Epoch: claims.Epoch, ID: claims.ID}, nil
}
