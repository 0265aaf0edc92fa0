package turn

import "github.com/prometheus/client_golang/prometheus"

// The reasons for which a packet is dropped.
type drop int

const (
	dropSource      drop = iota // the sender's port is not bound, or has ended
	dropDestination             // neither a live relayed name nor the SFU
	dropZone                    // a relayed name of another zone
	dropSize                    // larger than a relayed packet may be
	dropQueue                   // the receiver's queue is full
	dropStream                  // the receiver's TCP connection does not keep up
	drops
)

var dropNames = [drops]string{"source", "destination", "zone", "size", "queue", "stream"}

// The ways on which a packet passes.
type pass int

const (
	passChannel pass = iota // straight to the receiver's socket
	passQueue               // through the receiver's queue
	passToSFU
	passes
)

var passNames = [passes]string{"channel", "queue", "sfu"}

// metrics belong to one server. Label values are resolved once, because packets count themselves.
type metrics struct {
	dropped     *prometheus.CounterVec
	passed      *prometheus.CounterVec
	bytes       prometheus.Counter
	refused     *prometheus.CounterVec
	connections *prometheus.CounterVec
	malformed   prometheus.Counter

	byDrop [drops]prometheus.Counter
	byPass [passes]prometheus.Counter

	gauges     []prometheus.Collector
	registerer prometheus.Registerer
	registered []prometheus.Collector
}

func newMetrics() *metrics {
	vec := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "atrium", Subsystem: "turn", Name: name, Help: help}, []string{label})
	}
	one := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "atrium", Subsystem: "turn", Name: name, Help: help})
	}
	m := &metrics{
		dropped:     vec("packets_dropped_total", "Relayed packets dropped, by reason.", "reason"),
		passed:      vec("packets_passed_total", "Relayed packets passed on, by way.", "way"),
		bytes:       one("bytes_passed_total", "Payload of the relayed packets passed on."),
		refused:     vec("requests_refused_total", "Requests refused, by reason.", "reason"),
		connections: vec("connections_ended_total", "TCP connections ended by the server, by reason.", "reason"),
		malformed:   one("malformed_total", "Datagrams that pion/turn could not handle."),
	}
	for i := range m.byDrop {
		m.byDrop[i] = m.dropped.WithLabelValues(dropNames[i])
	}
	for i := range m.byPass {
		m.byPass[i] = m.passed.WithLabelValues(passNames[i])
	}
	return m
}

func (m *metrics) drop(d drop) { m.byDrop[d].Inc() }

// passedMany counts a round's packets.
func (m *metrics) passedMany(n *[passes]int, bytes int) {
	for p, n := range n {
		if n > 0 {
			m.byPass[p].Add(float64(n))
		}
	}
	m.bytes.Add(float64(bytes))
}

// watch adds the gauges that read the server's state when they are asked.
func (m *metrics) watch(s *Server) {
	gauge := func(name, help string, f func() float64) {
		m.gauges = append(m.gauges, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "atrium", Subsystem: "turn", Name: name, Help: help}, f))
	}
	gauge("allocations", "Live relay allocations.", func() float64 { return float64(s.Allocations()) })
	gauge("connections", "Open TCP connections.", func() float64 {
		n := 0
		for _, l := range s.streams {
			n += l.count()
		}
		return float64(n)
	})
}

func (m *metrics) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	m.registerer = r
	for _, c := range append([]prometheus.Collector{m.dropped, m.passed, m.bytes, m.refused, m.connections, m.malformed}, m.gauges...) {
		if err := r.Register(c); err != nil {
			m.unregister()
			return err
		}
		m.registered = append(m.registered, c)
	}
	return nil
}

func (m *metrics) unregister() {
	for _, c := range m.registered {
		m.registerer.Unregister(c)
	}
	m.registered = nil
}
