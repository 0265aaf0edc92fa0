package turn_test

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/uuid"

	"atrium/turn"
)

func TestBindingOnTheSamePort(t *testing.T) {
	h := open(t)
	for _, transport := range []string{"udp", "tcp"} {
		c := h.dial(t, transport, "", "")
		addr, err := c.SendBindingRequest()
		if err != nil {
			t.Fatalf("%s: %v", transport, err)
		}
		u, ok := addr.(*net.UDPAddr)
		if !ok || !u.IP.IsLoopback() || u.Port == 0 {
			t.Fatalf("%s: mapped address %v", transport, addr)
		}
	}
}

// Both ends of each pair of transports send, before and after the clients have bound channels.
func TestRelayInsideAZone(t *testing.T) {
	for _, a := range []string{"udp", "tcp"} {
		for _, b := range []string{"udp", "tcp"} {
			t.Run(a+" and "+b, func(t *testing.T) {
				h := open(t)
				zone := uuid.New()
				x, y := h.allocate(t, a, zone, uuid.New()), h.allocate(t, b, zone, uuid.New())
				if x.name.Addr() != turn.DefaultRelayIP || x.name == y.name || x.name.Port() < 1024 {
					t.Fatalf("relayed names %v and %v", x.name, y.name)
				}
				x.permit(t, y)
				y.permit(t, x)
				for i := range 40 {
					// 1,200 bytes is what media packets have; odd lengths need padding over TCP.
					there := fmt.Sprintf("%d there %s", i, strings.Repeat("x", 1160+i))
					back := fmt.Sprintf("%d back %s", i, strings.Repeat("y", i))
					x.send(t, there, y.LocalAddr())
					y.expect(t, there, x.LocalAddr())
					y.send(t, back, x.LocalAddr())
					x.expect(t, back, y.LocalAddr())
				}
				// pion's client binds a channel in the background at the first packet; once the server has both,
				// packets go straight to the sockets.
				before := h.counted(t, "atrium_turn_packets_passed_total", "channel")
				eventually(t, "packets go by channel", patience, func() bool {
					x.send(t, "by channel", y.LocalAddr())
					y.expect(t, "by channel", x.LocalAddr())
					return h.counted(t, "atrium_turn_packets_passed_total", "channel") > before
				})
			})
		}
	}
}

func TestOneMemberTwoAllocations(t *testing.T) {
	h := open(t)
	zone, user := uuid.New(), uuid.New()
	x, y := h.allocate(t, "udp", zone, user), h.allocate(t, "tcp", zone, user)
	y.permit(t, x)
	x.send(t, "to myself", y.LocalAddr())
	y.expect(t, "to myself", x.LocalAddr())
}

func TestNeverAcrossZones(t *testing.T) {
	h := open(t)
	here, there := uuid.New(), uuid.New()
	x, y := h.allocate(t, "udp", here, uuid.New()), h.allocate(t, "udp", here, uuid.New())
	stranger := h.allocate(t, "udp", there, uuid.New())
	same := h.allocate(t, "tcp", there, x.user) // the same user in another zone is a stranger too
	y.permit(t, x)
	stranger.permit(t, x)
	same.permit(t, x)
	stranger.permit(t, same)
	x.send(t, "forbidden", stranger.LocalAddr())
	x.send(t, "forbidden", same.LocalAddr())
	// One read loop takes the packets of the socket in order: when this one is there, the others were judged.
	x.send(t, "allowed", y.LocalAddr())
	y.expect(t, "allowed", x.LocalAddr())
	if n := h.counted(t, "atrium_turn_packets_dropped_total", "zone"); n != 2 {
		t.Fatalf("%v packets dropped for their zone, want 2", n)
	}
	// What reaches the strangers first is what they are sent inside their own zone.
	same.permit(t, stranger)
	same.send(t, "inside", stranger.LocalAddr())
	stranger.expect(t, "inside", same.LocalAddr())
	stranger.send(t, "inside", same.LocalAddr())
	same.expect(t, "inside", stranger.LocalAddr())
}

