package peer

import (
	"context"
	"net"
)

// dialLink connects to /sfu beside the peer's goroutine.
func (p *Peer) dialLink(s *session) {
	var dial dialFunc
	if p.opts.Net != nil {
		dial = func(_ context.Context, network, address string) (net.Conn, error) {
			return p.opts.Net.Dial(network, address)
		}
	}
	if !p.enter() {
		return
	}
	go func() {
		defer p.wg.Done()
		var link *socket
		ready := make(chan struct{}) // link is set
		link, err := dialSocket(s.ctx, s.promote.URL, dial, p.opts.TLS,
			func(e envelope) { <-ready; p.post(func() { p.linkMessage(s, link, e) }) },
			func(err error) { <-ready; p.post(func() { p.linkLost(s, link, err) }) })
		close(ready)
		taken := make(chan struct{})
		p.post(func() {
			defer close(taken)
			switch {
			case p.session != s:
				if link != nil {
					p.hangUp(link)
				}
			case err != nil:
				p.sessionFailed(s, err.Error())
			default:
				s.link = link
				p.linkSend(s, typeConnect, connectPayload{Token: s.promote.Token, ClientVersion: "1.0.0", Session: s.id})
			}
		})
		select {
		case <-taken:
		case <-p.ended:
			select {
			case <-taken:
			default:
				if link != nil {
					link.close()
				}
			}
		}
	}()
}

// hangUp closes a link beside the peer's goroutine, for its reader may be waiting to post.
func (p *Peer) hangUp(link *socket) {
	link.end()
	if p.enter() {
		go func() { defer p.wg.Done(); link.close() }()
	}
}

func (p *Peer) linkSend(s *session, kind string, payload any) {
	if s.link == nil {
		return
	}
	if err := s.link.send(kind, payload); err != nil {
		p.fault("send "+kind+" on the SFU link", err)
	}
}

func (p *Peer) linkMessage(s *session, link *socket, e envelope) {
	if p.session != s || s.link != link {
		return
	}
	var err error
	switch e.Type {
	case typeConnected:
		var m connectedPayload
		if m, err = decode[connectedPayload](e); err == nil {
			s.id = m.Session
			if s.pc == nil {
				err = p.offerSFU(s, min(p.opts.AudioSlots, m.Slots.Audio), min(p.opts.VideoSlots, m.Slots.Video))
			}
		}
	case typeSDPAnswer:
		var m sdpPayload
		if m, err = decode[sdpPayload](e); err == nil {
			err = p.answeredSFU(s, m)
		}
	case typeICECandidate:
		var m candidatePayload
		if m, err = decode[candidatePayload](e); err == nil && m.Candidate != nil && s.pc != nil {
			if s.answered {
				err = s.pc.AddICECandidate(*m.Candidate)
			} else if len(s.early) < earlyCandidates {
				s.early = append(s.early, *m.Candidate)
			}
		}
	case typeSlots:
		var m slotsPayload
		if m, err = decode[slotsPayload](e); err == nil {
			p.slotted(s, m)
		}
	case typeError:
		var m ServerError
		if m, err = decode[ServerError](e); err == nil {
			err = &m
		}
	}
	if err != nil {
		p.fault("SFU link", err)
	}
}

// linkLost: the SFU ended the session, or the link broke and the media goes on.
func (p *Peer) linkLost(s *session, link *socket, err error) {
	if p.session != s || s.link != link {
		return
	}
	s.link = nil
	p.hangUp(link)
	code := closeCode(err)
	switch {
	case code == closeReleased || s.left:
		p.endSession("released")
	case code/1000 == 4 || s.relinked || s.id == "":
		p.sessionFailed(s, err.Error())
	default:
		s.relinked = true
		s.cancel()
		s.ctx, s.cancel = context.WithTimeout(p.ctx, linkTimeout)
		p.dialLink(s)
	}
}
