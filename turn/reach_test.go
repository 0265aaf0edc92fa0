package turn_test

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pion/stun/v3"

	"atrium/turn"
)

// ear is a socket that nobody behind the relay may reach.
type ear struct{ net.PacketConn }

// silent fails if anything arrived before now: the first that the ear hears must be what is sent to it here, and
// datagrams over loopback keep their order.
func (e ear) silent(t *testing.T) {
	t.Helper()
	to := e.LocalAddr().(*net.UDPAddr)
	c, err := net.DialUDP("udp", nil, to)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("marker")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 2000)
	_ = e.SetReadDeadline(time.Now().Add(patience))
	n, from, err := e.ReadFrom(b)
	if err != nil || string(b[:n]) != "marker" {
		t.Fatalf("%v heard %.40q from %v (%v)", to, b[:n], from, err)
	}
}

// ears listen wherever this machine can.
func ears(t *testing.T) []ear {
	addrs := []string{"127.0.0.1:0", "127.8.9.10:0", "[::1]:0"}
	ifs, _ := net.InterfaceAddrs()
	for _, a := range ifs { // the machine's private, link-local and public addresses
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && n.IP.To4() != nil {
			addrs = append(addrs, net.JoinHostPort(n.IP.String(), "0"))
		}
	}
	var all []ear
	for _, a := range addrs {
		c, err := net.ListenPacket("udp", a)
		if err != nil {
			t.Logf("no listener on %s: %v", a, err)
			continue
		}
		t.Cleanup(func() { c.Close() })
		all = append(all, ear{c})
	}
	return all
}

func TestNothingElseIsReached(t *testing.T) {
	media := netip.MustParseAddrPort("127.0.0.1:17882")
	sfu := &echo{got: make(chan string, 100)}
	h := open(t, func(o *turn.Options) { o.SFU, o.SFUAddrs = sfu, []netip.AddrPort{media} })
	sfu.server = h.server
	listening := ears(t)
	zone, user := uuid.New(), uuid.New()
	h.join(zone, user)
	legal := h.allocate(t, "udp", zone, uuid.New())
	stranger := h.allocate(t, "udp", uuid.New(), uuid.New())

	var targets []peer
	for _, e := range listening {
		at := e.LocalAddr().(*net.UDPAddr).AddrPort()
		targets = append(targets, peer{at: at})
		if at.Addr().Unmap().Is4() {
			targets = append(targets, peer{at: netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), as6: true})
		}
	}
	for _, s := range []string{
		h.udp.String(), h.tcp.String(), // the server's own ports
		"127.0.0.1:17883", "127.0.0.2:17882", "0.0.0.0:17882", // all but the SFU's media address
		"10.0.0.1:53", "172.16.0.1:53", "192.168.1.1:80", "100.64.0.1:53", // private
		"169.254.169.254:80", "224.0.0.251:5353", "255.255.255.255:7", "0.0.0.0:0", // link-local, groups, nobody
		"192.0.2.1:1023", "192.0.2.1:65000", "192.0.2.2:" + "1024", // names of nobody
		"[fe80::1]:53", "[ff02::fb]:5353", "[64:ff9b::7f00:1]:80", "[2002:7f00:1::]:80", "[::]:53",
		stranger.name.String(), // another zone's
	} {
		at := netip.MustParseAddrPort(s)
		targets = append(targets, peer{at: at})
		if at.Addr().Is4() {
			targets = append(targets, peer{at: at, as6: true})
		}
	}

	username, password := h.credentials(zone, user, 1, time.Hour)
	r := h.raw(t, username, password)
	name := r.allocate()
	legal.permit(t, &end{PacketConn: named{legal.PacketConn, name}})
	stranger.permit(t, &end{PacketConn: named{legal.PacketConn, name}})
	channel := uint16(0x4000)
	for _, p := range targets {
		// By an indication, which needs a permission, and by a channel.
		if c := code(r.request(stun.MethodCreatePermission, p)); c != 0 {
			t.Fatalf("permission for %v: %v", p.at, c)
		}
		r.indicate("forbidden", p)
		number := stun.RawAttribute{Type: stun.AttrChannelNumber, Value: binary.BigEndian.AppendUint16(nil, channel)}
		number.Value = append(number.Value, 0, 0)
		switch c := code(r.request(stun.MethodChannelBind, number, p)); c {
		case 0:
			if _, err := r.conn.Write(append(binary.BigEndian.AppendUint16(nil, channel), append([]byte{0, 9}, "forbidden"...)...)); err != nil {
				t.Fatal(err)
			}
			channel++
		case stun.CodeBadRequest: // the mapped form of an address that has a channel already
		default:
			t.Fatalf("channel to %v: %v", p.at, c)
		}
	}
	// The same socket's packets are taken in order, so what arrives here by a legal way was sent after all of them
	// had been judged.
	if c := code(r.request(stun.MethodCreatePermission, peer{at: legal.name})); c != 0 {
		t.Fatal(c)
	}
	r.indicate("legal", peer{at: legal.name})
	legal.expect(t, "legal", net.UDPAddrFromAddrPort(name))
	r.indicate("legal", peer{at: media})
	if got := <-sfu.got; got != "legal" {
		t.Fatalf("the SFU heard %q first", got)
	}
	for _, e := range listening {
		e.silent(t)
	}
	inside := h.allocate(t, "udp", stranger.zone, uuid.New())
	stranger.permit(t, inside)
	inside.send(t, "inside", stranger.LocalAddr())
	stranger.expect(t, "inside", inside.LocalAddr())
}

// named gives an end another local address.
type named struct {
	net.PacketConn
	name netip.AddrPort
}

func (n named) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(n.name) }
