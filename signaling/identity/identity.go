package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"atrium/signaling/protocol"
	"atrium/signaling/space"
)

// Audience is the aud claim of a client's token. Tokens of the SFU have another, so neither opens the other's door.
const Audience = "atrium"

// Leeway forgives clocks that differ: a token is good so long after its end.
const Leeway = 5 * time.Second

// Auth holds the keys that tokens are checked against. Which algorithms are taken follows from the keys that
// are here, never from a token's header (RFC 8725, section 3.1).
type Auth struct {
	Secret     []byte             // HS256; at least 32 bytes
	PublicKeys []crypto.PublicKey // *ecdsa.PublicKey on P-256, *rsa.PublicKey, ed25519.PublicKey
	Issuer     string             // "atrium"
}

// Claims are what a token says of its user.
type Claims struct {
	User      uuid.UUID
	Workspace uuid.UUID
	Name      string
	Avatar    string
	Role      space.Role
	Worlds    []uuid.UUID // nil: every world of the workspace
	Expires   time.Time
}

// MayJoin says whether the token opens a world.
func (c *Claims) MayJoin(m *space.Map) bool {
	return c.Workspace == m.Workspace && (c.Worlds == nil || slices.Contains(c.Worlds, m.ID))
}

// tokenClaims is the JWT's shape.
type tokenClaims struct {
	jwt.RegisteredClaims
	WorkspaceID string    `json:"workspace_id"`
	Name        string    `json:"name"`
	AvatarID    string    `json:"avatar_id"`
	Role        string    `json:"role"`
	Worlds      *[]string `json:"worlds,omitempty"`
}

// Mint makes a token (HS256) that this server takes.
func Mint(a Auth, c Claims) (string, error) {
	if len(a.Secret) < 32 {
		return "", errors.New("identity: auth.secret has fewer than 32 bytes; tokens are minted with a secret of 32 or more")
	}
	t := tokenClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: a.issuer(), Subject: c.User.String(), Audience: jwt.ClaimStrings{Audience},
			ExpiresAt: jwt.NewNumericDate(c.Expires),
		},
		WorkspaceID: c.Workspace.String(), Name: c.Name, AvatarID: c.Avatar, Role: string(c.Role),
	}
	if c.Worlds != nil {
		ids := make([]string, len(c.Worlds))
		for i, id := range c.Worlds {
			ids[i] = id.String()
		}
		t.Worlds = &ids
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, t).SignedString(a.Secret)
}

func (a Auth) issuer() string {
	if a.Issuer == "" {
		return "atrium"
	}
	return a.Issuer
}

// Verifier checks tokens.
type Verifier struct {
	parser *jwt.Parser
	keys   map[string][]jwt.VerificationKey // by algorithm
}

// NewVerifier makes one from the keys; now is its clock.
func NewVerifier(a Auth, now func() time.Time) *Verifier {
	v := &Verifier{keys: make(map[string][]jwt.VerificationKey)}
	add := func(alg string, key jwt.VerificationKey) { v.keys[alg] = append(v.keys[alg], key) }
	if len(a.Secret) > 0 {
		add("HS256", a.Secret)
	}
	for _, key := range a.PublicKeys {
		switch k := key.(type) {
		case *ecdsa.PublicKey:
			add("ES256", k)
		case *rsa.PublicKey:
			add("RS256", k)
		case ed25519.PublicKey:
			add("EdDSA", k)
		}
	}
	algs := make([]string, 0, len(v.keys))
	for alg := range v.keys {
		algs = append(algs, alg)
	}
	v.parser = jwt.NewParser(jwt.WithValidMethods(algs), jwt.WithAudience(Audience), jwt.WithIssuer(a.issuer()),
		jwt.WithExpirationRequired(), jwt.WithLeeway(Leeway), jwt.WithTimeFunc(now))
	return v
}

// Verify reads a token. Its errors are for the client and name what is wrong with the token.
func (v *Verifier) Verify(token string) (*Claims, error) {
	var t tokenClaims
	_, err := v.parser.ParseWithClaims(token, &t, func(tok *jwt.Token) (any, error) {
		return jwt.VerificationKeySet{Keys: v.keys[tok.Method.Alg()]}, nil
	})
	if err != nil {
		return nil, err
	}
	c := &Claims{Name: t.Name, Avatar: t.AvatarID, Role: space.Role(t.Role), Expires: t.ExpiresAt.Time}
	if c.User, err = protocol.ParseUUID(t.Subject); err != nil {
		return nil, errors.New("its sub is no UUID")
	}
	if c.Workspace, err = protocol.ParseUUID(t.WorkspaceID); err != nil {
		return nil, errors.New("its workspace_id is no UUID")
	}
	if !c.Role.Valid() {
		return nil, errors.New("its role is none of admin, editor, member, guest")
	}
	if t.Worlds != nil {
		c.Worlds = make([]uuid.UUID, len(*t.Worlds))
		for i, w := range *t.Worlds {
			if c.Worlds[i], err = protocol.ParseUUID(w); err != nil {
				return nil, fmt.Errorf("entry %d of its worlds is no UUID", i)
			}
		}
	}
	return c, nil
}

// Bearer gives the token of a request's Authorization header (RFC 6750, section 2.1), or "".
func Bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}
