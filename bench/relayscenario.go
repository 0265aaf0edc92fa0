package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"atrium/bench/measure"
	"atrium/bench/relay"
	"atrium/bench/report"
	"atrium/bench/server"
	"atrium/bench/visitor"
	"atrium/configs"
)

// relayTarget is the most that a packet may cost, over what it costs coturn.
const relayTarget = 0.6

// relayServer is a TURN server in a process of its own.
type relayServer struct {
	relay.Target
	pid  int
	stop func() error
}

// relayCase is one kind of load; its figures are summed over rounds, by server.
type relayCase struct {
	relay.Load
	figures []relayFigures
}

type relayFigures struct {
	relay.Figures
	cpu server.Usage
}

// perPacket is the processor time per packet that was passed on, in microseconds.
func (f *relayFigures) perPacket() float64 {
	if f.Got == 0 {
		return math.NaN()
	}
	return float64(f.cpu.CPU().Microseconds()) / float64(f.Got)
}

func runRelay(ctx context.Context, o relayOptions, progress io.Writer) (*report.Result, error) {
	servers, cases, memory, err := measureRelay(ctx, o, progress)
	if err != nil {
		return nil, err
	}
	return relayReport(o, servers, cases, memory), nil
}

// measureRelay gives the servers, which have ended, with what became of each case, and what an allocation takes.
func measureRelay(ctx context.Context, o relayOptions, progress io.Writer) (servers []*relayServer, cases []*relayCase, memory []int64, err error) {
	dir, err := os.MkdirTemp("", "atrium-relay-")
	if err != nil {
		return nil, nil, nil, fmt.Errorf("bench: %w", err)
	}
	defer os.RemoveAll(dir)
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := relay.Certificate(cert, key); err != nil {
		return nil, nil, nil, err
	}
	defer func() {
		for _, s := range servers {
			err = errors.Join(err, s.stop())
		}
	}()
	own, err := ownRelay(ctx, o, cert, key)
	if err != nil {
		return nil, nil, nil, err
	}
	servers = append(servers, own)
	if o.Coturn {
		c, err := relay.StartCoturn(ctx, cert, key)
		if err != nil {
			return nil, nil, nil, err
		}
		servers = append(servers, &relayServer{Target: c.Target, pid: c.PID, stop: c.Stop})
	}
	memory = make([]int64, len(servers))
	if o.Allocations > 0 {
		for i, s := range servers {
			if memory[i], err = s.memory(ctx, o.Allocations); err != nil {
				return nil, nil, nil, err
			}
		}
	}
	for _, t := range o.Transports {
		for _, size := range o.Sizes {
			for _, p := range o.Pacings {
				for _, rate := range o.Rates {
					cases = append(cases, &relayCase{
						Load:    relay.Load{Transport: t, Pairs: o.Pairs, Rate: rate, Size: size, Pacing: p, For: o.For},
						figures: make([]relayFigures, len(servers)),
					})
				}
			}
		}
	}
	for i, c := range cases {
		for range o.Rounds {
			for k, s := range servers {
				fmt.Fprintf(progress, "%d of %d: %s, %s, %d bytes, %s, %d a second\n", i+1, len(cases), s.Name, c.Transport, c.Size, c.Pacing, c.Rate)
				if err := s.measure(ctx, c.Load, &c.figures[k]); err != nil {
					return nil, nil, nil, err
				}
			}
		}
	}
	return servers, cases, memory, nil
}

