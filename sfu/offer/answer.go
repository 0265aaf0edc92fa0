package offer

import (
	"strconv"
	"strings"
)

// Local is what an answer says of the SFU.
type Local struct {
	ID, Version uint64 // of the session description: the version grows with each answer (RFC 8866, section 5.2)
	Ufrag, Pwd  string
	Fingerprint string
	Candidates  []string // values of a=candidate
	Streams     map[string]Stream
}

// Stream is what a slot is sent with.
type Stream struct {
	ID, Track string
	SSRC, RTX uint32 // RTX: 0 where nothing is repaired by it
}

const sectionBytes = 1200 // of an answer, about

// Answer writes the answer.
func (o *Offer) Answer(l *Local) string {
	w := &writer{}
	w.b.Grow(sectionBytes * (1 + len(o.Sections)))
	w.line("v=0")
	w.line("o=- ", strconv.FormatUint(l.ID, 10), " ", strconv.FormatUint(l.Version, 10), " IN IP4 0.0.0.0")
	w.line("s=-")
	w.line("t=0 0")
	w.line("a=ice-lite") // RFC 8839, section 5.3
	w.line("a=fingerprint:", l.Fingerprint)
	if o.mixed {
		w.line("a=extmap-allow-mixed")
	}
	w.line("a=msid-semantic:WMS *")
	if o.bundled { // RFC 9143, section 7.3: the sections that are taken
		w.text("a=group:BUNDLE")
		for i := range o.Sections {
			if s := &o.Sections[i]; !s.Refused {
				w.text(" ", s.Mid)
			}
		}
		w.line()
	}
	candidates := l.Candidates
	for i := range o.Sections {
		s := &o.Sections[i]
		if s.Refused {
			s.refuse(w)
			continue
		}
		s.answer(w, l)
		for _, c := range candidates { // of the first, which is the bundle's
			w.line("a=candidate:", c)
		}
		if candidates != nil {
			w.line("a=end-of-candidates")
			candidates = nil
		}
	}
	return w.b.String()
}

// refuse writes a section that is not taken (RFC 3264, section 6).
func (s *Section) refuse(w *writer) {
	w.line("m=", string(s.Kind), " 0 ", strings.Join(s.proto, "/"), " ", strings.Join(s.pts, " "))
	w.line("c=IN IP4 0.0.0.0")
	w.line("a=mid:", s.Mid)
	w.line("a=inactive")
}

func (s *Section) answer(w *writer, l *Local) {
	w.text("m=", string(s.Kind), " 9 ", strings.Join(s.proto, "/"))
	for i := range s.Formats {
		f := &s.Formats[i]
		w.text(" ", decimal(uint32(f.PT)))
		if f.RTX != 0 {
			w.text(" ", decimal(uint32(f.RTX)))
		}
	}
	w.line()
	w.line("c=IN IP4 0.0.0.0")
	w.line("a=setup:passive") // the DTLS server chooses the SRTP profile
	w.line("a=mid:", s.Mid)
	w.line("a=ice-ufrag:", l.Ufrag)
	w.line("a=ice-pwd:", l.Pwd)
	w.line("a=rtcp-mux")
	if s.rsize {
		w.line("a=rtcp-rsize")
	}
	for i := range s.Formats {
		s.Formats[i].answer(w)
	}
	for i := range extensions {
		x := &extensions[i]
		if id := *x.id(&s.IDs); id != 0 {
			w.line("a=extmap:", decimal(uint32(id)), " ", x.uri)
		}
	}
	for _, rid := range s.RIDs {
		w.text("a=rid:", rid, " recv")
		if r := s.rids[rid]; r != "" {
			w.text(" ", r)
		}
		w.line()
	}
	if len(s.RIDs) > 0 {
		w.line("a=simulcast:recv ", strings.Join(s.RIDs, ";"))
	}
	if st, ok := l.Streams[s.Mid]; ok && s.Slot {
		st.answer(w)
	}
	switch { // RFC 3264, section 6.1
	case s.Off:
		w.line("a=inactive")
	case s.Slot:
		w.line("a=sendonly")
	default:
		w.line("a=recvonly")
	}
}

func (f *Format) answer(w *writer) {
	pt := decimal(uint32(f.PT))
	w.line("a=rtpmap:", pt, " ", f.Codec.rtpmap())
	if f.fmtp != "" {
		w.line("a=fmtp:", pt, " ", f.fmtp)
	}
	for _, fb := range f.feedback {
		w.line("a=rtcp-fb:", pt, " ", fb)
	}
	if f.RTX != 0 {
		rtx := decimal(uint32(f.RTX))
		w.line("a=rtpmap:", rtx, " rtx/", decimal(f.Codec.Clock))
		w.line("a=fmtp:", rtx, " apt=", pt)
	}
}

func (st *Stream) answer(w *writer) {
	ssrc, rtx := decimal(st.SSRC), decimal(st.RTX)
	w.line("a=msid:", st.ID, " ", st.Track)
	if st.RTX != 0 { // RFC 5576, section 4.2
		w.line("a=ssrc-group:FID ", ssrc, " ", rtx)
	}
	w.line("a=ssrc:", ssrc, " cname:", st.ID)
	if st.RTX != 0 {
		w.line("a=ssrc:", rtx, " cname:", st.ID)
	}
}

type writer struct{ b strings.Builder }

func (w *writer) text(parts ...string) {
	for _, p := range parts {
		w.b.WriteString(p)
	}
}

func (w *writer) line(parts ...string) {
	w.text(parts...)
	w.b.WriteString("\r\n")
}
