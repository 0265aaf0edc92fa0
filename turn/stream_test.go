package turn_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pion/stun/v3"
	pion "github.com/pion/turn/v4"

	"atrium/turn"
)

// ends waits until the server closes a connection.
func ends(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.Copy(io.Discard, c); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatalf("the connection did not end: %v", err)
	}
}

func (h *house) connect(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp4", h.tcp.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestConnectionsWithoutAnAllocationEnd(t *testing.T) {
	h := open(t, func(o *turn.Options) { o.Limits.Unauthenticated = 100 * time.Millisecond })
	silent, trickling := h.connect(t), h.connect(t)
	go func() { // a byte at a time does not prolong it
		for range 20000 {
			if _, err := trickling.Write([]byte{0}); err != nil {
				return
			}
		}
	}()
	binding := h.connect(t)
	if _, err := binding.Write(stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw); err != nil {
		t.Fatal(err)
	}
	for _, c := range []net.Conn{silent, trickling, binding} {
		ends(t, c)
	}
	eventually(t, "no connection is left", patience, func() bool { return h.server.Connections() == 0 })
}

func TestConnectionWithAnAllocation(t *testing.T) {
	h := open(t, func(o *turn.Options) { o.Limits.Unauthenticated, o.Limits.Idle = 200*time.Millisecond, time.Second })
	h.allocate(t, "tcp", uuid.New(), uuid.New())
	started := time.Now()
	eventually(t, "the idle connection ends, and its allocation with it", patience, func() bool {
		return h.server.Connections() == 0 && h.server.Open() == 0
	})
	if d := time.Since(started); d < 500*time.Millisecond {
		t.Fatalf("an allocation's connection ended after %v, before it was idle long enough", d)
	}
	// One whose allocation ends is given the time of one that has none.
	e := h.allocate(t, "tcp", uuid.New(), uuid.New())
	h.leave(h.server, e.zone, e.user)
	eventually(t, "the connection ends", patience, func() bool { return h.server.Connections() == 0 })
}

func TestClosedConnectionEndsItsAllocation(t *testing.T) {
	h := open(t)
	zone, user := uuid.New(), uuid.New()
	h.join(zone, user)
	c := h.connect(t)
	username, password := h.credentials(zone, user, 1, time.Hour)
	client, err := pion.NewClient(&pion.ClientConfig{TURNServerAddr: h.tcp.String(), Conn: pion.NewSTUNConn(c), Username: username, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Listen(); err != nil {
		t.Fatal(err)
	}
	relay, err := client.Allocate()
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	eventually(t, "nothing is left", time.Second, func() bool { return h.server.Open() == 0 && h.server.Connections() == 0 })
	relay.Close()
}

func TestConnectionsAreBounded(t *testing.T) {
	h := open(t, func(o *turn.Options) { o.Limits.Connections, o.Limits.PerAddress = 3, 2 })
	first, second := h.connect(t), h.connect(t)
	eventually(t, "two are in", patience, func() bool { return h.server.Connections() == 2 })
	ends(t, h.connect(t))
	from := func(ip string) net.Conn {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
		c, err := d.Dial("tcp4", h.tcp.String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	from("127.0.0.2")
	eventually(t, "three are in", patience, func() bool { return h.server.Connections() == 3 })
	ends(t, from("127.0.0.3"))
	first.Close()
	second.Close()
	eventually(t, "one is left", patience, func() bool { return h.server.Connections() == 1 })
	h.connect(t)
	eventually(t, "a place is free again", patience, func() bool { return h.server.Connections() == 2 })
}

// A receiver on TCP that stops reading loses its packets and then its connection; the sender and the others of its
// zone notice nothing.
func TestReaderThatStops(t *testing.T) {
	h := open(t, func(o *turn.Options) { o.Limits.WriteTimeout, o.Limits.WriteQueue = 2*time.Second, 64<<10 })
	zone := uuid.New()
	sender, other := h.allocate(t, "udp", zone, uuid.New()), h.allocate(t, "tcp", zone, uuid.New())
	other.permit(t, sender)

	user := uuid.New()
	h.join(zone, user)
	username, password := h.credentials(zone, user, 1, time.Hour)
	c := h.connect(t)
	_ = c.(*net.TCPConn).SetReadBuffer(4096)
	stopped := &raw{t: t, conn: framed{c}, username: stun.NewUsername(username), key: pion.GenerateAuthKey(username, "atrium", password)}
	name := stopped.allocate()
	if e := code(stopped.request(stun.MethodCreatePermission, peer{at: sender.name})); e != 0 {
		t.Fatal(e)
	}
	to := net.UDPAddrFromAddrPort(name)
	filler := bytes.Repeat([]byte("f"), 1200)
	slowest := time.Duration(0)
	eventually(t, "the connection that is not read ends", 20*time.Second, func() bool {
		began := time.Now()
		for range 50 {
			if _, err := sender.WriteTo(filler, to); err != nil {
				t.Fatal(err)
			}
		}
		sender.send(t, "still in time", other.LocalAddr())
		other.expect(t, "still in time", sender.LocalAddr())
		slowest = max(slowest, time.Since(began))
		return h.server.Connections() == 1
	})
	if slowest > time.Second { // the write timeout is what a blocking write would have cost
		t.Errorf("a packet to another member took %v meanwhile", slowest)
	}
	if h.counted(t, "atrium_turn_packets_dropped_total", "stream")+h.counted(t, "atrium_turn_packets_dropped_total", "queue") == 0 {
		t.Error("nothing was dropped for the one that does not read")
	}
}

// framed reads one STUN message at a time.
type framed struct{ net.Conn }

func (f framed) Read(b []byte) (int, error) {
	if _, err := io.ReadFull(f.Conn, b[:20]); err != nil {
		return 0, err
	}
	n := 20 + int(binary.BigEndian.Uint16(b[2:]))
	_, err := io.ReadFull(f.Conn, b[20:n])
	return n, err
}

// Lengths that break pion/turn's own deframer end the connection and nothing else.
func TestBadFramesEndTheConnection(t *testing.T) {
	h := open(t)
	for _, b := range map[string][]byte{
		"HTTP":                   []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
		"TLS":                    {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"a length that wraps":    append([]byte{0, 1, 0xff, 0xec, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...),
		"a frame too large":      {0x40, 0, 0x10, 0, 0, 0, 0, 0, 0, 0},
		"a length not in fours":  append([]byte{0, 1, 0, 3, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...),
		"no channel and no STUN": bytes.Repeat([]byte{0xff}, 30),
		"another magic cookie":   make([]byte, 20),
		"a channel with no end":  {0x7f, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5, 6},
		"nothing":                nil,
	} {
		c := h.connect(t)
		if b == nil {
			c.(*net.TCPConn).CloseWrite()
		} else if _, err := c.Write(b); err != nil {
			t.Fatal(err)
		}
		ends(t, c)
	}
	// A ChannelData without an allocation, short ones too, is no reason to hang up; the next request is answered.
	c := h.dial(t, "tcp", "", "")
	if _, err := c.SendBindingRequest(); err != nil {
		t.Fatal(err)
	}
}
