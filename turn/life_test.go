package turn_test

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pion/stun/v3"

	"atrium/turn"
)

func TestLeavingEndsAllocations(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			h := open(t)
			zone := uuid.New()
			x, y := h.allocate(t, transport, zone, uuid.New()), h.allocate(t, "udp", zone, uuid.New())
			second := h.allocate(t, "udp", zone, x.user) // a user may hold several
			z := h.allocate(t, "udp", zone, uuid.New())
			for _, e := range []*end{x, second, z} {
				y.permit(t, e)
				e.permit(t, y)
			}
			x.send(t, "hello", y.LocalAddr())
			y.expect(t, "hello", x.LocalAddr())
			y.send(t, "hello", x.LocalAddr())
			x.expect(t, "hello", y.LocalAddr())
			second.send(t, "hello", y.LocalAddr())
			y.expect(t, "hello", second.LocalAddr())

			h.leave(h.server, zone, x.user)
			// At its return already: nothing passes, in or out.
			if n := h.server.Allocations(); n != 2 {
				t.Fatalf("%d allocations, want the others' 2", n)
			}
			if send(h.server, []byte("x"), netip.MustParseAddrPort("127.0.0.1:1"), x.name) {
				t.Fatal("a packet went to who has left")
			}
			x.send(t, "too late", y.LocalAddr())
			second.send(t, "too late", y.LocalAddr())
			y.send(t, "too late", x.LocalAddr())
			z.send(t, "still here", y.LocalAddr())
			y.expect(t, "still here", z.LocalAddr())
			// pion/turn lets go of the names within a second.
			eventually(t, "the allocations are dropped", time.Second, func() bool { return h.server.Open() == 2 })
			// The credential's signature still holds; it admits no one any more.
			username, password := h.credentials(zone, x.user, 1, time.Hour)
			if c := code(h.raw(t, username, password).request(stun.MethodAllocate, transportUDP())); c != stun.CodeBadRequest {
				t.Fatalf("allocating after leaving: %v", c)
			}
		})
	}
}

// TestRequestsAfterTheAllocation: who asks for something of an allocation that is over, or never was, is told so.
func TestRequestsAfterTheAllocation(t *testing.T) {
	h := open(t)
	zone, user := uuid.New(), uuid.New()
	h.join(zone, user)
	at := peer{at: netip.MustParseAddrPort("192.0.2.1:2000")}
	channel := stun.RawAttribute{Type: stun.AttrChannelNumber, Value: []byte{0x40, 0, 0, 0}}
	ask := func(r *raw, when string) {
		t.Helper()
		for _, q := range []struct {
			method stun.Method
			attrs  []stun.Setter
		}{{stun.MethodRefresh, nil}, {stun.MethodCreatePermission, []stun.Setter{at}}, {stun.MethodChannelBind, []stun.Setter{channel, at}}} {
			if c := code(r.request(q.method, q.attrs...)); c != stun.CodeAllocMismatch {
				t.Errorf("%s %s: %v, want 437", q.method, when, c)
			}
		}
	}
	username, password := h.credentials(zone, user, 1, time.Hour)
	r := h.raw(t, username, password)
	ask(r, "without an allocation")
	r.allocate()
	if c := code(r.request(stun.MethodRefresh)); c != 0 {
		t.Errorf("Refresh of a live allocation: %v", c)
	}
	h.leave(h.server, zone, user)
	ask(r, "of one who has left")
}

func TestEpochs(t *testing.T) {
	h := open(t)
	zone, user := uuid.New(), uuid.New()
	old := h.allocate(t, "udp", zone, user)
	h.set(func(o *office) { o.epoch = 2 })
	username, password := h.credentials(zone, user, 2, time.Hour)
	fresh := h.raw(t, username, password)
	fresh.allocate()
	h.server.EndAllocations(zone, user, 0)
	if n := h.server.Allocations(); n != 2 {
		t.Fatalf("%d allocations after the end of epoch 0, want 2", n)
	}
	h.server.EndAllocations(zone, user, 1)
	if n := h.server.Allocations(); n != 1 {
		t.Fatalf("%d allocations after the end of epoch 1, want 1", n)
	}
	eventually(t, "the old one is dropped", time.Second, func() bool { return h.server.Open() == 1 })
	if c := code(fresh.request(stun.MethodRefresh)); c != 0 {
		t.Fatalf("refreshing the new one: %v", c)
	}
	username, password = h.credentials(zone, user, 1, time.Hour)
	if c := code(h.raw(t, username, password).request(stun.MethodAllocate, transportUDP())); c != stun.CodeBadRequest {
		t.Fatalf("allocating with the old epoch: %v", c)
	}
	_ = old
}

