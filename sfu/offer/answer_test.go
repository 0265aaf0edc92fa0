package offer

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"atrium/signaling/protocol"
)

// answered gives the answer to an offer with a stream for each slot, and its sections as lines.
func answered(t *testing.T, raw string, earlier []Role) (o *Offer, answer string, session []string, sections [][]string) {
	t.Helper()
	o, bad := Read(raw, earlier, Limits{4, 4})
	if bad != nil {
		t.Fatal(bad)
	}
	l := *local
	l.Streams = map[string]Stream{}
	for i, s := range o.Sections {
		if s.Slot {
			st := Stream{ID: fmt.Sprintf("slot%d", s.Nth), Track: fmt.Sprintf("%s%d", s.Kind, s.Nth), SSRC: uint32(100 + i)}
			if s.Kind == protocol.Video {
				st.RTX = uint32(200 + i)
			}
			l.Streams[s.Mid] = st
		}
	}
	answer = o.Answer(&l)
	var d sdp.SessionDescription
	if err := d.UnmarshalString(answer); err != nil {
		t.Fatalf("%v\n%s", err, answer)
	}
	parts := strings.Split(answer, "\r\nm=")
	for i, part := range parts {
		lines := strings.Split(strings.TrimSuffix(part, "\r\n"), "\r\n")
		if i == 0 {
			session = lines
		} else {
			lines[0] = "m=" + lines[0]
			sections = append(sections, lines)
		}
	}
	return o, answer, session, sections
}

func expect(t *testing.T, what string, lines []string, has, hasNot []string) {
	t.Helper()
	for _, want := range has {
		if !slices.Contains(lines, want) {
			t.Errorf("%s: no %q among\n%s", what, want, strings.Join(lines, "\n"))
		}
	}
	for _, no := range hasNot {
		for _, l := range lines {
			if strings.Contains(l, no) {
				t.Errorf("%s: %q", what, l)
			}
		}
	}
}

