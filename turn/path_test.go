package turn_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pion/stun/v3"
	pion "github.com/pion/turn/v4"

	"atrium/turn"
)

// stream connects a raw client over TCP.
func (h *house) stream(t testing.TB, username, password string) *raw {
	t.Helper()
	c, err := net.Dial("tcp4", h.tcp.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &raw{t: t, conn: framed{c}, username: stun.NewUsername(username), key: pion.GenerateAuthKey(username, "atrium", password)}
}

// bind gives a channel to a peer.
func (r *raw) bind(channel uint16, to netip.AddrPort) {
	r.t.Helper()
	number := stun.RawAttribute{Type: stun.AttrChannelNumber, Value: []byte{byte(channel >> 8), byte(channel), 0, 0}}
	if c := code(r.request(stun.MethodChannelBind, number, peer{at: to})); c != 0 {
		r.t.Fatalf("binding %#x to %v: %v", channel, to, c)
	}
}

// packed is a ChannelData message; over TCP it is padded.
func (r *raw) packed(channel uint16, p []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, channel)
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(p))), p...)
	if _, ok := r.conn.(framed); ok {
		b = append(b, make([]byte, -len(b)&3)...)
	}
	return b
}

// next reads a ChannelData message into b and gives its channel and data.
func (r *raw) next(b []byte) (uint16, []byte) {
	r.t.Helper()
	_ = r.conn.SetReadDeadline(time.Now().Add(patience))
	if f, ok := r.conn.(framed); ok {
		if _, err := io.ReadFull(f.Conn, b[:4]); err != nil {
			r.t.Fatal(err)
		}
		n := int(binary.BigEndian.Uint16(b[2:]))
		if _, err := io.ReadFull(f.Conn, b[4:4+(n+3)&^3]); err != nil {
			r.t.Fatal(err)
		}
		return binary.BigEndian.Uint16(b), b[4 : 4+n]
	}
	n, err := r.conn.Read(b)
	if err != nil {
		r.t.Fatal(err)
	}
	if n < 4 || int(binary.BigEndian.Uint16(b[2:])) != n-4 {
		r.t.Fatalf("no ChannelData: % x", b[:n])
	}
	return binary.BigEndian.Uint16(b), b[4:n]
}

// channelled is a client with an allocation.
type channelled struct {
	*raw
	name netip.AddrPort
	user uuid.UUID
}

func (h *house) channelled(t testing.TB, transport string, zone uuid.UUID) channelled {
	t.Helper()
	user := uuid.New()
	h.join(zone, user)
	username, password := h.credentials(zone, user, 1, time.Hour)
	open := h.raw
	if transport == "tcp" {
		open = h.stream
	}
	r := open(t, username, password)
	return channelled{r, r.allocate(), user}
}

// Many packets at a time, both ways, between clients whose channels have other numbers: each arrives once, in order, on
// its receiver's number. STUN in between is answered.
func TestChannelsByTheBatch(t *testing.T) {
	for _, a := range []string{"udp", "tcp"} {
		for _, b := range []string{"udp", "tcp"} {
			t.Run(a+" and "+b, func(t *testing.T) {
				h := open(t)
				zone := uuid.New()
				x, y := h.channelled(t, a, zone), h.channelled(t, b, zone)
				x.bind(0x4001, y.name)
				y.bind(0x4abc, x.name)
				buf := make([]byte, 2048)
				for _, way := range []struct {
					from, to channelled
					out, in  uint16
				}{{x, y, 0x4001, 0x4abc}, {y, x, 0x4abc, 0x4001}} {
					const many = 60
					var all []byte
					for i := range many {
						p := way.from.packed(way.out, bytes.Repeat([]byte{byte(i)}, []int{1200, 1200, 1200, 7, 160, 0}[i%6]+i/6))
						if a == b && a == "tcp" {
							if all = append(all, p...); i < many-1 {
								continue
							}
							p = all // in one write
						}
						if _, err := way.from.conn.Write(p); err != nil {
							t.Fatal(err)
						}
					}
					for i := range many {
						number, p := way.to.next(buf)
						if want := bytes.Repeat([]byte{byte(i)}, []int{1200, 1200, 1200, 7, 160, 0}[i%6]+i/6); number != way.in || !bytes.Equal(p, want) {
							t.Fatalf("packet %d: %d bytes on %#x, want %d on %#x", i, len(p), number, len(want), way.in)
						}
					}
					if c := code(way.from.request(stun.MethodRefresh)); c != 0 {
						t.Fatalf("refreshing: %v", c)
					}
				}
			})
		}
	}
}