func TestQuota(t *testing.T) {
	h := open(t)
	h.set(func(o *office) { o.quota = 2 })
	zone, user := uuid.New(), uuid.New()
	h.join(zone, user)
	username, password := h.credentials(zone, user, 1, time.Hour)
	a, b, c := h.raw(t, username, password), h.raw(t, username, password), h.raw(t, username, password)
	a.allocate()
	b.allocate()
	if got := code(c.request(stun.MethodAllocate, transportUDP())); got != stun.CodeAllocQuotaReached {
		t.Fatalf("the third of two: %v, want 486", got)
	}
	// Another member of the zone has its own count, and a place given back is free.
	h.allocate(t, "tcp", zone, uuid.New())
	if got := code(a.request(stun.MethodRefresh, lifetime(0))); got != 0 {
		t.Fatalf("giving back: %v", got)
	}
	c.allocate()
	// A request that passes the quota and then fails keeps its place only for a moment: lifetime 0 fails in pion/turn
	// after the quota's word.
	if got := code(b.request(stun.MethodRefresh, lifetime(0))); got != 0 {
		t.Fatalf("giving back: %v", got)
	}
	if got := code(a.request(stun.MethodAllocate, transportUDP(), lifetime(0))); got != stun.CodeInsufficientCapacity {
		t.Fatalf("an allocation without a lifetime: %v", got)
	}
	if got := code(b.request(stun.MethodAllocate, transportUDP())); got != stun.CodeAllocQuotaReached {
		t.Fatalf("while the place is reserved: %v, want 486", got)
	}
	h.advance(3 * time.Second)
	b.allocate()
}

func TestExpiry(t *testing.T) {
	h := open(t)
	zone, user := uuid.New(), uuid.New()
	h.join(zone, user)
	username, password := h.credentials(zone, user, 1, time.Minute)
	r := h.raw(t, username, password)
	r.allocate()
	h.advance(2 * time.Minute)
	if c := code(h.raw(t, username, password).request(stun.MethodAllocate, transportUDP())); c != stun.CodeBadRequest {
		t.Fatalf("a new allocation with an expired credential: %v", c)
	}
	// What it allocated in time lives by its membership.
	for _, m := range []stun.Method{stun.MethodRefresh, stun.MethodCreatePermission} {
		if c := code(r.request(m, peer{at: netip.MustParseAddrPort("192.0.2.1:2000")})); c != 0 {
			t.Fatalf("%v after the credential's expiry: %v", m, c)
		}
	}
	// Another member cannot use the first one's 5-tuple with its own credential.
	other := uuid.New()
	h.join(zone, other)
	username, password = h.credentials(zone, other, 1, time.Minute)
	thief := h.raw(t, username, password)
	thief.conn, thief.nonce = r.conn, r.nonce
	if c := code(thief.request(stun.MethodRefresh, lifetime(0))); c != stun.CodeBadRequest {
		t.Fatalf("refreshing another one's allocation: %v", c)
	}
	h.set(func(o *office) { delete(o.members[zone], user) }) // left, and EndAllocations has not come yet
	if c := code(r.request(stun.MethodRefresh)); c != stun.CodeBadRequest {
		t.Fatalf("refreshing after leaving: %v", c)
	}
}

