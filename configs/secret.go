package configs

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Secrets are what the process signs and checks with.
type Secrets struct {
	Auth []byte // nil: only auth.public_keys count
	TURN []byte
}

// Secrets gives the configured secrets, and for those that are not configured what data_dir keeps; the
// first call makes them there. A node that has public keys and no guests needs no secret for tokens.
func (c *Config) Secrets() (Secrets, error) {
	var s Secrets
	var errs []error
	take := func(into *[]byte, configured Secret, key string) {
		var err error
		if *into = []byte(configured); configured == "" {
			if *into, err = c.keptSecret(key); err != nil {
				errs = append(errs, err)
			}
		}
	}
	if c.Auth.Secret != "" || len(c.Auth.PublicKeys) == 0 || c.Auth.GuestLogin {
		take(&s.Auth, c.Auth.Secret, "auth.secret")
	}
	if c.TURN.Enabled {
		take(&s.TURN, c.TURN.Secret, "turn.secret")
	}
	return s, errors.Join(errs...)
}

// keptSecret reads the secret of a key from data_dir, or makes it there.
func (c *Config) keptSecret(key string) ([]byte, error) {
	dir := string(c.DataDir)
	file := filepath.Join(dir, key)
	s, err := readSecret(file)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeSecret(dir, file); err == nil {
			s, err = readSecret(file)
		}
	}
	if err != nil {
		return nil, c.Problem("data_dir", dir, "%s is not set and cannot be kept there: %v: set the key, or give data_dir a directory that the process may write", key, err)
	}
	return s, nil
}

func readSecret(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others (mode %04o): chmod 600 it", file, info.Mode().Perm())
	}
	s, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if s = bytes.TrimSpace(s); len(s) < minSecret {
		return nil, fmt.Errorf("%s holds %d bytes, want at least %d: delete it and another one is made", file, len(s), minSecret)
	}
	return s, nil
}

// makeSecret puts a new secret in place whole or not at all; of two processes that start at once, the
// first one's stays.
func makeSecret(dir, file string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, ".secret-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	raw := make([]byte, 32)
	rand.Read(raw) // never fails (crypto/rand since Go 1.24)
	_, err = fmt.Fprintln(tmp, base64.RawURLEncoding.EncodeToString(raw))
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// Keys reads auth.public_keys.
func (a Auth) Keys() ([]crypto.PublicKey, error) {
	var keys []crypto.PublicKey
	for _, f := range a.PublicKeys {
		k, err := readPublicKey(f)
		if err != nil {
			return nil, fmt.Errorf("auth.public_keys: %s: %w", f, err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

func readPublicKey(f Path) (crypto.PublicKey, error) {
	data, err := os.ReadFile(string(f))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	var key any
	switch block.Type {
	case "CERTIFICATE":
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		key = cert.PublicKey
	case "PUBLIC KEY":
		if key, err = x509.ParsePKIXPublicKey(block.Bytes); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("the PEM block is a %s, want a PUBLIC KEY or CERTIFICATE", block.Type)
	}
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return k, nil
		}
	case *rsa.PublicKey:
		if k.N.BitLen() >= 2048 {
			return k, nil
		}
	case ed25519.PublicKey:
		return k, nil
	}
	return nil, fmt.Errorf("a key of type %T that no token may be signed with", key)
}
