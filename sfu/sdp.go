package sfu

import (
	"slices"
	"strings"

	"github.com/pion/sdp/v3"

	"atrium/signaling/protocol"
)

// section is what the SFU makes of one media section of an offer. Its role is settled by the first offer that holds it.
type section struct {
	mid    string
	kind   protocol.SlotKind
	slot   bool            // offered recvonly: a downlink slot; else an uplink
	source protocol.Source // of an uplink
	off    bool            // offered inactive, or refused: carries nothing for now
	sends  bool            // an uplink that has a track
	nth    int             // among the slots of its kind
	told   *told           // of an uplink: what its streams are told by
}

// plan is an offer as the SFU understands it.
type plan struct {
	sections []section
	sdp      string // what Pion is given
	audio    int    // slots
	video    int
}

const otherSections = 16 // most sections that are neither uplink nor slot: refused or stopped ones

// readOffer reads an offer and makes of it what Pion is given: without the client's candidates, which the SFU has no use
// for, and with each section in the direction of its role, so that an uplink offered as sendrecv does not take a slot's
// transceiver, and a section that is inactive today can be used tomorrow. earlier are the sections of the last offer.
func readOffer(raw string, earlier []section, maxAudio, maxVideo int) (*plan, *protocol.Error) {
	var d sdp.SessionDescription
	if err := d.UnmarshalString(raw); err != nil {
		return nil, badSDP("the offer is no SDP: %v", err)
	}
	if len(d.MediaDescriptions) > maxAudio+maxVideo+3+otherSections {
		return nil, badSDP("the offer has %d sections; it must have at most 3 uplinks and the slots that CONNECTED allows", len(d.MediaDescriptions))
	}
	if len(d.MediaDescriptions) < len(earlier) {
		return nil, badSDP("the offer has %d sections; the one before had %d, and sections are never taken away", len(d.MediaDescriptions), len(earlier))
	}
	p := &plan{}
	d.Attributes = without(d.Attributes, "candidate", "end-of-candidates", "sendrecv", "sendonly", "recvonly", "inactive")
	seen := map[string]bool{}
	uplinks := map[protocol.SlotKind]int{}
	for i, m := range d.MediaDescriptions {
		s := section{kind: protocol.SlotKind(m.MediaName.Media)}
		if !s.kind.Valid() {
			return nil, badSDP("section %d is %q; the SFU takes audio and video", i, clip(m.MediaName.Media))
		}
		mid, ok := m.Attribute("mid")
		if s.mid = mid; !ok || mid == "" || seen[mid] {
			return nil, badSDP("section %d must have an a=mid of its own", i)
		}
		seen[mid] = true
		direction := directionOf(m)
		_, bundled := m.Attribute("bundle-only")
		s.off = direction == "inactive" || m.MediaName.Port.Value == 0 && !bundled
		s.slot = direction == "recvonly"
		if i < len(earlier) {
			if earlier[i].mid != mid || earlier[i].kind != s.kind {
				return nil, badSDP("section %d is %q; in the offer before it was %q, and sections keep their place", i, clip(mid), earlier[i].mid)
			}
			if !s.off && earlier[i].slot != s.slot {
				return nil, badSDP("section %q was an uplink or a slot in the offer before and is the other now", clip(mid))
			}
			s.slot = earlier[i].slot
		}
		to := "sendonly"
		if s.slot {
			to = "recvonly"
			if s.kind == protocol.Audio {
				s.nth, p.audio = p.audio, p.audio+1
			} else {
				s.nth, p.video = p.video, p.video+1
			}
			if want := codecOf(s.kind); !hasCodec(m, want) && !s.off {
				return nil, badSDP("slot %q must offer %s", clip(mid), want)
			}
		} else {
			n := uplinks[s.kind]
			uplinks[s.kind]++
			switch {
			case s.kind == protocol.Audio && n == 0:
				s.source = protocol.Mic
			case s.kind == protocol.Video && n == 0:
				s.source = protocol.Camera
			case s.kind == protocol.Video && n == 1:
				s.source = protocol.Screen
			default:
				return nil, badSDP("section %q is one uplink too many; there is one of audio (microphone) and two of video (camera, screen)", clip(mid))
			}
			s.sends = !s.off && carriesTrack(m)
		}
		m.Attributes = append(without(m.Attributes, "candidate", "end-of-candidates", "sendrecv", "sendonly", "recvonly", "inactive"), sdp.Attribute{Key: to})
		prune(m, codecOf(s.kind))
		if !s.slot {
			s.told = readStreams(m.Attributes)
			// Pion never sees the streams, and would wait for each that it is told of.
			m.Attributes = without(m.Attributes, "ssrc", "ssrc-group")
		}
		role, ok := m.Attribute("setup")
		if !ok {
			role, _ = d.Attribute("setup")
		}
		if role == "passive" {
			return nil, badSDP("section %q is a=setup:passive; an offer to the SFU must be actpass (RFC 8842, section 5.2) or active", clip(mid))
		}
		p.sections = append(p.sections, s)
	}
	if p.audio > maxAudio || p.video > maxVideo {
		return nil, badSDP("the offer asks for %d audio and %d video slots; at most %d and %d are given", p.audio, p.video, maxAudio, maxVideo).
			With("slots", protocol.SlotLimits{Audio: maxAudio, Video: maxVideo})
	}
	if len(p.sections) == 0 {
		return nil, badSDP("the offer has no media section")
	}
	out, err := d.Marshal()
	if err != nil {
		return nil, badSDP("the offer is no SDP: %v", err)
	}
	p.sdp = string(out)
	return p, nil
}

