package sfu

import "strings"

// codec of a payload.
type codec uint8

const (
	noCodec codec = iota
	codecOpus
	codecVP8
	codecH264
	codecVP9
	codecAV1
)

// bit of a set of codecs.
func (c codec) bit() uint32 { return 1 << c }

// codecNamed is the codec that an rtpmap names.
func codecNamed(name string) codec {
	switch {
	case strings.EqualFold(name, "opus"):
		return codecOpus
	case strings.EqualFold(name, "VP8"):
		return codecVP8
	case strings.EqualFold(name, "H264"):
		return codecH264
	case strings.EqualFold(name, "VP9"):
		return codecVP9
	case strings.EqualFold(name, "AV1"):
		return codecAV1
	}
	return noCodec
}

const (
	spatialMost  = 4 // spatial layers of a stream that are told apart: what is above counts as the last of them
	temporalMost = 4
)

// picture is what a packet of video says of the frame that it is a part of, whatever its codec. A picture has a frame for
// each of its spatial layers, one after the other. Offsets are into the payload; 0: there is none.
type picture struct {
	codec codec
	size  uint8  // of the payload descriptor
	sid   uint8  // spatial layer
	tid   uint8  // temporal layer
	start bool   // first packet of a frame
	end   bool   // last packet of a frame; known where a codec has spatial layers
	key   bool   // first packet of a frame with which a decoder can begin
	idr   bool   // H264: of a picture that needs none before it, but perhaps parameters that stand before it
	up    bool   // from here on higher temporal layers can be taken: they need none of those before
	sync  bool   // a frame of a temporal layer that needs none before it of that layer: VP8's Y
	wide  bool   // the picture id has 15 bits, else 7
	idAt  uint8  // where the picture id stands
	tl0At uint8  // where TL0PICIDX stands
	tl0   uint8  //
	id    uint16 // the picture id; of AV1, the frame number
}

// parsePicture reads what a payload says of its picture; sound has none.
func parsePicture(c codec, p []byte) (picture, bool) {
	switch c {
	case codecVP8:
		return parseVP8(p)
	case codecH264:
		return parseH264(p)
	case codecVP9:
		return parseVP9(p)
	case codecAV1:
		return parseAV1(p)
	}
	return picture{codec: c}, true
}

// dimensions of a picture, in pixels.
type dimensions struct{ width, height uint16 }

// rewrite writes other numbers of the same width into the descriptor of a payload that was parsed.
func (d *picture) rewrite(p []byte, id uint16, tl0 uint8) {
	if d.idAt > 0 {
		if d.wide {
			p[d.idAt], p[d.idAt+1] = 0x80|byte(id>>8)&0x7f, byte(id)
		} else {
			p[d.idAt] = byte(id) & 0x7f
		}
	}
	if d.tl0At > 0 {
		p[d.tl0At] = tl0
	}
}
