package topology

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts zones and changes. It is used with the controller's lock held.
type metrics struct {
	zones   *prometheus.GaugeVec
	members prometheus.Gauge
	changes *prometheus.CounterVec
	took    *prometheus.HistogramVec
}

func newMetrics(r prometheus.Registerer, logger *slog.Logger) *metrics {
	m := &metrics{
		zones: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "atrium_topology_zones",
			Help: "Zones with members, by the topology in force.",
		}, []string{"topology"}),
		members: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "atrium_topology_members",
			Help: "Live members of all zones, those in grace included.",
		}),
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "atrium_topology_changes_total",
			Help: "Changes of topology, by reason and outcome.",
		}, []string{"reason", "outcome"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "atrium_topology_change_seconds",
			Help:    "From what triggered a change to its commit.",
			Buckets: []float64{.05, .1, .2, .3, .5, 1, 2, 3, 5, 10},
		}, []string{"reason"}),
	}
	for _, media := range []Media{P2PDirect, P2PTurn, SFU} {
		m.zones.WithLabelValues(media.String())
	}
	if r != nil {
		for _, c := range m.all() {
			if err := r.Register(c); err != nil {
				logger.Warn("topology metrics are not kept", "error", err)
			}
		}
	}
	return m
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.zones, m.members, m.changes, m.took}
}

func (m *metrics) unregister(r prometheus.Registerer) {
	if r == nil {
		return
	}
	for _, c := range m.all() {
		r.Unregister(c)
	}
}

// standing is what a zone adds to the gauges.
type standing struct {
	media Media
	live  int
}

func (m *metrics) of(z *zone) standing { return standing{z.force.media, len(z.members)} }

func (m *metrics) moved(from, to standing) {
	if from == to {
		return
	}
	if from.live > 0 {
		m.zones.WithLabelValues(from.media.String()).Dec()
	}
	if to.live > 0 {
		m.zones.WithLabelValues(to.media.String()).Inc()
	}
	m.members.Add(float64(to.live - from.live))
}

func (m *metrics) noted(n noted) {
	switch n.stage {
	case committed:
		m.took.WithLabelValues(string(n.reason)).Observe(n.took.Seconds())
		fallthrough
	case rolledBack, cancelled:
		m.changes.WithLabelValues(string(n.reason), string(n.stage)).Inc()
	}
}
