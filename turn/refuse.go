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

// refusal answers the Allocate requests that pion/turn would grant wrongly: it gives a UDP relay to who asks for a
// TCP one (RFC 6062) and an IPv4 one to who asks for IPv6, and takes reservations that it never honours. nil: the
// request goes on to pion/turn. A request without an integrity goes on too, for its nonce.
func refusal(b []byte) []byte {
	if len(b) < 20 || binary.BigEndian.Uint16(b) != 0x0003 { // Allocate request: RFC 8656, section 17
		return nil
	}
	m := &stun.Message{Raw: append([]byte(nil), b...)}
	if m.Decode() != nil || !m.Contains(stun.AttrMessageIntegrity) {
		return nil
	}
	code := stun.ErrorCode(0)
	if v, err := m.Get(stun.AttrRequestedTransport); err == nil && len(v) > 0 && v[0] != protoUDP {
		code = stun.CodeUnsupportedTransProto // 442
	} else if v, err := m.Get(stun.AttrRequestedAddressFamily); err == nil && (len(v) == 0 || v[0] != familyIPv4) {
		code = stun.CodeAddrFamilyNotSupported // 440
	} else if v, err := m.Get(stun.AttrEvenPort); err == nil && len(v) > 0 && v[0]&reserveBit != 0 {
		code = stun.CodeInsufficientCapacity // 508
	} else if m.Contains(stun.AttrReservationToken) {
		code = stun.CodeInsufficientCapacity
	}
	if code == 0 {
		return nil
	}
	r, err := stun.Build(stun.NewTransactionIDSetter(m.TransactionID),
		stun.NewType(stun.MethodAllocate, stun.ClassErrorResponse), &stun.ErrorCodeAttribute{Code: code})
	if err != nil {
		return nil
	}
	return r.Raw
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
