package ice

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v3"
)

const ours, peer, pwd = "ourfrag", "theirfrag", "the password of this session, ours"

var from = netip.MustParseAddrPort("192.0.2.7:4711")

// check is what a controlling agent sends, but for what more does to it before its integrity.
func check(t testing.TB, pwd string, more ...stun.Setter) []byte {
	t.Helper()
	setters := []stun.Setter{stun.TransactionID, stun.BindingRequest, stun.NewUsername(ours + ":" + peer), stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{1, 2, 3, 4}}}
	setters = append(append(setters, more...), stun.NewShortTermIntegrity(pwd), stun.Fingerprint)
	m, err := stun.Build(setters...)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

func raw(typ stun.AttrType, v ...byte) stun.Setter { return stun.RawAttribute{Type: typ, Value: v} }

func answerTo(t testing.TB, p []byte) (*stun.Message, bool) {
	t.Helper()
	c, ok := Read(p)
	if !ok || !c.Proves(peer, pwd) {
		t.Fatal("the check is not taken")
	}
	answer, granted := c.Answer(from, pwd)
	m := &stun.Message{Raw: answer}
	if err := m.Decode(); err != nil {
		t.Fatal(err)
	}
	if stun.NewShortTermIntegrity(pwd).Check(m) != nil || stun.Fingerprint.Check(m) != nil || !bytes.Equal(m.TransactionID[:], p[8:20]) {
		t.Fatalf("%x is no answer to %x", answer, p)
	}
	return m, granted
}

func TestCheckIsAnsweredWithTheAddressItCameFrom(t *testing.T) {
	for _, addr := range []string{"192.0.2.7:4711", "[::ffff:192.0.2.7]:4711", "[2001:db8::7]:4711"} {
		a := netip.MustParseAddrPort(addr)
		c, _ := Read(check(t, pwd, raw(stun.AttrICEControlling, 1, 2, 3, 4, 5, 6, 7, 8), raw(0xC057, 0, 1, 0, 2))) // 0xC057 is Chromium's, and may be ignored
		answer, granted := c.Answer(a, pwd)
		m := &stun.Message{Raw: answer}
		if err := m.Decode(); err != nil || !granted || m.Type != stun.BindingSuccess {
			t.Fatalf("%v: %v", err, m)
		}
		var x stun.XORMappedAddress
		if err := x.GetFrom(m); err != nil || x.Port != 4711 || !x.IP.Equal(a.Addr().Unmap().AsSlice()) {
			t.Errorf("%s is told as %s (%v)", addr, x, err)
		}
	}
}

func TestNomination(t *testing.T) {
	for _, x := range []struct {
		p    []byte
		want bool
	}{{check(t, pwd), false}, {check(t, pwd, raw(stun.AttrUseCandidate)), true}} {
		c, ok := Read(x.p)
		if !ok || c.Nominates() != x.want || string(c.To()) != ours {
			t.Errorf("%v %v %q, want %v", ok, c.Nominates(), c.To(), x.want)
		}
	}
}

func TestErrorsAreAnsweredToWhoKnowsThePassword(t *testing.T) {
	m, granted := answerTo(t, check(t, pwd, raw(stun.AttrICEControlled, 1, 2, 3, 4, 5, 6, 7, 8)))
	var code stun.ErrorCodeAttribute
	if err := code.GetFrom(m); err != nil || granted || code.Code != stun.CodeRoleConflict || m.Type != stun.BindingError {
		t.Errorf("%v %v, want 487", code, err)
	}
	m, granted = answerTo(t, check(t, pwd, raw(0x0099, 1), raw(0x8099, 1)))
	var unknown stun.UnknownAttributes
	if err := code.GetFrom(m); err != nil || granted || code.Code != stun.CodeUnknownAttribute {
		t.Errorf("%v %v, want 420", code, err)
	}
	if err := unknown.GetFrom(m); err != nil || !slices.Equal(unknown, stun.UnknownAttributes{0x0099}) {
		t.Errorf("%v %v", unknown, err)
	}
}