// ownRelay is a node, with two members of a zone that uses the relay.
func ownRelay(ctx context.Context, o relayOptions, cert, key string) (*relayServer, error) {
	n, err := server.Start(ctx, func(c *configs.Config) {
		c.Auth.Secret = benchSecret
		c.Server.TLS = configs.TLS{Cert: configs.Path(cert), Key: configs.Path(key)}
		c.TURN.TLS = "127.0.0.1:0"
		// Two people stand for many: the quota of a pair is theirs.
		c.TURN.AllocationsPerPair = o.Pairs + o.Allocations + 1
	})
	if err != nil {
		return nil, err
	}
	office, err := visitor.Look(ctx, n.Addrs.HTTP, []byte(benchSecret))
	if err != nil {
		return nil, errors.Join(err, n.Stop())
	}
	credentials, leave, err := relay.Members(ctx, office)
	if err != nil {
		return nil, errors.Join(err, n.Stop())
	}
	return &relayServer{
		Target: relay.Target{
			Name: "Atrium",
			Server: map[relay.Transport]string{
				relay.UDP: n.Addrs.TURNUDP.String(), relay.TCP: n.Addrs.TURNTCP.String(), relay.TLS: n.Addrs.TURNTLS.String(),
			},
			Credentials: credentials,
		},
		pid: n.PID,
		stop: func() error {
			leave()
			return n.Stop()
		},
	}, nil
}

// measure adds a run to the figures.
func (s *relayServer) measure(ctx context.Context, l relay.Load, into *relayFigures) (err error) {
	session, err := relay.Open(ctx, s.Target, l)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	before, err := server.UsageOf(s.pid)
	if err != nil {
		return err
	}
	f, err := session.Run(ctx)
	if err != nil {
		return err
	}
	after, err := server.UsageOf(s.pid)
	if err != nil {
		return err
	}
	used := after.Since(before)
	into.Sent, into.Got = into.Sent+f.Sent, into.Got+f.Got
	into.Latency = append(into.Latency, f.Latency...)
	into.cpu = into.cpu.Plus(used)
	return nil
}

// memory is what an allocation takes, with its channel.
func (s *relayServer) memory(ctx context.Context, allocations int) (int64, error) {
	before, err := server.UsageOf(s.pid)
	if err != nil {
		return 0, err
	}
	session, err := relay.Open(ctx, s.Target, relay.Load{Transport: relay.UDP, Pairs: (allocations + 1) / 2, Size: 160})
	if err != nil {
		return 0, err
	}
	after, err := server.UsageOf(s.pid)
	return (after.RSS - before.RSS) / int64(allocations), errors.Join(err, session.Close())
}

