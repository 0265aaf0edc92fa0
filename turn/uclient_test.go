package turn_test

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"atrium/bench/skip"
)

// coturn's client sends from one relayed address to another and back; it makes the credentials itself, from the
// secret. It is an outside implementation of both roles.
func TestTurnutilsUclient(t *testing.T) {
	bin, err := exec.LookPath("turnutils_uclient")
	if err != nil {
		skip.Say("turnutils_uclient (Debian's coturn) is not installed")
		return
	}
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			h := open(t)
			zone, user := uuid.New(), uuid.New()
			h.join(zone, user)
			args := []string{"-y", "-c", "-W", string(h.secret), "-u", fmt.Sprintf("%s:%s:1", user, zone), "-m", "2", "-n", "50", "-p"}
			if transport == "tcp" {
				args = append(args, strconv.Itoa(h.tcp.Port), "-t")
			} else {
				args = append(args, strconv.Itoa(h.udp.Port))
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			out, err := exec.CommandContext(ctx, bin, append(args, "127.0.0.1")...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			totals := regexp.MustCompile(`tot_send_msgs=(\d+), tot_recv_msgs=(\d+)`).FindAllStringSubmatch(string(out), -1)
			if len(totals) == 0 {
				t.Fatalf("no totals in\n%s", out)
			}
			last := totals[len(totals)-1]
			if last[1] != "100" || last[2] != "100" {
				t.Fatalf("sent %s, received %s of 100\n%s", last[1], last[2], out)
			}
		})
	}
}
