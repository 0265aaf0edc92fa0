package offer

import (
	"strconv"
	"strings"

	"atrium/signaling/protocol"
)

// Codec is one that the SFU forwards.
type Codec struct {
	Name     string // as in rtpmap
	Kind     protocol.SlotKind
	Clock    uint32
	channels string   // of rtpmap; empty: not said
	feedback []string // of rtcp-fb: what is agreed to where it is offered
	repaired bool     // by RTX, where that is offered

	// fits says whether what the offer says of the format can be served, by the parameters of its fmtp, whose names are in lower
	// case; nil: anything can.
	fits func(params map[string]string) bool
	// answer makes of the offer's fmtp that of the answer; nil: it stays as it is.
	answer func(fmtp string, params map[string]string) string
}

// The codecs. VP8 and Opus are what every browser must have (RFC 7742, section 5; RFC 7874, section 3).
var (
	Opus = &Codec{Name: "opus", Kind: protocol.Audio, Clock: 48000, channels: "2", feedback: []string{"transport-cc"}, answer: withRepair}
	RED  = &Codec{Name: "red", Kind: protocol.Audio, Clock: 48000, channels: "2", feedback: []string{"transport-cc"}}
	VP8  = &Codec{Name: "VP8", Kind: protocol.Video, Clock: 90000, feedback: videoFeedback, repaired: true}
	H264 = &Codec{Name: "H264", Kind: protocol.Video, Clock: 90000, feedback: videoFeedback, repaired: true, fits: isConstrainedBaseline}
	VP9  = &Codec{Name: "VP9", Kind: protocol.Video, Clock: 90000, feedback: videoFeedback, repaired: true, fits: isProfile("profile-id")}
	AV1  = &Codec{Name: "AV1", Kind: protocol.Video, Clock: 90000, feedback: videoFeedback, repaired: true, fits: isProfile("profile")}
)

var videoFeedback = []string{"ccm fir", "nack", "nack pli", "transport-cc"}

// codecs are those that are answered, of each kind the preferred one first: a client sends the first that its answer names,
// and VP8 is what everybody can be sent. A client that would send another leaves VP8 out of its uplink. A
// section that offers none of its kind is refused; one format is answered for each codec.
var codecs = []*Codec{Opus, RED, VP8, H264, VP9, AV1}

// isConstrainedBaseline takes of H264 what every decoder of it can decode (RFC 7742, section 6.2), in the packetization that
// browsers send: so what one member's uplink was answered with fits every slot that was. Levels are not compared: decoders of
// browsers name the lowest.
func isConstrainedBaseline(params map[string]string) bool {
	id, err := strconv.ParseUint(params["profile-level-id"], 16, 24)
	return err == nil && params["packetization-mode"] == "1" && id>>16 == 0x42 && id&0x4000 != 0 // RFC 6184, table 5
}

// isProfile takes profile 0 of VP9 and AV1, which is that of 8 bits and 4:2:0, and what stands for none named.
func isProfile(key string) func(map[string]string) bool {
	return func(params map[string]string) bool { return params[key] == "" || params[key] == "0" }
}

// redundant says whether the blocks of RED are Opus, of that payload type (RFC 2198, section 5).
func (f *Format) redundant(opus *Format) bool {
	if opus == nil || f.fmtp == "" {
		return false
	}
	for block := range strings.SplitSeq(f.fmtp, "/") {
		if block != decimal(uint32(opus.PT)) {
			return false
		}
	}
	return true
}

// withRepair asks for Opus' in-band repair (RFC 7587, section 6.1): every decoder has it.
func withRepair(fmtp string, params map[string]string) string {
	switch {
	case params["useinbandfec"] != "":
		return fmtp
	case fmtp == "":
		return "useinbandfec=1"
	}
	return fmtp + ";useinbandfec=1"
}

// Format is a codec under the payload types that a section has for it.
type Format struct {
	Codec *Codec
	PT    uint8
	RTX   uint8 // of its retransmissions (RFC 4588); 0: none

	fmtp     string // of the answer
	feedback []string
}

// Agreed is what a section negotiated: the formats that both sides know, in our order, and the ids of header extensions. The
// payload types and ids are the offer's, and hold both ways.
type Agreed struct {
	Formats []Format
	IDs     Extensions
}

// Format gives the format of a payload type, and whether it is that of its retransmissions. Nil: it was not agreed on.
func (a *Agreed) Format(pt uint8) (f *Format, rtx bool) {
	for i := range a.Formats {
		switch f := &a.Formats[i]; {
		case f.PT == pt:
			return f, false
		case f.RTX == pt && f.RTX != 0:
			return f, true
		}
	}
	return nil, false
}

// Of gives the format of a codec. Nil: it was not agreed on.
func (a *Agreed) Of(c *Codec) *Format {
	for i := range a.Formats {
		if a.Formats[i].Codec == c {
			return &a.Formats[i]
		}
	}
	return nil
}

// is says whether the encoding of an rtpmap is this codec.
func (c *Codec) is(encoding string) bool {
	name, rest, _ := strings.Cut(encoding, "/")
	clock, channels, _ := strings.Cut(rest, "/")
	if !strings.EqualFold(name, c.Name) || clock != decimal(c.Clock) {
		return false
	}
	return channels == c.channels || channels == "" || c.channels == "" && channels == "1" // RFC 8866, section 6.6: absent is one, and forgiven
}

// rtpmap is the encoding as the answer names it.
func (c *Codec) rtpmap() string {
	s := c.Name + "/" + decimal(c.Clock)
	if c.channels != "" {
		s += "/" + c.channels
	}
	return s
}