// What the browsers offer, recorded from them: microphone, camera with simulcast, a screen that is not there yet, two slots of each kind.
func TestAnswersToBrowsers(t *testing.T) {
	const (
		level  = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
		mid    = "urn:ietf:params:rtp-hdrext:sdes:mid"
		wide   = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
		rid    = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
		repair = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
	)
	always := []string{"c=IN IP4 0.0.0.0", "a=setup:passive", "a=ice-ufrag:UFRAG", "a=ice-pwd:PASSWORD", "a=rtcp-mux"}
	never := []string{"goog-remb", "red/90000", "ulpfec", "abs-send-time", "a=ice-options", "ssrc-group:SIM"}
	feedback := func(pt string) []string {
		var all []string
		for _, fb := range videoFeedback {
			all = append(all, "a=rtcp-fb:"+pt+" "+fb)
		}
		return all
	}
	video := func(pt, rtx string) []string {
		return append(feedback(pt), "a=rtpmap:"+pt+" VP8/90000", "a=rtpmap:"+rtx+" rtx/90000", "a=fmtp:"+rtx+" apt="+pt)
	}
	for _, x := range []struct {
		file                      string
		opus, opusFmtp            string
		vp8, rtx                  string
		mid, level, wide, rid, rr string
	}{
		{"chromium", "111", "minptime=10;useinbandfec=1", "96", "97", "4", "1", "3", "10", "11"},
		{"firefox", "109", "maxplaybackrate=48000;stereo=1;useinbandfec=1", "120", "124", "3", "1", "7", "9", "10"},
	} {
		t.Run(x.file, func(t *testing.T) {
			raw, err := os.ReadFile("testdata/" + x.file + ".sdp")
			if err != nil {
				t.Fatal(err)
			}
			o, answer, session, sections := answered(t, string(raw), nil)
			expect(t, "session", session, []string{"a=ice-lite", "a=group:BUNDLE 0 1 2 3 4 5 6", "a=fingerprint:" + local.Fingerprint, "a=extmap-allow-mixed"}, nil)
			if len(sections) != 7 {
				t.Fatalf("%d sections", len(sections))
			}
			audio := []string{"a=rtpmap:" + x.opus + " opus/48000/2", "a=fmtp:" + x.opus + " " + x.opusFmtp, "a=rtcp-fb:" + x.opus + " transport-cc",
				"a=extmap:" + x.mid + " " + mid, "a=extmap:" + x.level + " " + level, "a=extmap:" + x.wide + " " + wide}
			picture := append(video(x.vp8, x.rtx), "a=extmap:"+x.mid+" "+mid, "a=extmap:"+x.wide+" "+wide, "a=rtcp-rsize")
			audio, picture, always := slices.Clip(audio), slices.Clip(picture), slices.Clip(always)
			encodings := []string{"a=extmap:" + x.rid + " " + rid, "a=extmap:" + x.rr + " " + repair}
			for i, want := range [][]string{
				append(audio, "a=recvonly", "a=candidate:"+local.Candidates[0], "a=end-of-candidates"),
				append(slices.Concat(picture, encodings), "a=recvonly", "a=rid:q recv", "a=rid:h recv", "a=rid:f recv", "a=simulcast:recv q;h;f"),
				append(slices.Concat(picture, encodings), "a=recvonly"),
				append(audio, "a=sendonly", "a=msid:slot0 audio0", "a=ssrc:103 cname:slot0"),
				append(audio, "a=sendonly", "a=msid:slot1 audio1", "a=ssrc:104 cname:slot1"),
				append(picture, "a=sendonly", "a=msid:slot0 video0", "a=ssrc-group:FID 105 205", "a=ssrc:105 cname:slot0", "a=ssrc:205 cname:slot0"),
				append(picture, "a=sendonly", "a=msid:slot1 video1", "a=ssrc-group:FID 106 206"),
			} {
				what := fmt.Sprintf("section %d", i)
				not := slices.Clone(never)
				if i > 0 {
					not = append(not, "a=candidate")
				}
				if i > 2 {
					not = append(not, "a=simulcast", "a=rid", rid)
				} else {
					not = append(not, "a=ssrc", "a=msid")
				}
				expect(t, what, sections[i], append(slices.Concat(want, always), fmt.Sprintf("a=mid:%d", i)), not)
				s := &o.Sections[i]
				if f, rtx := s.Format(s.Formats[0].PT); f == nil || rtx {
					t.Errorf("%s: %+v", what, s.Formats)
				}
				if head := strings.Fields(sections[i][0]); head[1] != "9" || head[2] != "UDP/TLS/RTP/SAVPF" || head[3] != fmt.Sprint(s.Formats[0].PT) {
					t.Errorf("%s: %s", what, sections[i][0])
				}
			}
			for i, sends := range []bool{true, true, false} {
				if o.Sections[i].Sends != sends {
					t.Errorf("uplink %d is said to send: %v", i, !sends)
				}
			}
			if ids := o.Sections[1].IDs; fmt.Sprint(ids.MID, ids.RID, ids.Repair, ids.Level, ids.Wide) != fmt.Sprintf("%s %s %s 0 %s", x.mid, x.rid, x.rr, x.wide) {
				t.Errorf("%+v", ids)
			}
			if f, rtx := o.Sections[1].Format(o.Sections[1].Of(VP8).RTX); f == nil || f.Codec != VP8 || !rtx {
				t.Errorf("%+v", o.Sections[1].Formats)
			}
			// Another offer of the same is answered the same, but for the version.
			_, again, _, _ := answered(t, string(raw), o.Roles())
			if again != answer {
				t.Errorf("%s\nand then\n%s", answer, again)
			}
		})
	}
}

