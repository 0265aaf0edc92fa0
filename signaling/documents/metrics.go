package documents

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	connections prometheus.Gauge
	documents   prometheus.Gauge
	in, out     *prometheus.CounterVec // by tag
	presence    prometheus.Counter
	replaced    prometheus.Counter
	refused     *prometheus.CounterVec // by error code
	stored      prometheus.Counter
	slow        prometheus.Counter
	paused      prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Namespace: "atrium", Subsystem: "documents", Name: name, Help: help})
	}
	vec := func(name, help, label string) *prometheus.CounterVec {
		return f.NewCounterVec(prometheus.CounterOpts{Namespace: "atrium", Subsystem: "documents", Name: name, Help: help}, []string{label})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return f.NewGauge(prometheus.GaugeOpts{Namespace: "atrium", Subsystem: "documents", Name: name, Help: help})
	}
	return &metrics{
		connections: gauge("connections", "Open connections of clients."),
		documents:   gauge("live", "Documents that somebody here is in."),
		in:          vec("messages_in_total", "Messages of clients.", "tag"),
		out:         vec("messages_out_total", "Messages to clients, presence aside.", "tag"),
		presence:    counter("presence_out_total", "Presence that was handed to connections."),
		replaced:    counter("presence_replaced_total", "Presence that newer presence replaced before it was sent."),
		refused:     vec("refused_total", "Messages of clients that were refused.", "code"),
		stored:      counter("notes_stored_total", "Annotations and comments that were stored."),
		slow:        counter("slow_readers_total", "Connections closed because their queue was full."),
		paused:      counter("paused_total", "Messages that were read later because their connection was over its limit."),
	}
}