func TestWhatProvesNothing(t *testing.T) {
	good := check(t, pwd)
	changed := bytes.Clone(good)
	changed[len(changed)-30] ^= 1 // in the integrity, which the fingerprint covers
	build := func(setters ...stun.Setter) []byte {
		m, err := stun.Build(append([]stun.Setter{stun.TransactionID}, setters...)...)
		if err != nil {
			t.Fatal(err)
		}
		return m.Raw
	}
	name, key := stun.NewUsername(ours+":"+peer), stun.NewShortTermIntegrity(pwd)
	for _, x := range []struct {
		name string
		p    []byte
		read bool // it is a check, but proves nothing
	}{
		{"nothing", nil, false},
		{"media", append([]byte{0x80, 96}, make([]byte, 40)...), false},
		{"a head without a cookie", make([]byte, 20), false},
		{"cut", good[:len(good)-4], false},
		{"more behind it", append(bytes.Clone(good), 0, 0, 0, 0), false},
		{"changed", changed, false},
		{"no user name", build(stun.BindingRequest, key, stun.Fingerprint), false},
		{"half a user name", build(stun.BindingRequest, stun.NewUsername(ours), key, stun.Fingerprint), false},
		{"a response", build(stun.BindingSuccess, name, key, stun.Fingerprint), false},
		{"an indication", build(stun.NewType(stun.MethodBinding, stun.ClassIndication), name, key, stun.Fingerprint), false},
		{"another method", build(stun.NewType(stun.MethodAllocate, stun.ClassRequest), name, key, stun.Fingerprint), false},
		{"another password", check(t, "another password"), true},
		{"no integrity", build(stun.BindingRequest, name, stun.Fingerprint), true},
		{"another peer", build(stun.BindingRequest, stun.NewUsername(ours+":another"), key, stun.Fingerprint), true},
	} {
		c, ok := Read(x.p)
		if ok != x.read || ok && c.Proves(peer, pwd) {
			t.Errorf("%s: read %v", x.name, ok)
		}
	}
}

// The library writes behind a packet where there is room; there may be the next packet.
func TestNothingBehindThePacketIsTouched(t *testing.T) {
	p := check(t, pwd)
	whole := append(bytes.Clone(p), bytes.Repeat([]byte{0xEE}, 64)...)
	c, ok := Read(whole[:len(p)])
	if !ok || !c.Proves(peer, pwd) {
		t.Fatal("the check is not taken")
	}
	if !bytes.Equal(whole[:len(p)], p) || !bytes.Equal(whole[len(p):], bytes.Repeat([]byte{0xEE}, 64)) {
		t.Errorf("%x", whole)
	}
}

func TestCandidatesAreRead(t *testing.T) {
	udp := []netip.AddrPort{netip.MustParseAddrPort("203.0.113.7:7882"), netip.MustParseAddrPort("[2001:db8::1]:7882")}
	tcp := []netip.AddrPort{netip.MustParseAddrPort("203.0.113.7:7881")}
	last := ^uint32(0)
	var seen []string
	for i, s := range Candidates(udp, tcp) {
		c, err := ice.UnmarshalCandidate(s)
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		want := append(slices.Clone(udp), tcp...)[i]
		if c.Address() != want.Addr().String() || c.Port() != int(want.Port()) || c.Type() != ice.CandidateTypeHost || c.Component() != 1 {
			t.Errorf("%q is read as %s", s, c)
		}
		if isTCP := i >= len(udp); c.NetworkType().IsTCP() != isTCP || isTCP && c.TCPType() != ice.TCPTypePassive {
			t.Errorf("%q is of %s %s", s, c.NetworkType(), c.TCPType())
		}
		if c.Priority() >= last || slices.Contains(seen, c.Foundation()) {
			t.Errorf("%q: priority %d after %d, foundation after %v", s, c.Priority(), last, seen)
		}
		last, seen = c.Priority(), append(seen, c.Foundation())
	}
}

func TestCredentialsAreNeverTheSame(t *testing.T) {
	a, b := NewCredentials(), NewCredentials()
	if a.Ufrag == b.Ufrag || a.Pwd == b.Pwd || len(a.Ufrag) < 4 || len(a.Pwd) < 22 {
		t.Errorf("%v %v", a, b)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(check(f, pwd))
	f.Add(check(f, pwd, raw(stun.AttrUseCandidate), raw(0x0099, 1)))
	f.Add(make([]byte, 20))
	f.Fuzz(func(t *testing.T, p []byte) {
		c, ok := Read(p)
		if !ok || !c.Proves(peer, pwd) {
			return
		}
		if answer, _ := c.Answer(from, pwd); !IsSTUN(answer) {
			t.Fatalf("%x is answered by %x", p, answer)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	p := check(b, pwd, raw(stun.AttrUseCandidate), raw(stun.AttrICEControlling, 1, 2, 3, 4, 5, 6, 7, 8))
	b.ReportAllocs()
	for range b.N {
		c, ok := Read(p)
		if !ok || !c.Proves(peer, pwd) {
			b.Fatal("the check is not taken")
		}
		if _, ok := c.Answer(from, pwd); !ok {
			b.Fatal("the check is not granted")
		}
	}
}
