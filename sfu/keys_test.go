package sfu

import (
	"testing"

	"github.com/pion/dtls/v3"
	"github.com/pion/webrtc/v4"
)

// The keys are right for every profile and for a cipher suite with another hash, both ways.
func TestKeysOfEveryProfileAndSuite(t *testing.T) {
	for _, x := range []struct {
		name    string
		setting func(*webrtc.SettingEngine)
	}{
		{"AES-CM", func(s *webrtc.SettingEngine) { s.SetSRTPProtectionProfiles(dtls.SRTP_AES128_CM_HMAC_SHA1_80) }},
		{"AES-GCM", func(s *webrtc.SettingEngine) { s.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM) }},
		{"SHA-384", func(s *webrtc.SettingEngine) { s.SetDTLSCipherSuites(dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384) }},
		{"no extended master secret", func(s *webrtc.SettingEngine) { s.SetDTLSExtendedMasterSecret(dtls.DisableExtendedMasterSecret) }},
	} {
		t.Run(x.name, func(t *testing.T) {
			b := newBed(t)
			p := b.join(peerOptions{mic: true, camera: true, audio: 1, video: 1, setting: x.setting})
			q := b.join(peerOptions{mic: true, camera: true, audio: 1, video: 1})
			exchange(t, p, q)
		})
	}
}
