package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"atrium/configs"
	"atrium/topology"
	"atrium/webclient"
)

// Node is a running Atrium.
type Node struct {
	// Addrs says where it listens.
	Addrs Addrs

	// Static after construction.
	cfg     *configs.Config
	logger  *slog.Logger
	parts   *parts
	servers []*http.Server
	running sync.WaitGroup // what serves the listeners
	failed  chan error     // the first listener that ended by itself

	draining atomic.Bool
	stopOnce sync.Once
	stopErr  error
}

// HTTP's own bounds. Links are upgraded and live by their heartbeat; a request that is none is short.
const (
	headerWithin  = 10 * time.Second
	requestWithin = 30 * time.Second
	idleWithin    = 2 * time.Minute
	headerBytes   = 32 << 10
)

// Start opens every listener and runs the node until Shutdown; ctx bounds the start alone. What the
// configuration causes is a *ConfigError with every problem at once.
func Start(ctx context.Context, cfg *configs.Config, logger *slog.Logger) (*Node, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	worlds, worldsErr := Worlds(cfg)
	secrets, secretsErr := cfg.Secrets()
	l, listenErr := listen(cfg)
	if err := configError(worldsErr, secretsErr, listenErr); err != nil {
		if l != nil {
			l.close()
		}
		return nil, err
	}
	page, err := newWeb(webclient.FS())
	if err != nil {
		l.close()
		return nil, describe(err)
	}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	n := &Node{Addrs: l.addrs(cfg), cfg: cfg, logger: logger, failed: make(chan error, 1)}
	if n.parts, err = wire(cfg, worlds, secrets, l, n.Addrs, logger, metrics); err != nil {
		l.close()
		return nil, describe(err)
	}
	mux := http.NewServeMux()
	zone := n.parts.members.Handler()
	mux.Handle("/signal", zone)
	mux.Handle("/api/", zone)
	mux.Handle("/sfu", n.parts.sfu.Link())
	if d := n.parts.papers.server; d != nil {
		mux.Handle("/documents", d)
	}
	mux.Handle("/", page)
	n.serve(l.http, &http.Server{
		Handler: secure(cfg, mux), TLSConfig: l.cert,
		ReadHeaderTimeout: headerWithin, ReadTimeout: requestWithin, WriteTimeout: requestWithin, IdleTimeout: idleWithin,
	})
	if l.admin != nil {
		// A profile takes as long as it is asked to.
		n.serve(l.admin, &http.Server{Handler: n.admin(metrics), ReadHeaderTimeout: headerWithin, IdleTimeout: idleWithin})
	}
	return n, nil
}

// serve runs a server on a listener until Shutdown.
func (n *Node) serve(l net.Listener, s *http.Server) {
	s.MaxHeaderBytes = headerBytes
	// What a stranger's connection does wrong is not an operator's error.
	s.ErrorLog = slog.NewLogLogger(n.logger.With("part", "http").Handler(), slog.LevelDebug)
	n.servers = append(n.servers, s)
	n.running.Go(func() {
		err := error(nil)
		if s.TLSConfig != nil {
			err = s.ServeTLS(l, "", "")
		} else {
			err = s.Serve(l)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			select {
			case n.failed <- fmt.Errorf("the listener on %s ended: %w", l.Addr(), err):
			default:
			}
		}
	})
}

// ReloadWorlds reads the worlds' maps again. A *ConfigError holds everything that is wrong with them; then all worlds
// stay as they are.
func (n *Node) ReloadWorlds() error {
	worlds, err := Worlds(n.cfg)
	if err := configError(err); err != nil {
		return err
	}
	n.parts.members.Reload(worlds)
	n.parts.papers.recheck() // a document may have become a world's
	return nil
}

// Failed tells of a listener that ended by itself: the node is of no use then.
func (n *Node) Failed() <-chan error { return n.failed }

// Shutdown takes nobody in any more, tells everyone (close 1001), ends the media, and waits until nothing
// is left of the node, or for ctx. It may be called more than once; all calls end the same way.
func (n *Node) Shutdown(ctx context.Context) error {
	n.stopOnce.Do(func() { n.stopErr = n.shutdown(ctx) })
	return n.stopErr
}

func (n *Node) shutdown(ctx context.Context) error {
	n.draining.Store(true)
	web := n.servers[0]
	// It closes the listener at once and then waits for requests under way, which links are none of.
	httpDone := make(chan error, 1)
	go func() { httpDone <- web.Shutdown(ctx) }()

	var errs []error
	note := func(part string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", part, err))
		}
	}
	// All say goodbye and wait for the answers: at the same time, for a client that gives none.
	sfuDone := make(chan error, 1)
	go func() { sfuDone <- n.parts.sfu.Shutdown(ctx) }()
	documentsDone := make(chan error, 1)
	go func() { documentsDone <- n.parts.papers.shutdown(ctx) }()
	note("signaling", n.parts.members.Shutdown(ctx))
	note("sfu", <-sfuDone)
	note("documents", <-documentsDone)
	if n.parts.turn != nil {
		note("turn", n.parts.turn.Close())
	}
	n.parts.controller.Close()
	note("http", <-httpDone)
	for _, s := range n.servers { // health was told until now
		_ = s.Close() // its listener may be closed already
	}
	n.running.Wait()
	return errors.Join(errs...)
}

// Sessions counts the SFU sessions that are open.
func (n *Node) Sessions() int { return n.parts.sfu.Sessions() }

// Allocations counts the relay's live allocations.
func (n *Node) Allocations() int {
	if n.parts.turn == nil {
		return 0
	}
	return n.parts.turn.Allocations()
}

// Zone tells what the controller knows of a zone, for tests and benchmarks.
func (n *Node) Zone(id uuid.UUID) topology.Snapshot { return n.parts.controller.Snapshot(id) }
