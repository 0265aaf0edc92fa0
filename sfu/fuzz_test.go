package sfu

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/uuid"

	"atrium/signaling/protocol"
)

const someOffer = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\na=sendrecv\r\na=msid:s t\r\na=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\n" +
	"m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\na=inactive\r\n" +
	"m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\na=rtpmap:96 VP8/90000\r\na=recvonly\r\n"

func TestReadOffer(t *testing.T) {
	p, bad := readOffer(someOffer, nil, 1, 1)
	if bad != nil {
		t.Fatal(bad)
	}
	want := []section{
		{mid: "0", kind: protocol.Audio, source: protocol.Mic, sends: true},
		{mid: "1", kind: protocol.Video, source: protocol.Camera, off: true},
		{mid: "2", kind: protocol.Video, slot: true},
	}
	for i := range want {
		got := p.sections[i]
		if got.told = nil; got != want[i] {
			t.Errorf("section %d: %+v, want %+v", i, got, want[i])
		}
	}
	if strings.Contains(p.sdp, "candidate") || strings.Contains(p.sdp, "sendrecv") || strings.Contains(p.sdp, "inactive") || strings.Count(p.sdp, "a=sendonly") != 2 {
		t.Errorf("given to Pion:\n%s", p.sdp)
	}
	answer, err := finishAnswer(p.sdp, p.sections)
	if err != nil || strings.Count(answer, "a=inactive") != 1 {
		t.Errorf("%v\n%s", err, answer)
	}
	// The camera starts by a further offer, the slot stops; their roles stay.
	again := strings.Replace(strings.Replace(someOffer, "a=recvonly", "a=inactive2", 1), "a=inactive\r", "a=sendonly\r", 1)
	again = strings.Replace(again, "a=inactive2", "a=inactive", 1)
	q, bad := readOffer(again, p.sections, 1, 1)
	if bad != nil {
		t.Fatal(bad)
	}
	if s := q.sections[1]; s.off || s.source != protocol.Camera {
		t.Errorf("%+v", s)
	}
	if s := q.sections[2]; !s.off || !s.slot {
		t.Errorf("%+v", s)
	}
	// Ready for a track that is not there yet.
	q, bad = readOffer(strings.Replace(someOffer, "a=msid:s t", "a=ssrc:7 cname:x\r\na=msid:- t", 1), nil, 1, 1)
	if bad != nil || q.sections[0].sends {
		t.Errorf("%v %+v", bad, q)
	}
}

func FuzzOffer(f *testing.F) {
	f.Add(someOffer, someOffer)
	f.Add("v=0\r\n", "m=audio 0 x 0\r\n")
	f.Fuzz(func(t *testing.T, first, second string) {
		p, bad := readOffer(first, nil, 3, 3)
		if bad != nil {
			if bad.Field() != "sdp" {
				t.Fatalf("%+v", bad)
			}
			return
		}
		if p.audio > 3 || p.video > 3 {
			t.Fatalf("%d and %d slots", p.audio, p.video)
		}
		if strings.Contains(p.sdp, "a=candidate") {
			t.Fatal("a candidate is left")
		}
		if _, err := finishAnswer(p.sdp, p.sections); err != nil {
			t.Fatal(err)
		}
		q, bad := readOffer(second, p.sections, 3, 3)
		if bad == nil {
			for i, s := range p.sections {
				if q.sections[i].slot != s.slot || q.sections[i].mid != s.mid {
					t.Fatalf("section %d was %+v and is %+v", i, s, q.sections[i])
				}
			}
		}
	})
}

// FuzzLink sends any frame as the first and any as the next one of a link.
func FuzzLink(f *testing.F) {
	offer := `{"type":"SDP_OFFER","payload":{"to":"sfu","sdp":"` + base64.StdEncoding.EncodeToString([]byte(someOffer)) + `"}}`
	f.Add(`{"type":"CONNECT","payload":{"token":"x"},"protocol_version":1}`, offer)
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
			_, _ = readOffer(string(raw), nil, 24, 24)
		}
	})
}
