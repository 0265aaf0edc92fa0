package turn

import (
	"encoding/binary"
	"time"

	"github.com/pion/stun/v3"
)

// Attributes and values of RFC 8656 that decide about refusals.
const (
	protoUDP   = 17   // REQUESTED-TRANSPORT, section 18.7
	familyIPv4 = 0x01 // REQUESTED-ADDRESS-FAMILY, section 18.6
	reserveBit = 0x80 // EVEN-PORT's R, section 18.5
)

// Requests by their first two bytes (RFC 8656, section 17).
const (
	allocateRequest         = 0x0003
	refreshRequest          = 0x0004
	createPermissionRequest = 0x0008
	channelBindRequest      = 0x0009
)

// refusal answers the requests of a client that pion/turn would not answer as it should. nil: the request goes on to
// pion/turn. A request without an integrity goes on too, for its nonce.
func (r *relay) refusal(c clientKey, b []byte) []byte {
	if len(b) < 20 {
		return nil
	}
	var why func(*stun.Message) stun.ErrorCode
	switch binary.BigEndian.Uint16(b) {
	case allocateRequest:
		why = unfit
	case refreshRequest, createPermissionRequest, channelBindRequest:
		if r.client(c) != nil {
			return nil
		}
		why = func(*stun.Message) stun.ErrorCode { return stun.CodeAllocMismatch } // 437: pion/turn says nothing
	default:
		return nil
	}
	m := &stun.Message{Raw: append([]byte(nil), b...)}
	if m.Decode() != nil || !m.Contains(stun.AttrMessageIntegrity) {
		return nil
	}
	code := why(m)
	if code == 0 {
		return nil
	}
	no, err := stun.Build(stun.NewTransactionIDSetter(m.TransactionID),
		stun.NewType(m.Type.Method, stun.ClassErrorResponse), &stun.ErrorCodeAttribute{Code: code})
	if err != nil {
		return nil
	}
	return no.Raw
}

// unfit says why an Allocate request cannot be granted that pion/turn would grant wrongly: it gives a UDP relay to who asks
// for a TCP one (RFC 6062) and an IPv4 one to who asks for IPv6, and takes reservations that it never honours. 0: it fits.
func unfit(m *stun.Message) stun.ErrorCode {
	if v, err := m.Get(stun.AttrRequestedTransport); err == nil && len(v) > 0 && v[0] != protoUDP {
		return stun.CodeUnsupportedTransProto // 442
	}
	if v, err := m.Get(stun.AttrRequestedAddressFamily); err == nil && (len(v) == 0 || v[0] != familyIPv4) {
		return stun.CodeAddrFamilyNotSupported // 440
	}
	if v, err := m.Get(stun.AttrEvenPort); err == nil && len(v) > 0 && v[0]&reserveBit != 0 || m.Contains(stun.AttrReservationToken) {
		return stun.CodeInsufficientCapacity // 508
	}
	return 0
}

// granted reads the lifetime from an Allocate or Refresh success response.
func granted(b []byte) (time.Duration, bool) {
	if len(b) < 20 || b[0] != 0x01 || b[1] != 0x03 && b[1] != 0x04 {
		return 0, false
	}
	m := &stun.Message{Raw: b}
	if m.Decode() != nil {
		return 0, false
	}
	v, err := m.Get(stun.AttrLifetime)
	if err != nil || len(v) != 4 {
		return 0, false
	}
	return time.Duration(binary.BigEndian.Uint32(v)) * time.Second, true
}
