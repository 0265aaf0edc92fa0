package offer

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"atrium/signaling/protocol"
)

const (
	simulcastMost = 4  // encodings of an uplink that are answered
	sourcesMost   = 16 // SSRCs of an uplink that are kept
)

// Section is what the SFU makes of one media section of an offer. Its role is settled by the first offer that holds it.
type Section struct {
	Mid     string
	Kind    protocol.SlotKind
	Slot    bool            // offered recvonly: a downlink slot; else an uplink
	Source  protocol.Source // of an uplink
	Off     bool            // offered inactive, or refused: carries nothing for now
	Sends   bool            // an uplink that has a track
	Nth     int             // among the slots of its kind
	Refused bool            // answered with port 0

	Agreed

	// Of an uplink.
	RIDs    []string          // of its simulcast (RFC 8853), as answered
	SSRCs   []uint32          // that it declares (RFC 5576)
	Repairs map[uint32]uint32 // RTX to what it repairs, of those

	rids  map[string]string // the restrictions of each (RFC 8851)
	proto []string
	pts   []string // as offered
	rsize bool
}

// Role is what a section stays in later offers.
type Role struct {
	Mid  string
	Kind protocol.SlotKind
	Slot bool
}

// Roles are those of an offer's sections, for Read of the next.
func (o *Offer) Roles() []Role {
	roles := make([]Role, len(o.Sections))
	for i := range o.Sections {
		s := &o.Sections[i]
		roles[i] = Role{s.Mid, s.Kind, s.Slot}
	}
	return roles
}

// agree finds out what both sides of a section know.
func (r *reader) agree(s *Section, m *sdp.MediaDescription) {
	x := r.last[s.Kind]
	if x == nil || !x.same(m) {
		x = formatsOf(s.Kind, m)
		r.last[s.Kind] = x
	}
	s.Formats = x.agreed
	for _, a := range m.Attributes {
		switch a.Key {
		case "rtcp-rsize":
			s.rsize = true
		case "extmap":
			s.extension(a.Value)
		}
	}
}

// extension takes a line of a=extmap.
func (s *Section) extension(v string) {
	head, rest, _ := strings.Cut(v, " ")
	head, direction, _ := strings.Cut(head, "/") // of the client (RFC 8285, section 5); Firefox only sends dependency descriptors
	uri, _, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseUint(head, 10, 8)
	if err != nil || n == 0 || n == 15 || direction == "inactive" || s.Slot && direction == "sendonly" || !s.Slot && direction == "recvonly" {
		return
	}
	for i := range extensions {
		if x := &extensions[i]; x.uri == uri && x.takes(s) {
			if id := x.id(&s.IDs); *id == 0 {
				*id = uint8(n)
			}
		}
	}
}

// formats are what a section says of its formats, and what of them was agreed on. A browser says the same in each of its
// sections of a kind, and one list serves them all.
type formats struct {
	pts    []string
	lines  []sdp.Attribute
	agreed []Format
}

func isOfFormats(a *sdp.Attribute) bool {
	return a.Key == "rtpmap" || a.Key == "fmtp" || a.Key == "rtcp-fb"
}

func (x *formats) same(m *sdp.MediaDescription) bool {
	i := 0
	for k := range m.Attributes {
		if a := &m.Attributes[k]; isOfFormats(a) {
			if i == len(x.lines) || x.lines[i] != *a {
				return false
			}
			i++
		}
	}
	return i == len(x.lines) && i > 0 && slices.Equal(x.pts, m.MediaName.Formats)
}

func formatsOf(kind protocol.SlotKind, m *sdp.MediaDescription) *formats {
	x := &formats{pts: m.MediaName.Formats}
	encodings, fmtps, feedback := map[uint8]string{}, map[uint8]string{}, map[uint8][]string{}
	var all []string
	for i := range m.Attributes {
		a := &m.Attributes[i]
		if !isOfFormats(a) {
			continue
		}
		x.lines = append(x.lines, *a)
		head, rest, _ := strings.Cut(a.Value, " ")
		n, err := strconv.ParseUint(head, 10, 7)
		pt := uint8(n)
		switch {
		case a.Key == "rtcp-fb" && head == "*":
			all = append(all, rest)
		case err != nil:
		case a.Key == "rtpmap":
			encodings[pt] = rest
		case a.Key == "fmtp":
			fmtps[pt] = rest
		default:
			feedback[pt] = append(feedback[pt], rest)
		}
	}
	of := func(c *Codec) *Format {
		a := Agreed{Formats: x.agreed}
		return a.Of(c)
	}
	for _, c := range codecs {
		if c.Kind != kind {
			continue
		}
		f, ok := c.find(x.pts, encodings, fmtps)
		if !ok || c == RED && !f.redundant(of(Opus)) {
			continue
		}
		for _, fb := range c.feedback {
			if slices.Contains(all, fb) || slices.Contains(feedback[f.PT], fb) {
				f.feedback = append(f.feedback, fb)
			}
		}
		x.agreed = append(x.agreed, f)
		if c == RED && slices.Index(x.pts, decimal(uint32(f.PT))) < slices.Index(x.pts, decimal(uint32(x.agreed[0].PT))) {
			slices.Reverse(x.agreed) // it costs bits: a client that would send it says so by offering it first
		}
	}
	return x
}