// By channel as by any other way: nothing crosses zones, nothing passes for who has left, from the moment on that
// EndAllocations returns, and a channel that another client bound is nobody else's.
func TestChannelsAreChecked(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			h := open(t)
			zone := uuid.New()
			x, y := h.channelled(t, transport, zone), h.channelled(t, transport, zone)
			stranger, thief := h.channelled(t, transport, uuid.New()), h.channelled(t, transport, zone)
			x.bind(0x4000, y.name)
			y.bind(0x4000, x.name)
			x.bind(0x4001, stranger.name)
			stranger.bind(0x4000, x.name)
			y.bind(0x4002, thief.name)
			thief.bind(0x4002, y.name)
			buf := make([]byte, 2048)
			say := func(r channelled, channel uint16, what string) {
				t.Helper()
				if _, err := r.conn.Write(r.packed(channel, []byte(what))); err != nil {
					t.Fatal(err)
				}
			}
			hear := func(r channelled, channel uint16, what string) {
				t.Helper()
				if number, p := r.next(buf); number != channel || string(p) != what {
					t.Fatalf("heard %q on %#x, want %q on %#x", p, number, what, channel)
				}
			}
			dropped := func(why string) float64 { return h.counted(t, "atrium_turn_packets_dropped_total", why) }
			say(x, 0x4001, "across zones")
			say(thief, 0x4000, "on a channel of x") // not bound here: pion/turn refuses it
			say(x, 0x4000, "hello")
			hear(y, 0x4000, "hello")
			if n := dropped("zone"); n != 1 {
				t.Errorf("%v packets dropped for their zone", n)
			}

			h.leave(h.server, zone, x.user)
			say(x, 0x4000, "too late")
			say(y, 0x4000, "too late")
			// Both have been judged when their senders are answered.
			x.do(stun.MustBuild(stun.TransactionID, stun.BindingRequest))
			y.do(stun.MustBuild(stun.TransactionID, stun.BindingRequest))
			say(thief, 0x4002, "still here")
			hear(y, 0x4002, "still here")
			if passed := h.counted(t, "atrium_turn_packets_passed_total", ""); passed != 2 {
				t.Errorf("%v packets passed, want hello and still here", passed)
			}
		})
	}
}

// From the sender's socket to the receiver's, nothing is allocated per packet.
func TestNothingIsAllocatedPerPacket(t *testing.T) {
	if turn.RaceEnabled {
		return // the race detector makes sync.Pool forget, and counts its own
	}
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			h := open(t)
			zone := uuid.New()
			x, y := h.channelled(t, transport, zone), h.channelled(t, transport, zone)
			x.bind(0x4001, y.name)
			y.bind(0x4002, x.name)
			p, buf := x.packed(0x4001, make([]byte, 1200)), make([]byte, 2048)
			if n := testing.AllocsPerRun(2000, func() {
				if _, err := x.conn.Write(p); err != nil {
					t.Fatal(err)
				}
				if number, p := y.next(buf); number != 0x4002 || len(p) != 1200 {
					t.Fatalf("%d bytes on %#x", len(p), number)
				}
			}); n != 0 {
				t.Errorf("%v allocations per packet", n)
			}
		})
	}
}
