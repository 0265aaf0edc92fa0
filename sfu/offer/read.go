package offer

import (
	"slices"
	"strings"

	"github.com/pion/sdp/v3"

	"atrium/signaling/protocol"
)

// Offer is an offer as the SFU understands it.
type Offer struct {
	Sections     []Section // good as long as the offer's text is; of each, what was agreed on is good for longer
	Audio, Video int       // slots

	// Of the client's transport; one for the whole bundle (RFC 9143).
	Ufrag, Pwd   string
	Fingerprints []Fingerprint

	bundled bool
	mixed   bool // one-byte and two-byte header extensions may be mixed (RFC 8285, section 6)
}

// Limits are the most slots that may be asked for.
type Limits struct{ Audio, Video int }

const otherSections = 16 // most sections that are neither uplink nor slot: refused or stopped ones

// Read reads an offer. earlier are the roles of the last one that was answered. Candidates of the client are not looked at.
func Read(raw string, earlier []Role, most Limits) (*Offer, *protocol.Error) {
	var d sdp.SessionDescription
	if err := d.UnmarshalString(raw); err != nil {
		return nil, Bad("the offer is no SDP: %v", err)
	}
	if n, limit := len(d.MediaDescriptions), most.Audio+most.Video+3+otherSections; n > limit {
		return nil, Bad("the offer has %d sections; it must have at most 3 uplinks and the slots that CONNECTED allows", n)
	}
	if len(d.MediaDescriptions) < len(earlier) {
		return nil, Bad("the offer has %d sections; the one before had %d, and sections are never taken away", len(d.MediaDescriptions), len(earlier))
	}
	o := &Offer{}
	_, o.mixed = d.Attribute("extmap-allow-mixed")
	r := reader{o: o, d: &d, earlier: earlier, seen: map[string]bool{}, uplinks: map[protocol.SlotKind]int{}, last: map[protocol.SlotKind]*formats{}}
	for i, m := range d.MediaDescriptions {
		if bad := r.section(i, m); bad != nil {
			return nil, bad
		}
	}
	if o.Audio > most.Audio || o.Video > most.Video {
		return nil, Bad("the offer asks for %d audio and %d video slots; at most %d and %d are given", o.Audio, o.Video, most.Audio, most.Video).
			With("slots", protocol.SlotLimits{Audio: most.Audio, Video: most.Video})
	}
	if len(o.Sections) == 0 {
		return nil, Bad("the offer has no media section")
	}
	if bad := r.transport(); bad != nil {
		return nil, bad
	}
	return o, nil
}

type reader struct {
	o       *Offer
	d       *sdp.SessionDescription
	earlier []Role
	seen    map[string]bool
	uplinks map[protocol.SlotKind]int
	last    map[protocol.SlotKind]*formats
}

func (r *reader) section(i int, m *sdp.MediaDescription) *protocol.Error {
	s := Section{proto: m.MediaName.Protos, pts: m.MediaName.Formats}
	switch m.MediaName.Media {
	case string(protocol.Audio):
		s.Kind = protocol.Audio // not the text's own word: see Offer
	case string(protocol.Video):
		s.Kind = protocol.Video
	default:
		return Bad("section %d is %q; the SFU takes audio and video", i, clip(m.MediaName.Media))
	}
	mid, ok := m.Attribute("mid")
	if s.Mid = strings.Clone(mid); !ok || !isToken(mid) || r.seen[mid] {
		return Bad("section %d must have an a=mid of its own", i)
	}
	r.seen[mid] = true
	direction := directionOf(m)
	_, bundleOnly := m.Attribute("bundle-only")
	stopped := m.MediaName.Port.Value == 0 && !bundleOnly
	s.Off = direction == "inactive" || stopped
	s.Slot = direction == "recvonly"
	if i < len(r.earlier) {
		was := &r.earlier[i]
		if was.Mid != mid || was.Kind != s.Kind {
			return Bad("section %d is %q (%s); in the offer before it was %q (%s), and sections keep their place", i, clip(mid), s.Kind, was.Mid, was.Kind)
		}
		if !s.Off && was.Slot != s.Slot {
			return Bad("section %q was an uplink or a slot in the offer before and is the other now", clip(mid))
		}
		s.Slot = was.Slot
	}
	if s.Slot {
		n := &r.o.Video
		if s.Kind == protocol.Audio {
			n = &r.o.Audio
		}
		s.Nth = *n
		*n++
	} else if bad := r.uplink(&s); bad != nil {
		return bad
	}
	if !stopped {
		r.agree(&s, m)
	}
	s.Refused = len(s.Formats) == 0
	if s.Refused && !s.Off && s.Slot {
		return Bad("slot %q must offer %s", clip(mid), names(s.Kind))
	}
	s.Off = s.Off || s.Refused
	if !s.Slot {
		s.Sends = !s.Off && carriesTrack(m)
		s.readStreams(m)
	}
	role, ok := m.Attribute("setup")
	if !ok {
		role, _ = r.d.Attribute("setup")
	}
	if role == "passive" {
		return Bad("section %q is a=setup:passive; an offer to the SFU must be actpass (RFC 8842, section 5.2) or active", clip(mid))
	}
	if _, ok := m.Attribute("extmap-allow-mixed"); ok {
		r.o.mixed = true
	}
	r.o.Sections = append(r.o.Sections, s)
	return nil
}

