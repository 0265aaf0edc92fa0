package topology

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

// TestMain asks rapid for thousands of sequences where the command line does not say otherwise.
func TestMain(m *testing.M) {
	flag.Parse()
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, value := range map[string]string{"rapid.checks": "1000", "rapid.nofailfile": "true"} {
		if !given[name] {
			if err := flag.Set(name, value); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(2)
			}
		}
	}
	goleak.VerifyTestMain(m)
}

// action is one drawn step of a sequence. What does not apply (a member who is not there leaves) does nothing, so
// that any part of a sequence is a sequence: that is what shrinking needs.
type action struct {
	what    string
	user    int
	other   int // another user, a zone, an old credential
	feature bool
	wait    time.Duration
}

func (a action) String() string {
	switch a.what {
	case "join", "renew", "resume":
		without := ""
		if !a.feature {
			without = " without topology_changed"
		}
		return fmt.Sprintf("%s u%d z%d%s", a.what, a.user, a.other, without)
	case "ice failed":
		return fmt.Sprintf("ice failed u%d to member %d of its zone", a.user, a.other)
	case "pass":
		return "pass " + a.wait.String()
	case "show old token", "late up", "late down":
		return fmt.Sprintf("%s %d of u%d", a.what, a.other, a.user)
	}
	return fmt.Sprintf("%s u%d", a.what, a.user)
}

const users = 8

var kinds = []string{
	"join", "join", "join", "join", "connect", "connect", "connect", "connect", "pass", "pass", "pass", "pass",
	"leave", "lose", "renew", "resume", "connect muted", "connect muted", "ice failed", "ice failed", "show token", "up", "flowing", "down", "report",
	"disconnect", "disconnect", "error", "errors", "show old token",
	"late up", "late down", "everyone connects", "everyone disconnects", "everyone reports",
}

var waits = []time.Duration{
	50 * time.Millisecond, 50 * time.Millisecond, time.Second, time.Second, 2 * time.Second, 2 * time.Second,
	4 * time.Second, 4 * time.Second, 10 * time.Second, 10 * time.Second, 31 * time.Second, 5 * time.Minute,
}

func drawAction(t *rapid.T) action {
	return action{
		what:    rapid.SampledFrom(kinds).Draw(t, "what"),
		user:    rapid.IntRange(0, users-1).Draw(t, "user"),
		other:   rapid.IntRange(0, users-1).Draw(t, "other"),
		feature: rapid.IntRange(0, 24).Draw(t, "old client at 24") != 24,
		wait:    rapid.SampledFrom(waits).Draw(t, "wait"),
	}
}

func policies() []Policy {
	s := time.Second
	return []Policy{
		{PromoteAt: 3, DemoteAt: 2, DemoteAfter: 4 * s, Dwell: 4 * s, Deadline: 10 * s, Cooldown: 30 * s},
		DefaultPolicy(),
		{PromoteAt: 4, DemoteAt: 1, DemoteAfter: 10 * s, Dwell: 20 * s, Deadline: 4 * s, Cooldown: 8 * s},
		{PromoteAt: 2, DemoteAt: 1, DemoteAfter: 0, Dwell: 2 * s, Deadline: 10 * s, Cooldown: 1 * s},
		{PromoteAt: 3, DemoteAt: 1, DemoteAfter: 2 * s, Dwell: 0, Deadline: 5 * s, Cooldown: 0},
	}
}

func drawGround(t *rapid.T) ground {
	return ground{
		policy: rapid.SampledFrom(policies()).Draw(t, "policy").normal(),
		relay:  rapid.SampledFrom([]bool{true, true, false}).Draw(t, "relay"),
	}
}

