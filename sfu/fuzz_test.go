package sfu

import (
	"encoding/base64"
	"testing"

	"github.com/google/uuid"

	"atrium/sfu/offer"
	"atrium/signaling/protocol"
)

const someOffer = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=fingerprint:sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33\r\na=group:BUNDLE 0 1 2\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\na=sendrecv\r\na=msid:s t\r\na=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\n" +
	"m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\na=inactive\r\n" +
	"m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\na=rtpmap:96 VP8/90000\r\na=recvonly\r\n"

// FuzzLink sends any frame as the first and any as the next one of a link.
func FuzzLink(f *testing.F) {
	frame := `{"type":"SDP_OFFER","payload":{"to":"sfu","sdp":"` + base64.StdEncoding.EncodeToString([]byte(someOffer)) + `"}}`
	f.Add(`{"type":"CONNECT","payload":{"token":"x"},"protocol_version":1}`, frame)
	f.Add(`{"type":"VIEW","payload":{}}`, `{"type":"VIEW","payload":{"pinned":["`+uuid.NewString()+`"],"max_video":1}}`)
	f.Add(`{`, `{"type":"ICE_CANDIDATE","payload":{"to":"sfu","candidate":null}}`)
	f.Add(`{"type":"CONNECT","payload":{},"protocol_version":2}`, `{"type":"ERROR","payload":{"code":"x"}}`)
	b := newBed(f)
	f.Fuzz(func(t *testing.T, first, second string) {
		env, err := protocol.Decode([]byte(first))
		if _, why := b.connect(nil, env, err); why.err == nil || !why.err.Code.Valid() || why.close != 0 && why.close < 4400 {
			t.Fatalf("%q: %+v", first, why)
		}
		env, err = protocol.Decode([]byte(second))
		if err != nil {
			return
		}
		msg, err := env.SFULink()
		if err != nil {
			return
		}
		if m, ok := msg.(*protocol.Description); ok {
			raw, err := base64.StdEncoding.DecodeString(m.SDP)
			if err != nil {
				t.Fatal("passed as base64")
			}
			_, _ = offer.Read(string(raw), nil, offer.Limits{Audio: 24, Video: 24})
		}
	})
}
