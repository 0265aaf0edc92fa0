package sfu

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Why a packet was not forwarded.
type dropReason int

const (
	dropRelayIn    dropReason = iota // the queue from the relay was full, or the packet too long
	dropRelayOut                     // the relayed name is not live
	dropSocketRead                   // the socket reported an error of some destination
	dropUnknown                      // from an address that has not proved itself by a check
	dropMalformed                    // not RTP, or a payload that its codec does not know
	dropMuted                        // audio of a muted user
	dropLate                         // from before the slot's source was switched, or of a number that was taken already
	dropNoKey                        // a switched video slot waits for a key frame
	dropLayer                        // a spatial or temporal layer above what the receiver is sent
	dropRepeat                       // a retransmission that the receiver's share has no room for
	dropHeld                         // of a picture that a receiver's way had no room for in time
	dropWrite                        // the transport of the receiver refused it
	dropReasons
)

var dropNames = [dropReasons]string{"relay_in", "relay_out", "socket_read", "unknown", "malformed", "muted", "late", "no_key_frame", "layer", "retransmission", "held", "write"}

// metrics counts with atomics of its own: a counter vector's look-up is too dear for every packet.
type metrics struct {
	packets, bytes, resent, plis, held atomic.Uint64
	sessions, rooms                    atomic.Int64

	// Of the socket.
	readCalls, writeCalls, writeMessages, writtenPackets, flushes, runsRefused atomic.Uint64

	drops      [dropReasons]atomic.Uint64
	collectors []prometheus.Collector
}

func (m *metrics) drop(r dropReason) { m.drops[r].Add(1) }

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{}
	if reg == nil {
		return m, nil
	}
	counter := func(name, help string, v *atomic.Uint64, labels prometheus.Labels) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "atrium", Subsystem: "sfu", Name: name, Help: help, ConstLabels: labels},
			func() float64 { return float64(v.Load()) })
	}
	gauge := func(name, help string, v *atomic.Int64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "atrium", Subsystem: "sfu", Name: name, Help: help},
			func() float64 { return float64(v.Load()) })
	}
	m.collectors = []prometheus.Collector{
		counter("forwarded_packets_total", "RTP packets written to receivers.", &m.packets, nil),
		counter("forwarded_bytes_total", "RTP payload bytes written to receivers.", &m.bytes, nil),
		counter("retransmitted_packets_total", "RTP packets written again on a receiver's NACK.", &m.resent, nil),
		counter("held_packets_total", "RTP packets of pictures that waited until their receiver's way had room.", &m.held, nil),
		counter("key_frame_requests_total", "Key frame requests sent to senders.", &m.plis, nil),
		counter("read_calls_total", "System calls that read media packets.", &m.readCalls, nil),
		counter("write_calls_total", "System calls that wrote media packets.", &m.writeCalls, nil),
		counter("write_messages_total", "Messages of these calls; packets of one size to one receiver are one.", &m.writeMessages, nil),
		counter("written_packets_total", "Packets of these messages.", &m.writtenPackets, nil),
		counter("flushes_total", "Batches of packets that were written.", &m.flushes, nil),
		counter("runs_refused_total", "Receivers to which the kernel takes no packets in one message (UDP_SEGMENT).", &m.runsRefused, nil),
		gauge("sessions", "Sessions that are open.", &m.sessions),
		gauge("rooms", "Zones with a session.", &m.rooms),
	}
	for r := range dropReasons {
		m.collectors = append(m.collectors, counter("dropped_packets_total", "Packets not forwarded, by reason.", &m.drops[r], prometheus.Labels{"reason": dropNames[r]}))
	}
	for i, c := range m.collectors {
		if err := reg.Register(c); err != nil {
			for _, done := range m.collectors[:i] {
				reg.Unregister(done)
			}
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) unregister(reg prometheus.Registerer) {
	if reg == nil {
		return
	}
	for _, c := range m.collectors {
		reg.Unregister(c)
	}
}