func TestRefusals(t *testing.T) {
	h := open(t)
	zone, user := uuid.New(), uuid.New()
	h.join(zone, user)
	username, password := h.credentials(zone, user, 1, time.Hour)
	for _, c := range []struct {
		what     string
		username string
		password string
		attrs    []stun.Setter
		want     stun.ErrorCode
	}{
		{"a TCP relay", username, password, []stun.Setter{transportTCP()}, stun.CodeUnsupportedTransProto},
		{"an IPv6 relay", username, password, []stun.Setter{transportUDP(), family(2)}, stun.CodeAddrFamilyNotSupported},
		{"a reserved pair of ports", username, password, []stun.Setter{transportUDP(), evenPort(0x80)}, stun.CodeInsufficientCapacity},
		{"no transport", username, password, nil, stun.CodeBadRequest},
		{"a wrong password", username, "guess", []stun.Setter{transportUDP()}, stun.CodeBadRequest},
		{"a username of another form", "ann", h.password("ann"), []stun.Setter{transportUDP()}, stun.CodeBadRequest},
		{"a long username", strings.Repeat("1", 500), "", []stun.Setter{transportUDP()}, stun.CodeBadRequest},
	} {
		if got := code(h.raw(t, c.username, c.password).request(stun.MethodAllocate, c.attrs...)); got != c.want {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
	if n := h.server.Allocations(); n != 0 {
		t.Fatalf("%d allocations after refusals", n)
	}
	r := h.raw(t, username, password)
	if name := r.allocate(evenPort(0), family(1)); name.Port()%2 != 0 {
		t.Fatalf("an even port was wanted, %v given", name)
	}
	// TCP asks the same questions.
	c := h.dial(t, "tcp", username, password)
	_, err := c.AllocateTCP()
	if err == nil || !strings.Contains(err.Error(), "442") {
		t.Fatalf("a TCP relay over TCP: %v", err)
	}
}

func TestTwoHundredComeAndGo(t *testing.T) {
	h := open(t)
	zone := uuid.New()
	var all sync.WaitGroup
	gate := make(chan struct{}, 20)
	for i := range 200 {
		all.Add(1)
		gate <- struct{}{}
		go func() {
			defer all.Done()
			defer func() { <-gate }()
			user := uuid.New()
			h.join(zone, user)
			username, password := h.credentials(zone, user, 1, time.Hour)
			c := h.dial(t, []string{"udp", "tcp"}[i%2], username, password)
			relay, err := c.Allocate()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = relay.WriteTo([]byte(fmt.Sprint(i)), &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1024 + i})
			if i%3 == 0 { // it gives back, then leaves; the others leave without a word
				_ = relay.Close()
			}
			h.leave(h.server, zone, user)
			_ = relay.Close()
		}()
	}
	all.Wait()
	eventually(t, "nothing is left", patience, func() bool { return h.server.Allocations() == 0 && h.server.Open() == 0 && h.server.Members() == 0 })
}

func TestNamesRest(t *testing.T) {
	h := open(t, func(o *turn.Options) { o.Limits.Names = 3 })
	zone, user := uuid.New(), uuid.New()
	h.join(zone, user)
	username, password := h.credentials(zone, user, 1, time.Hour)
	seen := map[netip.AddrPort]bool{}
	for range 3 {
		r := h.raw(t, username, password)
		name := r.allocate()
		if seen[name] {
			t.Fatalf("%v was given out again at once", name)
		}
		seen[name] = true
		if c := code(r.request(stun.MethodRefresh, lifetime(0))); c != 0 {
			t.Fatal(c)
		}
		eventually(t, "it is given back", patience, func() bool { return h.server.Open() == 0 })
	}
	// One user cannot lay all names to rest.
	r := h.raw(t, username, password)
	if c := code(r.request(stun.MethodAllocate, transportUDP())); c != stun.CodeAllocQuotaReached {
		t.Fatalf("the fourth name: %v", c)
	}
	h.advance(10*time.Minute + time.Second)
	r.allocate()
}

// Who gives its allocation back and allocates again at once on the same 5-tuple keeps the new one.
func TestAllocatingAgainOnTheSameSocket(t *testing.T) {
	h := open(t)
	zone, user := uuid.New(), uuid.New()
	h.join(zone, user)
	username, password := h.credentials(zone, user, 1, time.Hour)
	r := h.raw(t, username, password)
	for range 200 {
		r.allocate()
		if c := code(r.request(stun.MethodRefresh)); c != 0 {
			t.Fatalf("the new allocation is gone: %v", c)
		}
		if c := code(r.request(stun.MethodRefresh, lifetime(0))); c != 0 {
			t.Fatal(c)
		}
	}
}

// An allocation that is not refreshed ends by itself.
func TestLifetime(t *testing.T) {
	h := open(t)
	zone, user := uuid.New(), uuid.New()
	h.join(zone, user)
	username, password := h.credentials(zone, user, 1, time.Hour)
	h.raw(t, username, password).allocate(lifetime(1))
	eventually(t, "it ends", patience, func() bool { return h.server.Open() == 0 })
}