// find looks for the codec among a section's formats.
func (c *Codec) find(pts []string, encodings, fmtps map[uint8]string) (f Format, ok bool) {
	for _, v := range pts {
		n, err := strconv.ParseUint(v, 10, 7)
		pt := uint8(n)
		if err != nil || !c.is(encodings[pt]) {
			continue
		}
		params := readParams(fmtps[pt])
		if c.fits != nil && !c.fits(params) {
			continue
		}
		f = Format{Codec: c, PT: pt, fmtp: strings.Clone(fmtps[pt])} // what is agreed on stays when the offer does not
		if c.answer != nil {
			f.fmtp = c.answer(f.fmtp, params)
		}
		ok = true
		break
	}
	if !ok || !c.repaired {
		return f, ok
	}
	for _, v := range pts {
		n, err := strconv.ParseUint(v, 10, 7)
		pt := uint8(n)
		name, clock, _ := strings.Cut(encodings[pt], "/")
		if err == nil && strings.EqualFold(name, "rtx") && clock == decimal(c.Clock) && readParams(fmtps[pt])["apt"] == decimal(uint32(f.PT)) {
			f.RTX = pt
			break
		}
	}
	return f, true
}

func readParams(fmtp string) map[string]string {
	params := map[string]string{}
	for p := range strings.SplitSeq(fmtp, ";") {
		if key, value, _ := strings.Cut(strings.TrimSpace(p), "="); key != "" {
			params[strings.ToLower(key)] = value
		}
	}
	return params
}

// readStreams takes what an uplink says of its streams.
func (s *Section) readStreams(m *sdp.MediaDescription) {
	s.rids, s.Repairs = map[string]string{}, map[uint32]uint32{}
	simulcast := ""
	for _, a := range m.Attributes {
		head, rest, _ := strings.Cut(a.Value, " ")
		switch a.Key {
		case "ssrc":
			if n, err := strconv.ParseUint(head, 10, 32); err == nil && len(s.SSRCs) < sourcesMost && !slices.Contains(s.SSRCs, uint32(n)) {
				s.SSRCs = append(s.SSRCs, uint32(n))
			}
		case "ssrc-group":
			f := strings.Fields(rest)
			if head != "FID" || len(f) != 2 || len(s.Repairs) >= sourcesMost/2 {
				continue
			}
			of, err := strconv.ParseUint(f[0], 10, 32)
			by, bad := strconv.ParseUint(f[1], 10, 32)
			if err == nil && bad == nil {
				s.Repairs[uint32(by)] = uint32(of)
			}
		case "rid":
			direction, restrictions, _ := strings.Cut(rest, " ")
			if direction == "send" {
				s.rids[head] = restrictions
			}
		case "simulcast":
			simulcast = a.Value
		}
	}
	if s.Kind == protocol.Video {
		s.readSimulcast(simulcast)
	}
}

// readSimulcast takes the encodings that the client would send (RFC 8853, section 5.1): of alternatives the first.
func (s *Section) readSimulcast(v string) {
	f := strings.Fields(v)
	for i := 0; i+1 < len(f); i += 2 {
		if f[i] != "send" {
			continue
		}
		for stream := range strings.SplitSeq(f[i+1], ";") {
			rid, _, _ := strings.Cut(stream, ",")
			rid = strings.TrimPrefix(rid, "~") // paused at first
			restrictions, ok := s.rids[rid]
			if !ok || !isRID(rid) || slices.Contains(s.RIDs, rid) || len(s.RIDs) == simulcastMost {
				continue
			}
			if restrictions, ok = s.restrict(restrictions); ok {
				s.rids[rid] = restrictions
				s.RIDs = append(s.RIDs, rid)
			}
		}
		return
	}
}

// restrict takes from a RID's restrictions the payload types that are not answered. False: none is left (RFC 8851, section 6.3).
func (s *Section) restrict(restrictions string) (string, bool) {
	var kept []string
	for r := range strings.SplitSeq(restrictions, ";") {
		list, ok := strings.CutPrefix(r, "pt=")
		if !ok {
			kept = append(kept, r)
			continue
		}
		pts := slices.DeleteFunc(strings.Split(list, ","), func(v string) bool {
			n, err := strconv.ParseUint(v, 10, 7)
			f, _ := s.Format(uint8(n))
			return err != nil || f == nil
		})
		if len(pts) == 0 {
			return "", false
		}
		kept = append(kept, "pt="+strings.Join(pts, ","))
	}
	return strings.Join(kept, ";"), true
}

// isRID: letters and digits (RFC 8852, section 3.3), and what fits into a one-byte header.
func isRID(s string) bool {
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 16
}

func decimal(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
