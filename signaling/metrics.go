package signaling

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"atrium/signaling/protocol"
)

type metrics struct {
	connections prometheus.Gauge
	members     prometheus.Gauge
	in, out     byType
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
		in:          newByType(vec("messages_in_total", "Messages of clients.", "type"), protocol.Client),
		out:         newByType(vec("messages_out_total", "Messages to clients.", "type"), protocol.Server),
		replaced:    counter("presence_replaced_total", "Presence that newer presence replaced before it was sent."),
		limited:     vec("rate_limited_total", "Messages dropped over a rate limit.", "kind"),
		slow:        counter("slow_readers_total", "Connections closed because their queue was full."),
		keptDropped: counter("kept_dropped_total", "Messages to a member in its grace that were over the bound."),
	}
}

// byType counts messages. The look-up in a vector costs as much as much else of a message, so it is done at the start.
type byType map[string]prometheus.Counter

func newByType(vec *prometheus.CounterVec, from protocol.Sender) byType {
	found := byType{unknownType: vec.WithLabelValues(unknownType), unreadType: vec.WithLabelValues(unreadType)}
	for _, m := range protocol.Messages() {
		if m.Link == protocol.ZoneLink && m.From == from {
			found[m.Type] = vec.WithLabelValues(m.Type)
		}
	}
	return found
}

// What is counted that has no type of the protocol.
const (
	unknownType = "unknown"
	unreadType  = "unread" // dropped before it was parsed
)

func (b byType) of(typ string) prometheus.Counter {
	if c, ok := b[typ]; ok {
		return c
	}
	return b[unknownType]
}
