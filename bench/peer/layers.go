package peer

import (
	"fmt"
	"sync/atomic"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// layer is one of the camera's encodings to the SFU.
type layer struct {
	track *webrtc.TrackLocalStaticRTP
	names atomic.Pointer[layerNames] // nil: not negotiated yet
}

// layerNames is how a packet says which encoding it belongs to: the offer of simulcast names no SSRC (RFC 8853, section 5.5).
type layerNames struct {
	midID, ridID uint8
	mid, rid     []byte
}

func newLayer(rid string) (*layer, error) {
	track, err := webrtc.NewTrackLocalStaticRTP(vp8Codec, Video.String(), "atrium", webrtc.WithRTPStreamID(rid))
	if err != nil {
		return nil, fmt.Errorf("peer: layer %s: %w", rid, err)
	}
	return &layer{track: track}, nil
}

// addLayers offers the camera with all its encodings.
func (p *Peer) addLayers(pc *webrtc.PeerConnection) (*webrtc.RTPTransceiver, error) {
	t, err := pc.AddTransceiverFromTrack(p.layers[0].track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return nil, fmt.Errorf("peer: add the camera: %w", err)
	}
	for _, l := range p.layers[1:] {
		if err := t.Sender().AddEncoding(l.track); err != nil {
			return nil, fmt.Errorf("peer: add layer %s: %w", l.track.RID(), err)
		}
	}
	for i, l := range p.layers {
		if !p.enter() {
			continue
		}
		go func() {
			defer p.wg.Done()
			buf := make([]byte, 1500)
			for {
				n, _, err := t.Sender().ReadSimulcast(buf, l.track.RID())
				if err != nil {
					return
				}
				pkts, err := rtcp.Unmarshal(buf[:n])
				if err != nil {
					continue
				}
				for _, pkt := range pkts {
					if _, ok := pkt.(*rtcp.PictureLossIndication); ok && p.opts.Hooks.LayerKeyFrame != nil {
						p.opts.Hooks.LayerKeyFrame(i)
					}
				}
			}
		}()
	}
	return t, nil
}

// openLayers lets packets of the layers out: the extensions that name them are agreed on.
func (p *Peer) openLayers(camera *webrtc.RTPTransceiver) {
	if camera == nil {
		return
	}
	n := layerNames{mid: []byte(camera.Mid())}
	for _, x := range camera.Sender().GetParameters().HeaderExtensions {
		switch x.URI {
		case sdp.SDESMidURI:
			n.midID = uint8(x.ID)
		case sdp.SDESRTPStreamIDURI:
			n.ridID = uint8(x.ID)
		}
	}
	for _, l := range p.layers {
		own := n
		own.rid = []byte(l.track.RID())
		l.names.Store(&own)
	}
}

// WriteLayer sends a packet of one of Options.Layers to the SFU. Before the SFU has answered it goes nowhere. It may be
// called from one goroutine.
func (p *Peer) WriteLayer(i int, pkt *rtp.Packet) error {
	l := p.layers[i]
	n := l.names.Load()
	if n == nil {
		return nil
	}
	if err := pkt.SetExtension(n.midID, n.mid); err != nil {
		return fmt.Errorf("peer: layer %s: %w", n.rid, err)
	}
	if err := pkt.SetExtension(n.ridID, n.rid); err != nil {
		return fmt.Errorf("peer: layer %s: %w", n.rid, err)
	}
	return l.track.WriteRTP(pkt)
}
