package offer

import (
	"github.com/pion/sdp/v3"

	"atrium/signaling/protocol"
)

// Extensions are a client's ids of the header extensions (RFC 8285) that were agreed on; 0: not used.
type Extensions struct{ MID, RID, Repair, Level, Wide, Dependency uint8 }

// extension is one that the SFU reads or writes.
type extension struct {
	uri    string
	id     func(*Extensions) *uint8
	audio  bool
	video  bool
	uplink bool
	slot   bool
	needs  string              // the feedback without which it is of no use
	fits   func(*Section) bool // whether it is of use to a section; nil: to all of its kind
}

var extensions = []extension{
	{uri: sdp.SDESMidURI, id: func(x *Extensions) *uint8 { return &x.MID }, audio: true, video: true, uplink: true, slot: true},
	{uri: sdp.SDESRTPStreamIDURI, id: func(x *Extensions) *uint8 { return &x.RID }, video: true, uplink: true},
	{uri: sdp.SDESRepairRTPStreamIDURI, id: func(x *Extensions) *uint8 { return &x.Repair }, video: true, uplink: true},
	{uri: sdp.AudioLevelURI, id: func(x *Extensions) *uint8 { return &x.Level }, audio: true, uplink: true, slot: true},
	{uri: sdp.TransportCCURI, id: func(x *Extensions) *uint8 { return &x.Wide }, audio: true, video: true, uplink: true, slot: true, needs: "transport-cc"},
	{uri: dependencyURI, id: func(x *Extensions) *uint8 { return &x.Dependency }, video: true, uplink: true, slot: true, fits: describes},
}

const dependencyURI = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"

// describes says whether the layers of a section's pictures are told by the dependency descriptor. Only AV1 needs it; an
// uplink that would send another codec leaves out that codec's own description where it is agreed on (Chromium, of VP8).
func describes(s *Section) bool {
	if len(s.Formats) == 0 {
		return false
	}
	return s.Formats[0].Codec == AV1 || s.Slot && s.Of(AV1) != nil
}

// takes says whether the extension is answered in a section.
func (x *extension) takes(s *Section) bool {
	kind := x.audio && s.Kind == protocol.Audio || x.video && s.Kind == protocol.Video
	role := x.slot && s.Slot || x.uplink && !s.Slot
	if !kind || !role || x.needs == "" {
		return kind && role && (x.fits == nil || x.fits(s))
	}
	for i := range s.Formats {
		for _, fb := range s.Formats[i].feedback {
			if fb == x.needs {
				return true
			}
		}
	}
	return false
}

// Add takes over the ids of another section: one bundle has one id for each extension (RFC 9143, section 9.1).
func (x *Extensions) Add(of Extensions) {
	for i := range extensions {
		if id := *extensions[i].id(&of); id != 0 {
			*extensions[i].id(x) = id
		}
	}
}
