package turn_test

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pion/stun/v3"
)

// seeds are messages that come close to something.
func seeds() [][]byte {
	build := func(s ...stun.Setter) []byte {
		return stun.MustBuild(append([]stun.Setter{stun.TransactionID}, s...)...).Raw
	}
	return [][]byte{
		{}, {0}, {0x40, 0, 0, 0}, {0x40, 0, 0xff, 0xff, 1}, {0x40, 0, 0, 4, 1, 2, 3, 4},
		build(stun.BindingRequest),
		build(stun.NewType(stun.MethodAllocate, stun.ClassRequest), transportUDP()),
		build(stun.NewType(stun.MethodAllocate, stun.ClassRequest), transportTCP(), family(2), evenPort(0x80), stun.NewUsername("1:2:3:4"),
			stun.NewRealm("atrium"), stun.NewNonce("x"), stun.NewShortTermIntegrity("x")),
		build(stun.NewType(stun.MethodSend, stun.ClassIndication)),
		build(stun.NewType(stun.MethodChannelBind, stun.ClassRequest)),
		build(stun.NewType(stun.MethodRefresh, stun.ClassRequest), stun.Fingerprint),
		append([]byte{0, 1, 0xff, 0xec, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...),
	}
}

// FuzzDatagram: whatever a client that holds an allocation sends over UDP, the server answers the next request.
func FuzzDatagram(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s)
	}
	h := open(f)
	zone, user := uuid.New(), uuid.New()
	h.join(zone, user)
	username, password := h.credentials(zone, user, 1, time.Hour)
	r := h.raw(f, username, password)
	r.allocate()
	f.Fuzz(func(t *testing.T, b []byte) {
		r.t = t
		if _, err := r.conn.Write(b); err != nil {
			return // larger than a datagram
		}
		r.do(stun.MustBuild(stun.TransactionID, stun.BindingRequest))
	})
}

// FuzzStream: whatever comes over TCP, the server either answers the next request or ends the connection.
func FuzzStream(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s)
	}
	h := open(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := net.Dial("tcp4", h.tcp.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = c.Write(append(b, stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw...))
		_ = c.(*net.TCPConn).CloseWrite()
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.Copy(io.Discard, c); err != nil {
			if e, ok := err.(net.Error); ok && e.Timeout() {
				t.Fatal("neither answered nor ended")
			}
		}
	})
}

// FuzzAllocate: any attributes in a well-signed Allocate are answered, and leave at most an allocation.
func FuzzAllocate(f *testing.F) {
	f.Add([]byte{0, 0x19, 0, 4, 17, 0, 0, 0})
	f.Add([]byte{0, 0x19, 0, 4, 6, 0, 0, 0})
	f.Add([]byte{0, 0x19, 0, 4, 17, 0, 0, 0, 0, 0x17, 0, 4, 2, 0, 0, 0})
	f.Add([]byte{0, 0x19, 0, 4, 17, 0, 0, 0, 0, 0x18, 0, 1, 0x80, 0, 0, 0})
	f.Add([]byte{0, 0x19, 0, 4, 17, 0, 0, 0, 0, 0x0d, 0, 4, 0xff, 0xff, 0xff, 0xff})
	h := open(f)
	f.Fuzz(func(t *testing.T, attrs []byte) {
		zone, user := uuid.New(), uuid.New()
		h.join(zone, user)
		defer h.leave(h.server, zone, user)
		username, password := h.credentials(zone, user, 1, time.Hour)
		r := h.raw(t, username, password)
		var all []stun.Setter
		for len(attrs) >= 4 && len(all) < 20 {
			n := min(int(binary.BigEndian.Uint16(attrs[2:])), len(attrs)-4)
			kind := stun.AttrType(binary.BigEndian.Uint16(attrs))
			switch kind { // what signs the request stays as it is
			case stun.AttrMessageIntegrity, stun.AttrUsername, stun.AttrRealm, stun.AttrNonce, stun.AttrFingerprint:
			default:
				all = append(all, stun.RawAttribute{Type: kind, Value: attrs[4 : 4+n]})
			}
			attrs = attrs[4+n:]
		}
		size := 0
		for _, a := range all {
			size += 8 + len(a.(stun.RawAttribute).Value)
		}
		if size > 1200 {
			return
		}
		r.request(stun.MethodAllocate, all...)
	})
}