// uplink says what an uplink is, by its place among those of its kind.
func (r *reader) uplink(s *Section) *protocol.Error {
	n := r.uplinks[s.Kind]
	r.uplinks[s.Kind]++
	switch {
	case s.Kind == protocol.Audio && n == 0:
		s.Source = protocol.Mic
	case s.Kind == protocol.Video && n == 0:
		s.Source = protocol.Camera
	case s.Kind == protocol.Video && n == 1:
		s.Source = protocol.Screen
	default:
		return Bad("section %q is one uplink too many; there is one of audio (microphone) and two of video (camera, screen)", clip(s.Mid))
	}
	return nil
}

// transport takes the client's side of ICE and DTLS, which is that of its first section: all sections share one transport.
func (r *reader) transport() *protocol.Error {
	o := r.o
	var group []string
	for _, a := range r.d.Attributes {
		if f := strings.Fields(a.Value); a.Key == "group" && len(f) > 0 && f[0] == "BUNDLE" && group == nil {
			group = f[1:]
		}
	}
	o.bundled = group != nil
	first := -1
	for i := range o.Sections {
		s := &o.Sections[i]
		if s.Refused {
			continue
		}
		if first < 0 {
			first = i
		}
		if (o.bundled || first != i) && !slices.Contains(group, s.Mid) {
			return Bad("section %q is not in the offer's a=group:BUNDLE; all sections of a session share one transport (RFC 9143)", clip(s.Mid))
		}
	}
	first = max(first, 0)
	m := r.d.MediaDescriptions[first]
	attribute := func(key string) string {
		v, ok := m.Attribute(key)
		if !ok {
			v, _ = r.d.Attribute(key)
		}
		return v
	}
	o.Ufrag, o.Pwd = strings.Clone(attribute("ice-ufrag")), strings.Clone(attribute("ice-pwd"))
	if len(o.Ufrag) < 4 || len(o.Ufrag) > 256 || len(o.Pwd) < 22 || len(o.Pwd) > 256 {
		return Bad("section %q must have an a=ice-ufrag of 4 to 256 and an a=ice-pwd of 22 to 256 characters (RFC 8839, section 5.4)", clip(o.Sections[first].Mid))
	}
	attrs := m.Attributes
	if _, ok := m.Attribute("fingerprint"); !ok {
		attrs = r.d.Attributes
	}
	for _, a := range attrs {
		if a.Key != "fingerprint" {
			continue
		}
		if f, ok := readFingerprint(a.Value); ok && len(o.Fingerprints) < fingerprintsMost {
			o.Fingerprints = append(o.Fingerprints, f)
		}
	}
	if len(o.Fingerprints) == 0 {
		return Bad("section %q must have an a=fingerprint by sha-256, sha-384, sha-512 or sha-1 (RFC 8122)", clip(o.Sections[first].Mid))
	}
	return nil
}

// Bad is the error of an offer that is refused.
func Bad(format string, args ...any) *protocol.Error {
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

// names are the codecs of a kind, for people.
func names(k protocol.SlotKind) string {
	var all []string
	for _, c := range codecs {
		if c.Kind == k {
			all = append(all, c.rtpmap())
		}
	}
	return strings.Join(all, " or ")
}

// isToken: what may stand as a mid (RFC 5888, section 9.2), and again in an answer.
func isToken(s string) bool {
	for _, c := range s {
		if c <= ' ' || c > '~' || strings.ContainsRune(`"(),/:;<=>?@[\]`, c) {
			return false
		}
	}
	return s != "" && len(s) <= 255
}

func clip(s string) string {
	if len(s) > 32 {
		return s[:32]
	}
	return s
}
