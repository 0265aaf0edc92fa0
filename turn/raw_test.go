package turn_test

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v3"
	pion "github.com/pion/turn/v4"
)

// raw is a TURN client that sends what it is told, over UDP.
type raw struct {
	t        testing.TB
	conn     net.Conn
	username stun.Username
	key      stun.MessageIntegrity
	nonce    stun.Nonce
}

func (h *house) raw(t testing.TB, username, password string) *raw {
	t.Helper()
	c, err := net.Dial("udp4", h.udp.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &raw{t: t, conn: c, username: stun.NewUsername(username), key: pion.GenerateAuthKey(username, "atrium", password)}
}

// request sends an authenticated request and gives the response; it asks for a nonce when it has none.
func (r *raw) request(method stun.Method, attrs ...stun.Setter) *stun.Message {
	r.t.Helper()
	if r.nonce == nil {
		m := r.do(stun.MustBuild(stun.TransactionID, stun.NewType(method, stun.ClassRequest)))
		if err := r.nonce.GetFrom(m); err != nil {
			r.t.Fatalf("no nonce in the answer to a request without integrity: %v", m)
		}
	}
	all := append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest), r.username, stun.NewRealm("atrium"), r.nonce}, attrs...)
	return r.do(stun.MustBuild(append(all, r.key)...))
}

func (r *raw) do(m *stun.Message) *stun.Message {
	r.t.Helper()
	if _, err := r.conn.Write(m.Raw); err != nil {
		r.t.Fatal(err)
	}
	_ = r.conn.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 2000)
	for {
		n, err := r.conn.Read(b)
		if err != nil {
			r.t.Fatalf("no answer to %v: %v", m, err)
		}
		a := &stun.Message{Raw: append([]byte(nil), b[:n]...)}
		if a.Decode() == nil && a.TransactionID == m.TransactionID {
			return a
		}
	}
}

// code gives the error code of a response, 0 for a success.
func code(m *stun.Message) stun.ErrorCode {
	var e stun.ErrorCodeAttribute
	if m.Type.Class == stun.ClassSuccessResponse {
		return 0
	}
	_ = e.GetFrom(m)
	return e.Code
}

// Attributes of Allocate requests.
func transportUDP() stun.Setter {
	return stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{17, 0, 0, 0}}
}
func transportTCP() stun.Setter {
	return stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{6, 0, 0, 0}}
}
func family(f byte) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrRequestedAddressFamily, Value: []byte{f, 0, 0, 0}}
}
func evenPort(r byte) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrEvenPort, Value: []byte{r}}
}
func lifetime(s byte) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrLifetime, Value: []byte{0, 0, 0, s}}
}

// allocate gives the relayed name.
func (r *raw) allocate(attrs ...stun.Setter) netip.AddrPort {
	r.t.Helper()
	m := r.request(stun.MethodAllocate, append([]stun.Setter{transportUDP()}, attrs...)...)
	if c := code(m); c != 0 {
		r.t.Fatalf("allocating: %v", c)
	}
	var a stun.XORMappedAddress
	if err := a.GetFromAs(m, stun.AttrXORRelayedAddress); err != nil {
		r.t.Fatal(err)
	}
	ip, _ := netip.AddrFromSlice(a.IP)
	return netip.AddrPortFrom(ip.Unmap(), uint16(a.Port))
}

// peer is an XOR-PEER-ADDRESS; as6 writes an IPv4 address in its mapped form, ::ffff:a.b.c.d, which no library does.
type peer struct {
	at  netip.AddrPort
	as6 bool
}

func (p peer) AddTo(m *stun.Message) error {
	mask := append([]byte{0x21, 0x12, 0xA4, 0x42}, m.TransactionID[:]...)
	ip, fam := p.at.Addr().AsSlice(), byte(1)
	if p.as6 {
		a := p.at.Addr().As16()
		ip = a[:]
	}
	if len(ip) == 16 {
		fam = 2
	}
	v := []byte{0, fam, byte(p.at.Port()>>8) ^ mask[0], byte(p.at.Port()) ^ mask[1]}
	for i, b := range ip {
		v = append(v, b^mask[i])
	}
	m.Add(stun.AttrXORPeerAddress, v)
	return nil
}

// indicate sends data to a peer as a Send indication.
func (r *raw) indicate(what string, to peer) {
	r.t.Helper()
	m := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodSend, stun.ClassIndication),
		to, stun.RawAttribute{Type: stun.AttrData, Value: []byte(what)})
	if _, err := r.conn.Write(m.Raw); err != nil {
		r.t.Fatal(err)
	}
}
