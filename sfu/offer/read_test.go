package offer

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"unsafe"
	"weak"

	"github.com/pion/sdp/v3"

	"atrium/signaling/protocol"
)

const transport = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n" +
	"a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n"

const someOffer = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n" + transport + "a=group:BUNDLE 0 1 2\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\na=sendrecv\r\na=msid:s t\r\na=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\n" +
	"m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\na=inactive\r\n" +
	"m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\na=rtpmap:96 VP8/90000\r\na=recvonly\r\n"

var local = &Local{ID: 7, Version: 1, Ufrag: "UFRAG", Pwd: "PASSWORD", Fingerprint: "sha-256 00", Candidates: []string{"1 1 udp 1 192.0.2.1 9 typ host"}}

func TestRead(t *testing.T) {
	o, bad := Read(someOffer, nil, Limits{1, 1})
	if bad != nil {
		t.Fatal(bad)
	}
	for i, want := range []Section{
		{Mid: "0", Kind: protocol.Audio, Source: protocol.Mic, Sends: true},
		{Mid: "1", Kind: protocol.Video, Source: protocol.Camera, Off: true},
		{Mid: "2", Kind: protocol.Video, Slot: true},
	} {
		got := o.Sections[i]
		if got.Mid != want.Mid || got.Kind != want.Kind || got.Source != want.Source || got.Sends != want.Sends || got.Off != want.Off || got.Slot != want.Slot || got.Refused {
			t.Errorf("section %d: %+v, want %+v", i, got, want)
		}
	}
	if o.Ufrag != "abcd" || o.Pwd != "abcdefghijklmnopqrstuv" || len(o.Fingerprints) != 1 {
		t.Errorf("%q %q %v", o.Ufrag, o.Pwd, o.Fingerprints)
	}
	answer := o.Answer(local)
	if strings.Count(answer, "a=inactive") != 1 || strings.Count(answer, "a=recvonly") != 1 || strings.Count(answer, "a=sendonly") != 1 || strings.Count(answer, "a=candidate") != 1 {
		t.Errorf("%s", answer)
	}
	// The camera starts by a further offer, the slot stops; their roles stay.
	again := strings.Replace(strings.Replace(someOffer, "a=recvonly", "a=inactive2", 1), "a=inactive\r", "a=sendonly\r", 1)
	again = strings.Replace(again, "a=inactive2", "a=inactive", 1)
	q, bad := Read(again, o.Roles(), Limits{1, 1})
	if bad != nil {
		t.Fatal(bad)
	}
	if s := q.Sections[1]; s.Off || s.Source != protocol.Camera {
		t.Errorf("%+v", s)
	}
	if s := q.Sections[2]; !s.Off || !s.Slot {
		t.Errorf("%+v", s)
	}
	// Ready for a track that is not there yet.
	q, bad = Read(strings.Replace(someOffer, "a=msid:s t", "a=ssrc:7 cname:x\r\na=msid:- t", 1), nil, Limits{1, 1})
	if bad != nil || q.Sections[0].Sends {
		t.Errorf("%v %+v", bad, q)
	}
}