// send passes one packet of the SFU.
func send(s *turn.Server, p []byte, from, to netip.AddrPort) (ok bool) {
	s.Send(func(pass func(p []byte, from, to netip.AddrPort) bool) { ok = pass(p, from, to) })
	return ok
}

// echo is an SFU that answers each packet, from the address that it came to.
type echo struct {
	server *turn.Server
	got    chan string
}

func (e *echo) Deliver(p []byte, from, to netip.AddrPort) {
	e.got <- string(p)
	if !send(e.server, append([]byte("echo "), p...), to, from) {
		e.got <- "not sent"
	}
}

func TestRelayToTheSFU(t *testing.T) {
	media := netip.MustParseAddrPort("127.0.0.1:17882")
	other := netip.MustParseAddrPort("192.0.2.1:1030") // on the relay's own address: its port is never handed out
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			sfu := &echo{got: make(chan string, 1000)}
			h := open(t, func(o *turn.Options) {
				o.SFU, o.SFUAddrs = sfu, []netip.AddrPort{media, other}
			})
			sfu.server = h.server
			x := h.allocate(t, transport, uuid.New(), uuid.New())
			for _, addr := range []netip.AddrPort{media, other} {
				to := net.UDPAddrFromAddrPort(addr)
				if err := x.client.CreatePermission(to); err != nil {
					t.Fatal(err)
				}
				for i := range 20 {
					what := fmt.Sprintf("packet %d", i)
					x.send(t, what, to)
					x.expect(t, "echo "+what, to)
					if got := <-sfu.got; got != what {
						t.Fatalf("the SFU got %q, want %q", got, what)
					}
				}
			}
			if !h.server.Owns(x.name) || h.server.Owns(media) {
				t.Fatal("Owns is wrong")
			}
			// Only from the SFU's own addresses, only to a live relayed name.
			if send(h.server, []byte("x"), netip.MustParseAddrPort("127.0.0.1:1"), x.name) {
				t.Fatal("a packet from no address of the SFU was sent")
			}
			if send(h.server, []byte("x"), media, netip.AddrPortFrom(x.name.Addr(), 65000)) || send(h.server, []byte("x"), media, media) {
				t.Fatal("a packet to nobody was sent")
			}
			for range 10 { // other's port is skipped
				if y := h.allocate(t, "udp", uuid.New(), uuid.New()); y.name == other {
					t.Fatal("the SFU's address was handed out")
				}
			}
		})
	}
}

// BenchmarkFromSFU is what a picture of eight packets for a client behind the relay costs: all in one go, and each by itself.
func BenchmarkFromSFU(b *testing.B) {
	media := netip.MustParseAddrPort("127.0.0.1:17882")
	for _, transport := range []string{"udp", "tcp"} {
		for _, together := range []bool{true, false} {
			b.Run(fmt.Sprintf("%s/together=%v", transport, together), func(b *testing.B) {
				sfu := &echo{got: make(chan string, 1000)}
				h := open(b, func(o *turn.Options) { o.SFU, o.SFUAddrs = sfu, []netip.AddrPort{media} })
				sfu.server = h.server
				x := h.allocate(b, transport, uuid.New(), uuid.New())
				to := net.UDPAddrFromAddrPort(media)
				if err := x.client.CreatePermission(to); err != nil {
					b.Fatal(err)
				}
				for range 20 { // it binds a channel meanwhile
					x.send(b, "x", to)
					x.expect(b, "echo x", to)
				}
				p := make([]byte, 1200)
				b.ReportAllocs()
				for b.Loop() {
					if together {
						h.server.Send(func(pass func(p []byte, from, to netip.AddrPort) bool) {
							for range 8 {
								pass(p, media, x.name)
							}
						})
						continue
					}
					for range 8 {
						send(h.server, p, media, x.name)
					}
				}
			})
		}
	}
}