func relayReport(o relayOptions, servers []*relayServer, cases []*relayCase, memory []int64) *report.Result {
	r := report.New("relay", "Client to client through the TURN server")
	r.Param("pairs of clients", o.Pairs)
	r.Param("each measurement", fmt.Sprintf("%d x %v, the servers in turn", o.Rounds, o.For))
	if o.Allocations > 0 {
		t := report.Table{Title: "Memory", Columns: []string{"server", "KB per allocation"}}
		for i, s := range servers {
			t.Rows = append(t.Rows, []string{s.Name, strconv.FormatFloat(float64(memory[i])/1024, 'f', 1, 64)})
		}
		r.Tables = append(r.Tables, t)
	}
	table := report.Table{Title: "What a packet costs the server's process, in µs of processor time, and how late it is", Columns: []string{
		"load", "server", "µs per packet", "user", "system", "of coturn's", "delivered", "p50 ms", "p99 ms",
	}}
	for _, c := range cases {
		name := fmt.Sprintf("%s, %s bytes, %s, %s/s", strings.ToUpper(string(c.Transport)), report.Grouped(float64(c.Size)), c.Pacing, report.Grouped(float64(c.Rate)))
		for i, s := range servers {
			f := &c.figures[i]
			at := func(p float64) string { return strconv.FormatFloat(ms(measure.Percentile(f.Latency, p)), 'f', 3, 64) }
			us := func(d time.Duration) string {
				return strconv.FormatFloat(float64(d.Microseconds())/float64(f.Got), 'f', 1, 64)
			}
			row := []string{name, s.Name, strconv.FormatFloat(f.perPacket(), 'f', 2, 64), us(f.cpu.User), us(f.cpu.System),
				"", of(f.Got, f.Sent), at(50), at(99)}
			if i == 0 && len(servers) > 1 {
				row[5] = strconv.FormatFloat(f.perPacket()/c.figures[1].perPacket(), 'f', 2, 64)
			}
			table.Rows = append(table.Rows, row)
		}
		// Who sends without waiting over TCP may find a full queue, which drops: over UDP alone nothing may be missing.
		first := c.Rate == o.Rates[0]
		if c.Transport == relay.UDP {
			f := &c.figures[0]
			r.Targets = append(r.Targets, report.Target{
				Name: name + ": delivered", Want: "all", Got: of(f.Got, f.Sent), Pass: f.Got == f.Sent, Shown: !first,
			})
		}
		if len(servers) > 1 {
			ratio := c.figures[0].perPacket() / c.figures[1].perPacket()
			r.Targets = append(r.Targets, report.Target{
				Name: name + ": CPU of coturn's", Want: fmt.Sprintf("at most %.1f", relayTarget), Got: strconv.FormatFloat(ratio, 'f', 2, 64),
				Pass: ratio <= relayTarget, Shown: !first || c.Transport != relay.UDP,
			})
			own, other := c.figures[0].Latency, c.figures[1].Latency
			for _, p := range []float64{50, 99} { // the tail is the machine's as much as the servers'
				is, was := measure.Percentile(own, p), measure.Percentile(other, p)
				r.Targets = append(r.Targets, report.Target{
					Name: fmt.Sprintf("%s: p%.0f latency, ms", name, p), Want: "at most coturn's " + digits(ms(was), 2), Got: digits(ms(is), 2),
					Pass: is <= was, Shown: !first || c.Transport != relay.UDP || p > 50,
				})
			}
		}
	}
	r.Tables = append(r.Tables, table)
	if len(o.Rates) > 1 {
		r.Plots = relayPlots(servers, cases)
	}
	r.Headline = relayHeadline(servers, cases)
	r.Note("CPU is user and system time of the server's process, per packet delivered: lower is better; a packet from client to client is one, however many hops it takes inside.")
	r.Note("UDP latency ends when the kernel has the datagram for the receiver; TCP and TLS latency when the receiving client has read it.")
	return r
}

// relayHeadline is the first case, of all servers.
func relayHeadline(servers []*relayServer, cases []*relayCase) string {
	if len(cases) == 0 {
		return ""
	}
	var list []string
	for i, s := range servers {
		f := &cases[0].figures[i]
		list = append(list, fmt.Sprintf("%s %s µs of processor time per packet, p99 %s ms", s.Name, digits(f.perPacket(), 1), digits(ms(measure.Percentile(f.Latency, 99)), 1)))
	}
	return strings.Join(list, "; ") + fmt.Sprintf(" (%s, %d bytes, %s a second)", strings.ToUpper(string(cases[0].Transport)), cases[0].Size, report.Grouped(float64(cases[0].Rate)))
}

// relayPlots show the cost over the rate, one plot for each transport.
func relayPlots(servers []*relayServer, cases []*relayCase) []report.Plot {
	var plots []report.Plot
	lines := make(map[string]*report.Series)
	var order []string
	at := make(map[string]int)
	for _, c := range cases {
		for i, s := range servers {
			name := fmt.Sprintf("%s, %d bytes, %s", s.Name, c.Size, c.Pacing)
			id := string(c.Transport) + name
			if lines[id] == nil {
				lines[id] = &report.Series{Name: name}
				order = append(order, id)
				at[id] = plotOf(&plots, string(c.Transport))
			}
			lines[id].X = append(lines[id].X, float64(c.Rate))
			lines[id].Y = append(lines[id].Y, c.figures[i].perPacket())
		}
	}
	for _, id := range order {
		p := &plots[at[id]]
		p.Series = append(p.Series, *lines[id])
	}
	return plots
}

func plotOf(plots *[]report.Plot, transport string) int {
	title := "Cost of a packet over " + transport
	for i := range *plots {
		if (*plots)[i].Title == title {
			return i
		}
	}
	*plots = append(*plots, report.Plot{Title: title, X: "packets a second", Y: "CPU µs per packet"})
	return len(*plots) - 1
}
