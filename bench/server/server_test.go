package server

import (
	"context"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"atrium/configs"
)

func TestMain(m *testing.M) {
	Main()
	goleak.VerifyTestMain(m)
}

func start(t *testing.T, adjust func(*configs.Config)) (*Node, error) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return Start(ctx, adjust)
}

func get(t *testing.T, url string) int {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	return r.StatusCode
}

// TestNodeOfItsOwn: a node serves, what it uses is another process's, and it ends in order.
func TestNodeOfItsOwn(t *testing.T) {
	n, err := start(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n.PID == os.Getpid() {
		t.Fatal("the node is this process")
	}
	if code := get(t, n.Addrs.HTTP+"/api/worlds"); code != http.StatusUnauthorized {
		t.Errorf("status %d without a token", code)
	}
	before, err := n.Usage()
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for { // its processor time grows with what it does
		for range 50 {
			get(t, n.Addrs.HTTP+"/api/worlds")
		}
		now, err := n.Usage()
		if err != nil {
			t.Fatal(err)
		}
		if now.Since(before).CPU() > 0 && now.RSS > 1<<20 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("usage stays at %+v", now)
		}
	}
	m, err := n.Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if m["go_goroutines"] < 1 || m.Sum("atrium_sfu_dropped_packets_total") != 0 {
		t.Errorf("metrics: %d goroutines, %v packets dropped", int(m["go_goroutines"]), m.Sum("atrium_sfu_dropped_packets_total"))
	}
	http.DefaultClient.CloseIdleConnections()
	if err := n.Stop(); err != nil {
		t.Error(err)
	}
	if err := syscall.Kill(n.PID, 0); err == nil {
		t.Error("the process is still there")
	}
	if _, err := os.Stat(n.dir); !os.IsNotExist(err) {
		t.Errorf("its data directory is still there (%v)", err)
	}
}

func TestMetricsSum(t *testing.T) {
	m := Metrics{`dropped{reason="a b"}`: 2, `dropped{reason="c"}`: 3, "dropped_bytes": 7, "sessions": 1}
	if m.Sum("dropped") != 5 || m.Sum("sessions") != 1 || m.Sum("none") != 0 {
		t.Errorf("%v, %v, %v", m.Sum("dropped"), m.Sum("sessions"), m.Sum("none"))
	}
}

func TestNodeThatCannotStart(t *testing.T) {
	_, err := start(t, func(c *configs.Config) { c.Worlds.Dir = "/nonexistent" })
	if err == nil || !strings.Contains(err.Error(), "/nonexistent") {
		t.Errorf("the error does not say why: %v", err)
	}
}

func TestUsageOfNobody(t *testing.T) {
	if _, err := UsageOf(1 << 30); err == nil {
		t.Error("no error")
	}
}
