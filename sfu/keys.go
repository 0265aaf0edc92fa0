package sfu

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"hash"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/prf"
	"github.com/pion/dtls/v3/pkg/protocol/extension"
	"github.com/pion/dtls/v3/pkg/protocol/handshake"
	"github.com/pion/srtp/v3"
)

const replayWindow = 512 // packets; RFC 3711, section 3.3.2 asks for 64 at least, and a video frame may have a hundred

// handshakeKeys listens to a session's DTLS handshake and derives from it the SRTP keys (RFC 5764, section 4.2), which
// Pion keeps to itself: the ServerHello tells profile, cipher suite and server random, the key log the rest. The SFU is
// always the DTLS server (readOffer sees to it). Owned by the handshake's goroutine.
type handshakeKeys struct {
	ready   func(in, out *srtp.Context)
	failed  func(error)
	profile srtp.ProtectionProfile
	suite   dtls.CipherSuiteID
	random  [handshake.RandomLength]byte
}

// hello is Pion's hook for the ServerHello, which it leaves as it is.
func (k *handshakeKeys) hello(m handshake.MessageServerHello) handshake.Message {
	k.random = m.Random.MarshalFixed()
	if m.CipherSuiteID != nil {
		k.suite = dtls.CipherSuiteID(*m.CipherSuiteID)
	}
	for _, x := range m.Extensions {
		u, ok := x.(*extension.UseSRTP)
		if !ok || len(u.ProtectionProfiles) != 1 {
			continue
		}
		switch u.ProtectionProfiles[0] {
		case extension.SRTP_AEAD_AES_128_GCM:
			k.profile = srtp.ProtectionProfileAeadAes128Gcm
		case extension.SRTP_AES128_CM_HMAC_SHA1_80:
			k.profile = srtp.ProtectionProfileAes128CmHmacSha1_80
		}
	}
	return &m
}

var (
	errKeyLog  = errors.New("sfu: the handshake's key log is not the line that was expected")
	errProfile = errors.New("sfu: no SRTP profile was agreed")
)

// Write takes the line of the key log: CLIENT_RANDOM, the client's random, the master secret.
func (k *handshakeKeys) Write(line []byte) (int, error) {
	in, out, err := k.derive(line)
	if err != nil {
		k.failed(err)
		return 0, err
	}
	k.ready(in, out)
	return len(line), nil
}

func (k *handshakeKeys) derive(line []byte) (in, out *srtp.Context, err error) {
	f := bytes.Fields(line)
	if len(f) != 3 || string(f[0]) != "CLIENT_RANDOM" {
		return nil, nil, errKeyLog
	}
	seed := append([]byte("EXTRACTOR-dtls_srtp"), make([]byte, handshake.RandomLength)...)
	if n, err := hex.Decode(seed[len(seed)-handshake.RandomLength:], f[1]); err != nil || n != handshake.RandomLength {
		return nil, nil, errKeyLog
	}
	seed = append(seed, k.random[:]...)
	master, err := hex.DecodeString(string(f[2]))
	if err != nil {
		return nil, nil, errKeyLog
	}
	keyLen, err := k.profile.KeyLen()
	if err != nil {
		return nil, nil, errProfile
	}
	saltLen, err := k.profile.SaltLen()
	if err != nil {
		return nil, nil, errProfile
	}
	sum := func() hash.Hash { return sha256.New() }
	if k.suite == dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 || k.suite == dtls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 {
		sum = sha512.New384
	}
	// RFC 5705, section 4, without a context.
	b, err := prf.PHash(master, seed, 2*(keyLen+saltLen), sum)
	if err != nil {
		return nil, nil, err
	}
	clientKey, serverKey := b[:keyLen], b[keyLen:2*keyLen]
	salts := b[2*keyLen:]
	in, err = srtp.CreateContext(clientKey, salts[:saltLen], k.profile, srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
	if err != nil {
		return nil, nil, err
	}
	out, err = srtp.CreateContext(serverKey, salts[saltLen:], k.profile)
	return in, out, err
}
