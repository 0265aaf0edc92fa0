package signaling

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	connections prometheus.Gauge
	members     prometheus.Gauge
	in, out     *prometheus.CounterVec // by type
	replaced    prometheus.Counter
	limited     *prometheus.CounterVec // by kind
	slow        prometheus.Counter
	keptDropped prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Namespace: "atrium", Subsystem: "signaling", Name: name, Help: help})
	}
	vec := func(name, help, label string) *prometheus.CounterVec {
		return f.NewCounterVec(prometheus.CounterOpts{Namespace: "atrium", Subsystem: "signaling", Name: name, Help: help}, []string{label})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return f.NewGauge(prometheus.GaugeOpts{Namespace: "atrium", Subsystem: "signaling", Name: name, Help: help})
	}
	return &metrics{
		connections: gauge("connections", "Open connections of clients."),
		members:     gauge("members", "Users in a world, those in their grace included."),
		in:          vec("messages_in_total", "Messages of clients.", "type"),
		out:         vec("messages_out_total", "Messages to clients.", "type"),
		replaced:    counter("presence_replaced_total", "Presence that newer presence replaced before it was sent."),
		limited:     vec("rate_limited_total", "Messages dropped over a rate limit.", "kind"),
		slow:        counter("slow_readers_total", "Connections closed because their queue was full."),
		keptDropped: counter("kept_dropped_total", "Messages to a member in its grace that were over the bound."),
	}
}
