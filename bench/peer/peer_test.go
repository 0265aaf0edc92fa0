package peer

import (
	"strings"
	"testing"
)

func TestSignalURL(t *testing.T) {
	for in, want := range map[string]string{
		"http://127.0.0.1:8080":   "ws://127.0.0.1:8080/signal",
		"https://office.example/": "wss://office.example/signal",
	} {
		if got := signalURL(in); got != want {
			t.Errorf("signalURL(%q) = %q, not %q", in, got, want)
		}
	}
}

func TestRelayProtocol(t *testing.T) {
	for in, want := range map[string]string{
		"turn:127.0.0.1:3478":                "udp",
		"turn:127.0.0.1:3478?transport=udp":  "udp",
		"turn:127.0.0.1:3478?transport=tcp":  "tcp",
		"turns:127.0.0.1:5349":               "tcp",
		"turns:127.0.0.1:5349?transport=tcp": "tcp",
	} {
		if got := relayProtocol(in); got != want {
			t.Errorf("relayProtocol(%q) = %q, not %q", in, got, want)
		}
	}
}

func TestInactivate(t *testing.T) {
	sdp := strings.ReplaceAll(`v=0
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=sendonly
a=ssrc:1 cname:x
a=msid:x y
m=video 9 UDP/TLS/RTP/SAVPF 96
a=mid:1
a=sendonly
a=ssrc:2 cname:x
`, "\n", "\r\n")
	got := inactivate(sdp, map[int]bool{0: true})
	want := strings.ReplaceAll(sdp, "a=mid:0\r\na=sendonly\r\na=ssrc:1 cname:x\r\na=msid:x y\r\n", "a=mid:0\r\na=inactive\r\n")
	if got != want {
		t.Errorf("got\n%s\nnot\n%s", got, want)
	}
	if inactivate(sdp, nil) != sdp {
		t.Error("an offer without inactive sections was changed")
	}
}

func TestFingerprint(t *testing.T) {
	a := "v=0\r\na=fingerprint:sha-256 AA:BB\r\nm=audio\r\n"
	if got := fingerprint(a); got != "sha-256 aa:bb" {
		t.Errorf("fingerprint is %q", got)
	}
	if got := fingerprint("v=0\r\n"); got != "" {
		t.Errorf("no fingerprint is %q", got)
	}
}