// What else an offer may hold, each as a change of the small one.
func TestAnswers(t *testing.T) {
	with := func(changes ...string) string {
		s := someOffer
		for i := 0; i < len(changes); i += 2 {
			if !strings.Contains(s, changes[i]) {
				t.Fatalf("the offer has no %q", changes[i])
			}
			s = strings.Replace(s, changes[i], changes[i+1], 1)
		}
		return s
	}
	for _, x := range []struct {
		name, offer string
		section     int // -1: the session
		has, hasNot []string
	}{
		{"Opus without a word of repair", someOffer, 0, []string{"a=fmtp:111 useinbandfec=1", "a=recvonly"}, []string{"transport-cc"}},
		{"Opus without repair", with("a=sendrecv", "a=fmtp:111 stereo=1\r\na=sendrecv"), 0, []string{"a=fmtp:111 stereo=1;useinbandfec=1"}, nil},
		{"Opus without channels", with("opus/48000/2", "OPUS/48000"), 0, []string{"a=rtpmap:111 opus/48000/2"}, nil},
		{"feedback for every format", with("a=recvonly", "a=rtcp-fb:* nack pli\r\na=rtcp-fb:* nack\r\na=recvonly"), 2, []string{"a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli"}, []string{"ccm fir"}},
		{"numbers that nobody would report on", with("a=recvonly", "a=extmap:3 "+sdp.TransportCCURI+"\r\na=recvonly"), 2, nil, []string{"a=extmap"}},
		{"an extension with a direction", with("a=recvonly", "a=extmap:5/recvonly "+sdp.SDESMidURI+"\r\na=recvonly"), 2, []string{"a=extmap:5 " + sdp.SDESMidURI}, nil},
		{"an extension that the client would only send", with("a=recvonly", "a=extmap:5/sendonly "+sdp.SDESMidURI+"\r\na=recvonly"), 2, nil, []string{"extmap"}},
		{"an extension under two ids", with("a=recvonly", "a=extmap:5 "+sdp.SDESMidURI+"\r\na=extmap:20 "+sdp.SDESMidURI+"\r\na=recvonly"), 2, []string{"a=extmap:5 " + sdp.SDESMidURI}, []string{"extmap:20"}},
		{"ids that may not be", with("a=recvonly", "a=extmap:0 "+sdp.SDESMidURI+"\r\na=extmap:15 "+sdp.SDESMidURI+"\r\na=recvonly"), 2, nil, []string{"a=extmap"}},
		{"RTX of another format", with("VP8/90000\r\na=recvonly", "VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=98\r\na=recvonly", "SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:2", "SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=mid:2"), 2, nil, []string{"rtx", "apt"}},
		{"RTX with a time", with("VP8/90000\r\na=recvonly", "VP8/90000\r\na=rtpmap:97 RTX/90000\r\na=fmtp:97 apt=96;rtx-time=3000\r\na=recvonly", "SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:2", "SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=mid:2"), 2, []string{"m=video 9 UDP/TLS/RTP/SAVPF 96 97", "a=fmtp:97 apt=96"}, nil},
		{"a format that the section does not list", with("VP8/90000\r\na=recvonly", "VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=recvonly"), 2, nil, []string{"rtx"}},
		{"an inactive uplink", someOffer, 1, []string{"m=video 9 UDP/TLS/RTP/SAVPF 96", "a=inactive"}, []string{"a=recvonly"}},
		{"a stopped slot", with("m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:2", "m=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:2", " 0 1 2\r\n", " 0 1\r\n"), 2, []string{"m=video 0 UDP/TLS/RTP/SAVPF 96", "a=mid:2", "a=inactive"}, []string{"a=ice", "a=msid"}},
		{"a section of the bundle only", with("m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:2", "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=bundle-only\r\nc=IN IP4 0.0.0.0\r\na=mid:2"), 2, []string{"m=video 9 UDP/TLS/RTP/SAVPF 96", "a=sendonly"}, nil},
		{"an uplink without a codec of ours", with("VP8", "H999"), 1, []string{"m=video 0 UDP/TLS/RTP/SAVPF 96", "a=mid:1"}, []string{"a=rtpmap"}},
		{"… is not in the bundle", with("VP8", "H999"), -1, []string{"a=group:BUNDLE 0 2"}, nil},
		{"a microphone without a codec of ours", with("opus", "spus"), 1, []string{"a=end-of-candidates"}, nil},
		{"simulcast with restrictions, alternatives and pauses", with("a=inactive", "a=sendonly\r\na=rid:a send max-width=320;pt=96\r\na=rid:b send pt=98,96\r\na=rid:c send pt=98\r\na=rid:d recv\r\na=rid:e send\r\na=simulcast:send a;~b,e;c;d;x"), 1,
			[]string{"a=rid:a recv max-width=320;pt=96", "a=rid:b recv pt=96", "a=simulcast:recv a;b"}, []string{"a=rid:c", "a=rid:d", "a=rid:e"}},
		{"simulcast of a slot", with("a=recvonly", "a=rid:a recv\r\na=simulcast:recv a\r\na=recvonly"), 2, nil, []string{"a=rid", "a=simulcast"}},
	} {
		_, _, session, sections := answered(t, x.offer, nil)
		lines := session
		if x.section >= 0 {
			lines = sections[x.section]
		}
		expect(t, x.name, lines, x.has, x.hasNot)
	}
	// One section needs no bundle.
	i := strings.Index(someOffer, "m=video")
	_, _, session, _ := answered(t, strings.Replace(someOffer[:i], "a=group:BUNDLE 0 1 2\r\n", "", 1), nil)
	expect(t, "one section", session, nil, []string{"BUNDLE"})
}