// play performs an action.
func (tr *trial) play(a action) {
	id := userID(a.user)
	z, in := tr.where[a.user]
	switch a.what {
	case "join":
		to := a.other % len(tr.zones)
		if in && z == to {
			return
		}
		if in {
			tr.do(z, left{id})
		}
		tr.where[a.user] = to
		tr.do(to, joined{Member{id, a.feature}})
	case "pass":
		tr.pass(a.wait)
	case "show old token":
		tr.showOld(a)
	case "late up", "late down":
		tr.late(a)
	}
	if !in {
		tr.settleClients()
		return
	}
	switch a.what {
	case "leave":
		delete(tr.where, a.user)
		tr.do(z, left{id})
	case "lose":
		tr.do(z, lost{id})
	case "renew":
		if m := tr.models[z].peer(id); m != nil && m.grace {
			tr.do(z, renewed{Member{id, a.feature}})
		}
	case "resume":
		tr.do(z, resumed{Member{id, a.feature}})
	case "ice failed":
		there := tr.models[z].live
		tr.do(z, iceFailed{id, there[a.other%len(there)].ID})
	case "connect":
		tr.lastToken(z, a.user, func(e Epoch) { tr.connect(z, id, e) })
	case "connect muted":
		tr.lastToken(z, a.user, func(e Epoch) {
			if s, ok := tr.show(z, id, e); ok {
				tr.do(z, sessionUp{s})
				tr.do(z, sfuConnected{id})
			}
		})
	case "show token":
		tr.lastToken(z, a.user, func(e Epoch) { tr.show(z, id, e) })
	case "everyone connects":
		for u := range users {
			if tr.in(u, z) {
				tr.lastToken(z, u, func(e Epoch) { tr.connect(z, userID(u), e) })
			}
		}
	case "everyone reports":
		for u := range users {
			if tr.in(u, z) {
				tr.do(z, sfuConnected{userID(u)})
			}
		}
	case "everyone disconnects":
		for u := range users {
			if tr.in(u, z) {
				tr.do(z, sfuDisconnected{userID(u), false})
			}
		}
	case "disconnect":
		tr.do(z, sfuDisconnected{id, false})
	case "error":
		tr.do(z, sfuDisconnected{id, true})
	case "errors":
		for range brokenAfter {
			tr.do(z, sfuDisconnected{id, true})
		}
	case "report":
		tr.do(z, sfuConnected{id})
	default:
		tr.playSession(z, a)
	}
	tr.settleClients()
}

func (tr *trial) in(u, z int) bool { at, ok := tr.where[u]; return ok && at == z }

func (tr *trial) playSession(z int, a action) {
	key := keyOfSession(z, userID(a.user))
	s, ok := tr.sessions[key]
	if !ok {
		return
	}
	switch a.what {
	case "up":
		tr.do(z, sessionUp{s})
	case "flowing":
		tr.do(z, sessionFlowing{s})
	case "down":
		delete(tr.sessions, key)
		tr.do(z, sessionDown{s})
	}
}

func (tr *trial) lastToken(z, user int, use func(Epoch)) {
	for i := len(tr.minted) - 1; i >= 0; i-- {
		if c := tr.minted[i]; !c.turn && c.zone == z && c.user == userID(user) {
			use(c.epoch)
			return
		}
	}
}

// showOld goes all the way with a token that may be of any age.
func (tr *trial) showOld(a action) {
	for i, skip := 0, a.other; i < len(tr.minted); i++ {
		if c := tr.minted[i]; !c.turn && c.user == userID(a.user) {
			if skip--; skip < 0 {
				tr.connect(c.zone, c.user, c.epoch)
				return
			}
		}
	}
}

// late lets the SFU speak of a session of any age.
func (tr *trial) late(a action) {
	var mine []Session
	for _, s := range tr.everAdmitted {
		if s.User == userID(a.user) {
			mine = append(mine, s)
		}
	}
	if len(mine) == 0 {
		return
	}
	s := mine[a.other%len(mine)]
	z := int(s.Zone[15])
	if a.what == "late up" {
		tr.do(z, sessionUp{s})
		tr.do(z, sfuConnected{s.User})
		return
	}
	if tr.sessions[keyOfSession(z, s.User)].ID == s.ID {
		delete(tr.sessions, keyOfSession(z, s.User))
	}
	tr.do(z, sessionDown{s})
}

// check plays generated sequences under an invariant; end is called after each.
func check(t *testing.T, inv invariant, end func(tr *trial)) {
	t.Helper()
	rapid.Check(t, func(t *rapid.T) {
		grounds := rapid.SliceOfN(rapid.Custom(drawGround), 2, 3).Draw(t, "zones")
		tr := newTrial(t.Fatalf, grounds, inv)
		// Several short lists rather than a long one: rapid draws lists of about ten, and shrinks each on its own.
		for act := range 8 {
			for _, a := range rapid.SliceOfN(rapid.Custom(drawAction), 0, 40).Draw(t, fmt.Sprintf("act %d", act)) {
				tr.play(a)
			}
		}
		if end != nil {
			end(tr)
		}
	})
}
