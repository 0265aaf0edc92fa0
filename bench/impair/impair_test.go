package impair

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestUDPDelaysAndLoses(t *testing.T) {
	const packets, delay = 2000, 20 * time.Millisecond
	var dropped atomic.Int64
	n, err := New(Options{
		Out: Link{Delay: delay, Loss: 0.05}, Seed: 7,
		Dropped: func(d Drop) {
			if d.Full {
				t.Error("a queue was full")
			}
			dropped.Add(1)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	far, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	near, err := n.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	sent := make(chan time.Time, packets)
	go func() {
		tick := time.NewTicker(100 * time.Microsecond)
		defer tick.Stop()
		for range packets {
			<-tick.C
			sent <- time.Now()
			if _, err := near.WriteTo([]byte("x"), far.LocalAddr()); err != nil {
				t.Error(err)
			}
		}
		near.Close() // what was written before still goes out
	}()
	first := <-sent
	buf := make([]byte, 10)
	got := 0
	for int64(got)+dropped.Load() < packets {
		if err := far.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := far.ReadFrom(buf); err != nil {
			t.Fatalf("after %d packets and %d lost: %v", got, dropped.Load(), err)
		}
		if got == 0 && time.Since(first) < delay {
			t.Errorf("the first packet came after %v", time.Since(first))
		}
		got++
	}
	if share := float64(dropped.Load()) / packets; share < 0.02 || share > 0.09 {
		t.Errorf("lost %.3f of the packets, not about 0.05", share)
	}
}

func TestUDPGoesNoFasterThanTheLink(t *testing.T) {
	const packets, size, rate = 50, 972, 800_000 // 10 ms each
	n, err := New(Options{In: Link{Rate: rate, Queue: 305 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	near, err := n.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := net.Dial("udp4", near.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	start := time.Now()
	for range packets { // at once: those that would wait for more than 305 ms do not get in
		if _, err := far.Write(make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
	got := 0
	buf := make([]byte, 2*size)
	for {
		if err := near.SetReadDeadline(time.Now().Add(500 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := near.ReadFrom(buf); err != nil {
			break
		}
		got++
		if d := time.Since(start); d < time.Duration(got)*10*time.Millisecond-time.Millisecond {
			t.Fatalf("packet %d came after %v", got, d)
		}
	}
	offered, dropped := n.Passed(In)
	if got < 31 || got >= packets || offered != packets*1000 || dropped != int64(packets-got)*1000 {
		t.Errorf("%d of %d came; %d bytes were offered, %d dropped", got, packets, offered, dropped)
	}
}

func TestUDPReadDeadlineAndClose(t *testing.T) {
	n, err := New(Options{In: Link{Delay: time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := n.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.ReadFrom(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read past its deadline: %v", err)
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { _, _, err := c.ReadFrom(make([]byte, 1)); ended <- err }()
	c.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("read of a closed socket: %v", err)
	}
}

func TestTCPStaysAStream(t *testing.T) {
	n, err := New(Options{Out: Link{Delay: 2 * time.Millisecond, Loss: 0.1}, In: Link{Delay: 2 * time.Millisecond, Loss: 0.1}, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // an echo that closes when the other side does
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.Copy(c, c)
	}()
	c, err := n.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	for i := range 300 {
		chunk := bytes.Repeat([]byte{byte(i)}, i)
		want.Write(chunk)
		if _, err := c.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]byte, want.Len())
	if _, err := io.ReadFull(c, got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("the bytes came back otherwise than they went")
	}
	c.Close()
}
