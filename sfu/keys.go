package sfu

import (
	"errors"
	"fmt"

	"github.com/pion/dtls/v3"
	"github.com/pion/srtp/v3"
)

const replayWindow = 512 // packets; RFC 3711, section 3.3.2 asks for 64 at least, and a video frame may have a hundred

var (
	errProfile      = errors.New("sfu: no SRTP profile was agreed")
	errNotTheOffers = errors.New("sfu: the client's certificate is none that the offer names")
)

// dtlsKeys are what a handshake agreed on.
type dtlsKeys struct {
	state   *dtls.State
	in, out *srtp.Context
}

// keysOf takes the SRTP keys of a handshake (RFC 5764, section 4.2). The SFU is always the DTLS server (offer.Read sees to it).
func keysOf(conn *dtls.Conn) (*dtlsKeys, error) {
	state, ok := conn.ConnectionState()
	agreed, has := conn.SelectedSRTPProtectionProfile()
	if !ok || !has {
		return nil, errProfile
	}
	profile := srtp.ProtectionProfileAeadAes128Gcm
	if agreed == dtls.SRTP_AES128_CM_HMAC_SHA1_80 {
		profile = srtp.ProtectionProfileAes128CmHmacSha1_80
	}
	keyLen, err := profile.KeyLen()
	if err != nil {
		return nil, fmt.Errorf("sfu: SRTP profile: %w", err)
	}
	saltLen, err := profile.SaltLen()
	if err != nil {
		return nil, fmt.Errorf("sfu: SRTP profile: %w", err)
	}
	b, err := state.ExportKeyingMaterial("EXTRACTOR-dtls_srtp", nil, 2*(keyLen+saltLen))
	if err != nil {
		return nil, fmt.Errorf("sfu: SRTP keys: %w", err)
	}
	clientKey, serverKey, salts := b[:keyLen], b[keyLen:2*keyLen], b[2*keyLen:]
	k := &dtlsKeys{state: &state}
	state.PeerCertificates = nil // it was looked at
	k.in, err = srtp.CreateContext(clientKey, salts[:saltLen], profile, srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
	if err != nil {
		return nil, fmt.Errorf("sfu: SRTP: %w", err)
	}
	k.out, err = srtp.CreateContext(serverKey, salts[saltLen:], profile)
	if err != nil {
		return nil, fmt.Errorf("sfu: SRTP: %w", err)
	}
	return k, nil
}