// Each is refused, and the error says what would be right.
func TestOffersThatAreRefused(t *testing.T) {
	replace := func(old, by string) string {
		if !strings.Contains(someOffer, old) {
			t.Fatalf("the offer has no %q", old)
		}
		return strings.Replace(someOffer, old, by, 1)
	}
	for _, x := range []struct{ name, offer, says string }{
		{"no SDP", "hello", "no SDP"},
		{"no section", someOffer[:strings.Index(someOffer, "m=")], "no media section"},
		{"data", replace("m=audio", "m=application"), "audio and video"},
		{"no mid", replace("a=mid:1\r\n", ""), "a=mid of its own"},
		{"a mid that is no token", replace("a=mid:1", "a=mid:1 2"), "a=mid of its own"},
		{"a mid twice", replace("a=mid:1", "a=mid:0"), "a=mid of its own"},
		{"a slot without a codec of ours", strings.ReplaceAll(someOffer, "VP8", "H999"), "VP8/90000"},
		{"passive in a section", replace("a=mid:1", "a=mid:1\r\na=setup:passive"), "actpass"},
		{"passive in the session", replace("t=0 0", "t=0 0\r\na=setup:passive"), "actpass"},
		{"no ICE", replace("a=ice-pwd:abcdefghijklmnopqrstuv", ""), "a=ice-pwd"},
		{"no fingerprint", strings.Replace(someOffer, "a=fingerprint:sha-256", "a=fingerprint:md5", 1), "sha-256"},
		{"a short fingerprint", strings.Replace(someOffer, ":FF\r\n", "\r\n", 1), "sha-256"},
		{"no bundle", replace("a=group:BUNDLE 0 1 2", "a=x"), "BUNDLE"},
		{"a section outside the bundle", replace("a=group:BUNDLE 0 1 2", "a=group:BUNDLE 0 1"), `"2"`},
		{"too many slots", someOffer + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:3\r\na=rtpmap:96 VP8/90000\r\na=recvonly\r\n", "at most 1 and 1"},
	} {
		_, bad := Read(x.offer, nil, Limits{1, 1})
		if bad == nil || bad.Field() != "sdp" || !strings.Contains(bad.Message, x.says) {
			t.Errorf("%s: %v, want it to say %q", x.name, bad, x.says)
		}
	}
	if _, bad := Read(replace("t=0 0", "t=0 0\r\na=setup:active"), nil, Limits{1, 1}); bad != nil {
		t.Error(bad)
	}
}

func TestSectionsKeepTheirPlace(t *testing.T) {
	first, bad := Read(someOffer, nil, Limits{2, 2})
	if bad != nil {
		t.Fatal(bad)
	}
	for _, x := range []struct{ name, offer, says string }{
		{"another kind", strings.Replace(someOffer, "m=video", "m=audio", 1), `section 1 is "1" (audio); in the offer before it was "1" (video)`},
		{"another mid", strings.NewReplacer("a=mid:1", "a=mid:9", "BUNDLE 0 1", "BUNDLE 0 9").Replace(someOffer), `section 1 is "9" (video); in the offer before it was "1" (video)`},
		{"another role", strings.Replace(someOffer, "a=inactive", "a=recvonly", 1), `section "1" was an uplink`},
	} {
		_, bad := Read(x.offer, first.Roles(), Limits{2, 2})
		if bad == nil || bad.Field() != "sdp" || !strings.Contains(bad.Message, x.says) {
			t.Errorf("%s: %v, want it to say %q", x.name, bad, x.says)
		}
	}
}

// What a session keeps of an offer keeps nothing of its text, which is 150 KB with all slots.
func TestNothingKeepsTheText(t *testing.T) {
	raw, err := os.ReadFile("testdata/chromium.sdp")
	if err != nil {
		t.Fatal(err)
	}
	text := weak.Make(&raw[0])
	o, bad := Read(unsafe.String(&raw[0], len(raw)), nil, Limits{4, 4})
	if bad != nil {
		t.Fatal(bad)
	}
	kept := struct {
		roles   []Role
		agreed  []Agreed
		repairs map[uint32]uint32
		ufrag   string
		pwd     string
		prints  []Fingerprint
	}{roles: o.Roles(), repairs: o.Sections[1].Repairs, ufrag: o.Ufrag, pwd: o.Pwd, prints: o.Fingerprints}
	for i := range o.Sections {
		kept.agreed = append(kept.agreed, o.Sections[i].Agreed)
	}
	raw, o = nil, nil
	for range 3 { // pools hold on for two
		runtime.GC()
	}
	if text.Value() != nil {
		t.Error("the text is still there")
	}
	runtime.KeepAlive(&kept)
}

func FuzzOffer(f *testing.F) {
	f.Add(someOffer, someOffer)
	f.Add("v=0\r\n", "m=audio 0 x 0\r\n")
	f.Fuzz(func(t *testing.T, first, second string) {
		o, bad := Read(first, nil, Limits{3, 3})
		if bad != nil {
			if bad.Field() != "sdp" {
				t.Fatalf("%+v", bad)
			}
			return
		}
		if o.Audio > 3 || o.Video > 3 {
			t.Fatalf("%d and %d slots", o.Audio, o.Video)
		}
		var d sdp.SessionDescription
		if err := d.UnmarshalString(o.Answer(local)); err != nil {
			t.Fatalf("%v\n%s", err, o.Answer(local))
		}
		if len(d.MediaDescriptions) != len(o.Sections) {
			t.Fatalf("%d sections are answered by %d", len(o.Sections), len(d.MediaDescriptions))
		}
		for i, m := range d.MediaDescriptions {
			if mid, _ := m.Attribute("mid"); mid != o.Sections[i].Mid {
				t.Fatalf("section %d of mid %q is answered as %q", i, o.Sections[i].Mid, mid)
			}
		}
		q, bad := Read(second, o.Roles(), Limits{3, 3})
		if bad == nil {
			for i, s := range o.Sections {
				if q.Sections[i].Slot != s.Slot || q.Sections[i].Mid != s.Mid {
					t.Fatalf("section %d was %+v and is %+v", i, s, q.Sections[i])
				}
			}
		}
	})
}