// A client of Pion takes the answer, and has its tracks.
func TestPionTakesTheAnswer(t *testing.T) {
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	defer pc.GracefulClose()
	for _, x := range []struct {
		kind webrtc.RTPCodecType
		d    webrtc.RTPTransceiverDirection
	}{
		{webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverDirectionSendonly}, {webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverDirectionSendonly},
		{webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverDirectionRecvonly}, {webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverDirectionRecvonly},
	} {
		if _, err := pc.AddTransceiverFromKind(x.kind, webrtc.RTPTransceiverInit{Direction: x.d}); err != nil {
			t.Fatal(err)
		}
	}
	o, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := pc.SetLocalDescription(o); err != nil {
		t.Fatal(err)
	}
	_, answer, _, _ := answered(t, o.SDP, nil)
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		t.Fatalf("%v\n%s", err, answer)
	}
	for i, want := range []webrtc.RTPTransceiverDirection{webrtc.RTPTransceiverDirectionSendonly, webrtc.RTPTransceiverDirectionSendonly, webrtc.RTPTransceiverDirectionRecvonly, webrtc.RTPTransceiverDirectionRecvonly} {
		if got := pc.GetTransceivers()[i].Direction(); got != want {
			t.Errorf("transceiver %d: %s, want %s", i, got, want)
		}
	}
}

// BenchmarkAnswer answers what a browser offers with all the slots there are.
func BenchmarkAnswer(b *testing.B) {
	for _, browser := range []string{"chromium", "firefox"} {
		raw, err := os.ReadFile("testdata/" + browser + ".sdp")
		if err != nil {
			b.Fatal(err)
		}
		parts := strings.SplitAfter(strings.ReplaceAll(string(raw), "m=", "\x00m="), "\x00")
		for i := range parts {
			parts[i] = strings.TrimSuffix(parts[i], "\x00")
		}
		audio, video, n := parts[4], parts[6], 0
		offer, mids := "", "BUNDLE"
		for _, p := range slices.Concat(parts[1:4], slices.Repeat([]string{audio}, 24), slices.Repeat([]string{video}, 24)) {
			before, after, _ := strings.Cut(p, "a=mid:")
			_, after, _ = strings.Cut(after, "\r\n")
			offer += fmt.Sprintf("%sa=mid:%d\r\n%s", before, n, after)
			mids += fmt.Sprintf(" %d", n)
			n++
		}
		offer = strings.Replace(parts[0], "BUNDLE 0 1 2 3 4 5 6", mids, 1) + offer
		b.Run(browser, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(offer)))
			for range b.N {
				o, bad := Read(offer, nil, Limits{24, 24})
				if bad != nil {
					b.Fatal(bad)
				}
				_ = o.Answer(local)
			}
		})
	}
}
