package batch

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"
)

const patience = 10 * time.Second

// open makes a batched socket.
func open(t testing.TB, network, address string) (*Socket, netip.AddrPort) {
	t.Helper()
	c, err := net.ListenPacket(network, address)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(c.(*net.UDPConn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, s.LocalAddr().(*net.UDPAddr).AddrPort()
}

// plain makes a socket of the net package's.
func plain(t testing.TB, network, address string) (*net.UDPConn, netip.AddrPort) {
	t.Helper()
	c, err := net.ListenPacket(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.UDPConn), c.LocalAddr().(*net.UDPAddr).AddrPort()
}

// expect reads the datagrams that a plain socket gets, in order.
func expect(t *testing.T, c *net.UDPConn, want ...string) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 65536)
	for i, w := range want {
		n, err := c.Read(b)
		if err != nil {
			t.Fatalf("datagram %d: %v", i, err)
		}
		if string(b[:n]) != w {
			t.Fatalf("datagram %d: %d bytes %.20q, want %d bytes %.20q", i, n, b[:n], len(w), w)
		}
	}
}

func TestReadsManyAtOnce(t *testing.T) {
	s, at := open(t, "udp4", "127.0.0.1:0")
	c, from := plain(t, "udp4", "127.0.0.1:0")
	for i := range 10 {
		if _, err := c.WriteToUDPAddrPort(fmt.Append(nil, i), at); err != nil {
			t.Fatal(err)
		}
	}
	r := NewReader(s, 4, 64, 0)
	for got, reads := 0, 0; got < 10; reads++ {
		n, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		if n > 4 || runtime.GOOS == "linux" && n != min(4, 10-got) {
			t.Fatalf("%d datagrams in read %d", n, reads)
		}
		for i := range n {
			p, a := r.At(i)
			if string(p) != fmt.Sprint(got) || a != from {
				t.Fatalf("datagram %d: %q from %v", got, p, a)
			}
			got++
		}
	}
}

// To each destination datagrams arrive in the order in which they were added, whatever runs they left in.
func TestRunsKeepTheOrder(t *testing.T) {
	for _, network := range []string{"udp4", "udp6"} {
		t.Run(network, func(t *testing.T) {
			here := "127.0.0.1:0"
			if network == "udp6" {
				here = "[::]:0" // of both families
			}
			s, _ := open(t, map[string]string{"udp4": "udp4", "udp6": "udp"}[network], here)
			a, atA := plain(t, "udp4", "127.0.0.1:0")
			b, atB := plain(t, "udp4", "127.0.0.1:0")
			w := NewWriter(100)
			toA, toB := s.Dest(atA), s.Dest(atB)
			var wantA, wantB []string
			for i, size := range []int{1200, 1200, 1200, 300, 1200, 1200, 1300, 1300, 0, 5, 5, 6, 4, 4} {
				p := bytes.Repeat([]byte{byte('a' + i)}, size)
				w.Add(toA, p)
				wantA = append(wantA, string(p))
				if i%2 == 0 {
					w.Add(toB, p)
					wantB = append(wantB, string(p))
				}
			}
			w.Flush()
			expect(t, a, wantA...)
			expect(t, b, wantB...)
			st := w.Stats()
			if st.Datagrams != 21 || st.Failed != 0 || w.Len() != 0 {
				t.Fatalf("%+v, %d left", st, w.Len())
			}
			if s.segments() && (st.Messages >= st.Datagrams || st.Calls != 1) {
				t.Errorf("%+v: no runs", st)
			}
		})
	}
}

// More than a message holds becomes several; a full Writer flushes itself.
func TestLongRuns(t *testing.T) {
	s, _ := open(t, "udp4", "127.0.0.1:0")
	c, at := plain(t, "udp4", "127.0.0.1:0")
	_ = c.SetReadBuffer(1 << 20)
	w := NewWriter(50)
	to := s.Dest(at)
	var want []string
	for i := range 130 {
		p := fmt.Appendf(nil, "%05d", i)
		want = append(want, string(p))
		w.Add(to, p)
	}
	w.Flush()
	expect(t, c, want...)
	if st := w.Stats(); st.Datagrams != 130 || st.Calls != 3 && s.segments() {
		t.Fatalf("%+v", st)
	}
}

// A destination that the kernel refuses costs the others nothing.
func TestBadDestination(t *testing.T) {
	s, _ := open(t, "udp4", "127.0.0.1:0")
	c, at := plain(t, "udp4", "127.0.0.1:0")
	w := NewWriter(50)
	good, none, other := s.Dest(at), s.Dest(netip.MustParseAddrPort("127.0.0.1:0")), s.Dest(netip.MustParseAddrPort("127.0.0.2:0"))
	var want []string
	for i := range 5 {
		p := fmt.Appendf(nil, "packet %d", i)
		want = append(want, string(p))
		w.Add(none, p)
		w.Add(good, p)
		w.Add(other, p)
		w.Add(none, p)
	}
	w.Flush()
	expect(t, c, want...)
	if st := w.Stats(); st.Datagrams != 5 || st.Failed != 15 {
		t.Fatalf("%+v", st)
	}
}

func TestCloseWakesTheReader(t *testing.T) {
	s, at := open(t, "udp4", "127.0.0.1:0")
	ended := make(chan error)
	reading := make(chan struct{})
	go func() {
		r := NewReader(s, 4, 64, 0)
		if _, err := r.Read(); err != nil {
			ended <- err
			return
		}
		close(reading)
		_, err := r.Read()
		ended <- err
	}()
	c, _ := plain(t, "udp4", "127.0.0.1:0")
	if _, err := c.WriteToUDPAddrPort([]byte("x"), at); err != nil {
		t.Fatal(err)
	}
	<-reading
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, net.ErrClosed) {
			t.Fatal(err)
		}
	case <-time.After(patience):
		t.Fatal("the reader sleeps on")
	}
	if err := s.WriteTo([]byte("x"), at); !errors.Is(err, net.ErrClosed) {
		t.Errorf("writing to a closed socket: %v", err)
	}
	// The port is free again.
	again, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	w := NewWriter(4)
	w.Add(s.Dest(at), []byte("x"))
	w.Flush()
	if w.Stats().Failed != 1 {
		t.Errorf("%+v", w.Stats())
	}
}

func TestNothingIsAllocated(t *testing.T) {
	s, at := open(t, "udp4", "127.0.0.1:0")
	r, w := NewReader(s, 16, 2048, 0), NewWriter(16)
	to := s.Dest(at) // to itself
	p := make([]byte, 1200)
	if n := testing.AllocsPerRun(500, func() {
		for range 8 {
			w.Add(to, p)
		}
		w.Flush()
		for got := 0; got < 8; {
			n, err := r.Read()
			if err != nil {
				t.Fatal(err)
			}
			for i := range n {
				if b, _ := r.At(i); len(b) != len(p) {
					t.Fatalf("%d bytes", len(b))
				}
			}
			got += n
		}
	}); n != 0 {
		t.Errorf("%v allocations for 8 datagrams", n)
	}
}
