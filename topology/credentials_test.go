package topology

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

var (
	testSecret = []byte("a secret of at least thirty-two bytes")
	testUser   = uuid.MustParse("6f2f9c0a-5a3e-4d0f-9d5c-2f6f0a1b2c3d")
	testZone   = uuid.MustParse("0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9")
)

func TestTURNCredentialsAreWhatCoturnReads(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	config := TURNConfig{URLs: []string{"turn:127.0.0.1:3478?transport=udp"}, Secret: testSecret, TTL: time.Hour}
	got := mintTURN(config, testUser, testZone, 7, now)
	want := "1700003600:" + testUser.String() + ":" + testZone.String() + ":7"
	if got.Username != want {
		t.Errorf("username %q, want %q", got.Username, want)
	}
	mac := hmac.New(sha1.New, testSecret)
	mac.Write([]byte(want))
	if right := base64.StdEncoding.EncodeToString(mac.Sum(nil)); got.Credential != right {
		t.Errorf("credential %q, want %q", got.Credential, right)
	}
	if len(got.URLs) != 1 || got.URLs[0] != config.URLs[0] {
		t.Errorf("urls %v", got.URLs)
	}
	id, err := parseTURNUsername(got.Username)
	if err != nil || id.User != testUser || id.Zone != testZone || id.Epoch != 7 || !id.Expiry.Equal(now.Add(time.Hour)) {
		t.Errorf("read back as %+v, %v", id, err)
	}
}

func TestHostileTURNUsernames(t *testing.T) {
	good := fmt.Sprintf("1700003600:%s:%s:7", testUser, testZone)
	if _, err := parseTURNUsername(good); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"", ":", ":::", "::::", good + ":", ":" + good, good + "\x00", " " + good, "+" + good, "0" + good, "-" + good,
		strings.ToUpper(good), strings.Replace(good, ":7", ":07", 1), strings.Replace(good, ":7", ":-7", 1),
		strings.Replace(good, ":7", ":18446744073709551616", 1), strings.Replace(good, ":7", ":7.0", 1),
		strings.Replace(good, "1700003600", "99999999999999999", 1), strings.Replace(good, "1700003600", "1e9", 1),
		strings.Replace(good, testUser.String(), "{"+testUser.String()+"}", 1),
		strings.Replace(good, testUser.String(), "urn:uuid:"+testUser.String(), 1),
		strings.Replace(good, testUser.String(), strings.ReplaceAll(testUser.String(), "-", ""), 1),
		strings.Repeat("1", 1<<16), "\xff\xfe:a:b:c",
	} {
		if id, err := parseTURNUsername(name); !errors.Is(err, ErrToken) {
			t.Errorf("%.80q read as %v, %v", name, id, err)
		}
	}
}

// FuzzTURNUsername: whatever is written there neither panics nor is read as something that would be written otherwise.
func FuzzTURNUsername(f *testing.F) {
	f.Add(fmt.Sprintf("1700003600:%s:%s:7", testUser, testZone))
	f.Add("1700003600:user")
	f.Add(":::")
	f.Fuzz(func(t *testing.T, name string) {
		id, err := parseTURNUsername(name)
		if err != nil {
			if !errors.Is(err, ErrToken) {
				t.Errorf("%q: %v is not ErrToken", name, err)
			}
			return
		}
		if id.String() != name {
			t.Errorf("%q read as %q", name, id)
		}
		if id.Expiry.Unix() < 0 || id.Expiry.Unix() > maxExpiry {
			t.Errorf("%q expires at %s", name, id.Expiry)
		}
	})
}

func TestSFUTokens(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	mint := func() string {
		token, err := mintSFU(testSecret, time.Minute, testUser, testZone, 7, "one", now)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	s, err := parseSFU(testSecret, mint(), now.Add(59*time.Second))
	if want := (Session{User: testUser, Zone: testZone, Epoch: 7, ID: "one"}); err != nil || s != want {
		t.Fatalf("read back as %+v, %v", s, err)
	}

	// What the token says to those who read it without this package.
	var claims jwt.MapClaims
	if _, _, err := jwt.NewParser().ParseUnverified(mint(), &claims); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{"sub": testUser.String(), "zone_id": testZone.String(), "epoch": 7.0, "jti": "one", "exp": 1700000060.0} {
		if claims[key] != want {
			t.Errorf("%s is %v, want %v", key, claims[key], want)
		}
	}

	sign := func(method jwt.SigningMethod, key any, change func(jwt.MapClaims)) string {
		c := jwt.MapClaims{"sub": testUser.String(), "zone_id": testZone.String(), "epoch": 7, "jti": "one", "aud": SFUAudience, "exp": now.Add(time.Minute).Unix()}
		change(c)
		token, err := jwt.NewWithClaims(method, c).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	same := func(jwt.MapClaims) {}
	if _, err := parseSFU(testSecret, sign(jwt.SigningMethodHS256, testSecret, same), now); err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"nothing":          "",
		"not a token":      "a.b.c",
		"another key":      sign(jwt.SigningMethodHS256, []byte("some other secret of thirty-two bytes"), same),
		"no algorithm":     sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, same),
		"another of them":  sign(jwt.SigningMethodHS512, testSecret, same),
		"another audience": sign(jwt.SigningMethodHS256, testSecret, func(c jwt.MapClaims) { c["aud"] = "atrium" }),
		"no audience":      sign(jwt.SigningMethodHS256, testSecret, func(c jwt.MapClaims) { delete(c, "aud") }),
		"no expiry":        sign(jwt.SigningMethodHS256, testSecret, func(c jwt.MapClaims) { delete(c, "exp") }),
		"expired":          sign(jwt.SigningMethodHS256, testSecret, func(c jwt.MapClaims) { c["exp"] = now.Unix() - 1 }),
		"no jti":           sign(jwt.SigningMethodHS256, testSecret, func(c jwt.MapClaims) { delete(c, "jti") }),
		"no user":          sign(jwt.SigningMethodHS256, testSecret, func(c jwt.MapClaims) { c["sub"] = "me" }),
		"no zone":          sign(jwt.SigningMethodHS256, testSecret, func(c jwt.MapClaims) { c["zone_id"] = "here" }),
		"an odd epoch":     sign(jwt.SigningMethodHS256, testSecret, func(c jwt.MapClaims) { c["epoch"] = -1 }),
	} {
		if s, err := parseSFU(testSecret, token, now); !errors.Is(err, ErrToken) {
			t.Errorf("%s: read as %v, %v", name, s, err)
		}
	}
}
