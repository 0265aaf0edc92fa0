package batch

import (
	"bytes"
	"testing"

	"golang.org/x/sys/unix"
)

// A run whose message the kernel refuses leaves as datagrams, and the next run is tried again.
func TestRunThatIsRefused(t *testing.T) {
	s, _ := open(t, "udp4", "127.0.0.1:0")
	if !s.segments() {
		t.Fatal("no UDP_SEGMENT on a kernel that must have it")
	}
	// The kernel segments only what it also sums up: EINVAL (udp_send_skb).
	sums := func(off int) {
		if err := s.raw.Control(func(fd uintptr) {
			if err := unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_NO_CHECK, off); err != nil {
				t.Fatal(err)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	sums(1)
	c, at := plain(t, "udp4", "127.0.0.1:0")
	_ = c.SetReadBuffer(1 << 20)
	w, to := NewWriter(50), s.Dest(at)
	full := bytes.Repeat([]byte("x"), 1200)
	add := func() {
		w.Add(to, full)
		w.Add(to, full)
		w.Add(to, []byte("the last is smaller"))
	}
	add()
	w.Add(to, []byte("another run"))
	w.Flush()
	expect(t, c, string(full), string(full), "the last is smaller", "another run")
	if st := w.Stats(); st.Datagrams != 4 || st.Messages != 4 || st.Failed != 0 {
		t.Fatalf("%+v", st)
	}
	sums(0)
	add()
	w.Flush()
	expect(t, c, string(full), string(full), "the last is smaller")
	if st := w.Stats(); st.Datagrams != 7 || st.Messages != 5 {
		t.Fatalf("%+v", st)
	}
}

// What eight datagrams of media cost from the reader to the socket of their receiver, over loopback.
func BenchmarkWrite(b *testing.B) {
	for _, c := range []struct {
		name  string
		whole bool
	}{{"segments", false}, {"whole", true}} {
		b.Run(c.name, func(b *testing.B) {
			s, _ := open(b, "udp4", "127.0.0.1:0")
			if c.whole {
				s.whole.Store(true)
			}
			_, at := plain(b, "udp4", "127.0.0.1:0") // it drops what it has no room for
			w, to, p := NewWriter(8), s.Dest(at), make([]byte, 1200)
			for b.Loop() {
				for range 8 {
					w.Add(to, p)
				}
				w.Flush()
			}
		})
	}
}