// finishAnswer gives back to the sections that were offered inactive the answer that is due to them (RFC 3264, section 6.1).
func finishAnswer(answer string, sections []section) (string, error) {
	any := false
	for _, s := range sections {
		any = any || s.off
	}
	if !any {
		return answer, nil
	}
	var d sdp.SessionDescription
	if err := d.UnmarshalString(answer); err != nil {
		return "", err
	}
	for i, m := range d.MediaDescriptions {
		if i < len(sections) && sections[i].off {
			m.Attributes = append(without(m.Attributes, "sendrecv", "sendonly", "recvonly", "inactive"), sdp.Attribute{Key: "inactive"})
		}
	}
	out, err := d.Marshal()
	return string(out), err
}

func badSDP(format string, args ...any) *protocol.Error {
	return protocol.Errorf(protocol.InvalidRequest, protocol.TypeSDPOffer, format, args...).With("field", "sdp")
}

func directionOf(m *sdp.MediaDescription) string {
	for _, a := range m.Attributes {
		switch a.Key {
		case "sendrecv", "sendonly", "recvonly", "inactive":
			return a.Key
		}
	}
	return "sendrecv" // RFC 8866, section 6.7
}

// carriesTrack says whether an uplink will send soon. A section that names neither a stream nor a source has nothing to send
// (RFC 8829, section 5.2.1); browsers name a source in any case, but "-" as the stream where the transceiver has none, which
// is how one stands ready for a screen that is shared later.
func carriesTrack(m *sdp.MediaDescription) bool {
	source := false
	for _, a := range m.Attributes {
		switch {
		case a.Key == "msid":
			return !strings.HasPrefix(a.Value, "- ") && a.Value != "-"
		case a.Key == "ssrc", a.Key == "simulcast" && strings.HasPrefix(a.Value, "send"):
			source = true
		}
	}
	return source
}

func codecOf(k protocol.SlotKind) string {
	if k == protocol.Audio {
		return "opus/48000"
	}
	return "VP8/90000"
}

func hasCodec(m *sdp.MediaDescription, want string) bool {
	for _, a := range m.Attributes {
		if a.Key != "rtpmap" {
			continue
		}
		if _, name, ok := strings.Cut(a.Value, " "); ok && isCodec(name, want) {
			return true
		}
	}
	return false
}

// prune leaves of a section's codecs the one that will be answered and its retransmission. For each payload type of each
// section Pion reads every attribute of the whole offer: with all codecs of a browser and 48 slots that takes a tenth of a
// second, with ours a hundredth.
func prune(m *sdp.MediaDescription, codec string) {
	kept := map[string]bool{}
	for _, a := range m.Attributes {
		if pt, name, ok := strings.Cut(a.Value, " "); a.Key == "rtpmap" && ok && isCodec(name, codec) {
			kept[pt] = true
		}
	}
	if len(kept) == 0 {
		return // Pion will refuse the section
	}
	for _, a := range m.Attributes {
		if pt, params, ok := strings.Cut(a.Value, " "); a.Key == "fmtp" && ok {
			if of, ok := strings.CutPrefix(params, "apt="); ok && kept[of] {
				kept[pt] = true
			}
		}
	}
	m.Attributes = slices.DeleteFunc(m.Attributes, func(a sdp.Attribute) bool {
		if a.Key != "rtpmap" && a.Key != "fmtp" && a.Key != "rtcp-fb" {
			return false
		}
		pt, _, _ := strings.Cut(a.Value, " ")
		return pt != "*" && !kept[pt]
	})
	m.MediaName.Formats = slices.DeleteFunc(m.MediaName.Formats, func(pt string) bool { return !kept[pt] })
}

func isCodec(name, codec string) bool {
	return len(name) >= len(codec) && strings.EqualFold(name[:len(codec)], codec)
}

func without(all []sdp.Attribute, keys ...string) []sdp.Attribute {
	kept := all[:0:0]
	for _, a := range all {
		drop := false
		for _, k := range keys {
			drop = drop || a.Key == k
		}
		if !drop {
			kept = append(kept, a)
		}
	}
	return kept
}

func clip(s string) string {
	if len(s) > 32 {
		return s[:32]
	}
	return s
}
