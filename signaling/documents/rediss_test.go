package documents_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"atrium/signaling/documents/wire"
)

// TestRedisOverTLS: the URL says that the way to Redis is TLS, and the user and password; with a wrong one it is out of reach,
// and members of one node have each other.
func TestRedisOverTLS(t *testing.T) {
	cert, key := certificate(t)
	server := newRedisTLS(t, cert, key, "--requirepass", "a password")
	_, at, _ := strings.Cut(server.URL, "//")
	one, two := nodeAt(t, "rediss://default:a%20password@"+at), nodeAt(t, "rediss://:a%20password@"+at)
	doc := uuid.New()
	a, b := one.enter(uuid.New(), wire.SubprotocolAck), two.enter(uuid.New())
	a.join(doc)
	a.annotate(doc, "first")
	a.expect(wire.TagAnnotation, nil)
	b.join(doc)
	b.expect(wire.TagPresenceUpdate, nil)
	b.expect(wire.TagPresenceStatus, nil)
	b.expect(wire.TagAnnotation, nil)

	wrong := nodeAt(t, "rediss://:wrong@"+at)
	c, d := wrong.enter(uuid.New()), wrong.enter(uuid.New())
	c.join(doc)
	c.refused(wire.ConnectionError, "out of reach")
	d.join(doc)
	d.expect(wire.TagPresenceUpdate, nil)
	d.expect(wire.TagPresenceStatus, nil)
	d.refused(wire.ConnectionError, "out of reach")
	c.expect(wire.TagJoinDocument, nil)
}

// certificate makes a self-signed one for 127.0.0.1.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", raw)
}
