package offer

import (
	"strings"
	"testing"
)

func video(lines string, pts, direction string) string {
	return "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=extmap-allow-mixed\r\n" + transport + "a=group:BUNDLE 0\r\n" +
		"m=video 9 UDP/TLS/RTP/SAVPF " + pts + "\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=" + direction + "\r\n" + lines
}

// As Chromium offers them.
const (
	h264Lines = "a=rtpmap:102 H264/90000\r\na=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\r\n" +
		"a=rtpmap:106 H264/90000\r\na=fmtp:106 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f\r\n" +
		"a=rtpmap:108 H264/90000\r\na=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n" +
		"a=rtpmap:109 rtx/90000\r\na=fmtp:109 apt=108\r\na=rtpmap:112 H264/90000\r\na=fmtp:112 packetization-mode=1;profile-level-id=64001f\r\n"
	vp9Lines = "a=rtpmap:100 VP9/90000\r\na=fmtp:100 profile-id=2\r\na=rtpmap:98 VP9/90000\r\na=fmtp:98 profile-id=0\r\n"
	av1Lines = "a=rtpmap:45 AV1/90000\r\na=fmtp:45 level-idx=5;profile=0;tier=0\r\na=rtcp-fb:45 nack\r\n"
	vp8Lines = "a=rtpmap:96 VP8/90000\r\n"
	deps     = "a=extmap:13 " + dependencyURI + "\r\n"
)

func TestCodecsThatAreAnswered(t *testing.T) {
	for _, c := range []struct {
		name, lines, pts, direction string
		want                        []uint8
		rtx                         uint8
		dependency                  uint8
	}{
		{"H264: constrained baseline, non-interleaved", h264Lines, "102 106 108 109 112", "sendonly", []uint8{108}, 109, 0},
		{"VP9: profile 0", vp9Lines, "100 98", "sendonly", []uint8{98}, 0, 0},
		{"AV1, its layers told by the descriptor", av1Lines + deps, "45", "sendonly", []uint8{45}, 0, 13},
		{"AV1, its layers told by nothing", av1Lines + vp8Lines, "45 96", "recvonly", []uint8{96, 45}, 0, 0},
		{"VP8 first where an uplink offers it, and told by its own descriptor", av1Lines + vp8Lines + h264Lines + deps, "45 108 96", "sendonly", []uint8{96, 108, 45}, 0, 0},
		{"all in a slot", av1Lines + vp9Lines + h264Lines + vp8Lines + deps, "45 98 100 108 109 96", "recvonly", []uint8{96, 108, 98, 45}, 109, 13},
	} {
		o, bad := Read(video(c.lines, c.pts, c.direction), nil, Limits{1, 1})
		if bad != nil {
			t.Errorf("%s: %v", c.name, bad)
			continue
		}
		s := o.Sections[0]
		var pts []uint8
		rtx := uint8(0)
		for _, f := range s.Formats {
			pts = append(pts, f.PT)
			rtx = max(rtx, f.RTX)
		}
		if string(pts) != string(c.want) || rtx != c.rtx || s.IDs.Dependency != c.dependency {
			t.Errorf("%s: formats %v, RTX %d, descriptor %d; want %v, %d, %d", c.name, pts, rtx, s.IDs.Dependency, c.want, c.rtx, c.dependency)
		}
		answer := o.Answer(local)
		if strings.Contains(answer, dependencyURI) != (c.dependency != 0) || !strings.Contains(answer, "extmap-allow-mixed") {
			t.Errorf("%s:\n%s", c.name, answer)
		}
	}
}

func TestRedundancyOfOpus(t *testing.T) {
	const opus, red = "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n", "a=rtpmap:63 red/48000/2\r\n"
	for _, c := range []struct {
		name, lines, pts string
		want             []uint8
	}{
		{"as Chromium offers it", opus + red + "a=fmtp:63 111/111\r\n", "111 63", []uint8{111, 63}},
		{"asked for", opus + red + "a=fmtp:63 111/111\r\n", "63 111", []uint8{63, 111}},
		{"of something else", opus + red + "a=fmtp:63 0/111\r\n", "63 111", []uint8{111}},
		{"of nothing", opus + red, "63 111", []uint8{111}},
		{"alone", red + "a=fmtp:63 111/111\r\n", "63", nil},
	} {
		o, bad := Read(strings.Replace(video(c.lines, c.pts, "sendonly"), "m=video", "m=audio", 1), nil, Limits{1, 1})
		if bad != nil {
			t.Errorf("%s: %v", c.name, bad)
			continue
		}
		var pts []uint8
		for _, f := range o.Sections[0].Formats {
			pts = append(pts, f.PT)
		}
		if string(pts) != string(c.want) {
			t.Errorf("%s: %v, want %v", c.name, pts, c.want)
		}
		if answer := o.Answer(local); strings.Contains(answer, "a=fmtp:63 111/111") != (len(c.want) == 2) {
			t.Errorf("%s:\n%s", c.name, answer)
		}
	}
}
