package forward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/pion/stun/v3"
	"golang.org/x/sys/unix"
)

// For a server that is a full ICE agent a member is one too: it has a candidate, and both check.

// newFull is such a transport, on an address of this machine.
func newFull(k Kind, on netip.Addr) (*media, error) {
	m, err := newMedia(k)
	if err != nil {
		return nil, err
	}
	udp, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(on, 0)))
	if err != nil {
		return nil, fmt.Errorf("forward: %w", err)
	}
	m.full = true
	m.conn = &quietConn{UDPConn: udp, quiet: make(chan struct{})}
	m.conn.other = func(b []byte) {
		if answer, _ := m.answerTo(b, m.remote.addr); answer != nil {
			_, _ = udp.Write(answer)
		}
	}
	return m, nil
}

// candidate is the one that it has.
func (m *media) candidate() string {
	at := m.conn.LocalAddr().(*net.UDPAddr)
	return fmt.Sprintf("a=candidate:1 1 udp 2130706431 %s %d typ host\r\na=end-of-candidates\r\n", at.IP, at.Port)
}

// answerTo answers a check; nil: it is none. The server may nominate by it.
func (m *media) answerTo(b []byte, from *net.UDPAddr) (answer []byte, nominates bool) {
	req := &stun.Message{Raw: append([]byte(nil), b...)}
	if req.Decode() != nil || req.Type != stun.BindingRequest || stun.NewShortTermIntegrity(m.pwd).Check(req) != nil {
		return nil, false
	}
	res, err := stun.Build(req, stun.BindingSuccess, &stun.XORMappedAddress{IP: from.IP, Port: from.Port},
		stun.NewShortTermIntegrity(m.pwd), stun.Fingerprint)
	if err != nil {
		return nil, false
	}
	return res.Raw, req.Contains(stun.AttrUseCandidate)
}

// agree does ICE, in which the offerer nominates; keeps to the address that was found; and does DTLS.
func (m *media) agree(ctx context.Context, offerer bool) error {
	var own *stun.Message
	buf := make([]byte, 1500)
	for end, nominated, heard := time.Now().Add(patience), false, false; !nominated || !heard; {
		if err := ctx.Err(); err != nil || time.Now().After(end) {
			return fmt.Errorf("forward: the server's checks (heard one: %v; nominated: %v): %w", heard, nominated, errors.Join(err, os.ErrDeadlineExceeded))
		}
		if offerer && !nominated {
			var err error
			if own, err = m.check(); err != nil {
				return fmt.Errorf("forward: check: %w", err)
			}
			if _, err = m.conn.WriteToUDP(own.Raw, m.remote.addr); err != nil {
				return fmt.Errorf("forward: check: %w", err)
			}
		}
		_ = m.conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		n, from, err := m.conn.ReadFromUDP(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err != nil {
			return fmt.Errorf("forward: waiting for the server's check: %w", err)
		}
		if answer, nominates := m.answerTo(buf[:n], from); answer != nil {
			if _, err := m.conn.WriteToUDP(answer, from); err != nil {
				return fmt.Errorf("forward: answering a check: %w", err)
			}
			heard, nominated, m.remote.addr = true, nominated || nominates, from
			continue
		}
		res := &stun.Message{Raw: append([]byte(nil), buf[:n]...)}
		if own != nil && res.Decode() == nil && res.Type == stun.BindingSuccess && res.TransactionID == own.TransactionID {
			nominated = true
		}
	}
	raw, err := m.conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("forward: %w", err)
	}
	to := &unix.SockaddrInet4{Port: m.remote.addr.Port, Addr: [4]byte(m.remote.addr.IP.To4())}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.Connect(int(fd), to) })
	if err = errors.Join(err, failed, m.conn.SetReadDeadline(time.Time{})); err != nil {
		return fmt.Errorf("forward: %w", err)
	}
	return m.secure(ctx)
}
