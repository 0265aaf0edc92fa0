package ice

import (
	"bytes"
	"net"
	"net/netip"
	"slices"

	"github.com/pion/stun/v3"
)

// IsSTUN tells STUN from DTLS and media (RFC 7983, section 7).
func IsSTUN(p []byte) bool { return len(p) >= 20 && p[0] < 4 }

// Check is a connectivity check: a binding request with a user name.
type Check struct {
	m       stun.Message
	to      []byte // whose user fragment it names, ours …
	by      []byte // … and the peer's
	unknown []stun.AttrType
}

// known are the attributes of a check that must be understood (RFC 8445, section 16.1; RFC 8489, section 14).
var known = []stun.AttrType{stun.AttrUsername, stun.AttrMessageIntegrity, stun.AttrMessageIntegritySHA256, stun.AttrPriority, stun.AttrUseCandidate}

// Read reads a packet as a check. False: it is none. The check is good as long as the packet is.
func Read(p []byte) (c Check, ok bool) {
	c.m.Raw = p[:len(p):len(p)] // the library uses the room behind it
	if !IsSTUN(p) || c.m.Decode() != nil || c.m.Type != stun.BindingRequest || int(c.m.Length)+20 != len(p) {
		return c, false
	}
	name, err := c.m.Get(stun.AttrUsername)
	if err != nil {
		return c, false
	}
	if c.to, c.by, ok = bytes.Cut(name, []byte{':'}); !ok {
		return c, false
	}
	if c.m.Contains(stun.AttrFingerprint) && stun.Fingerprint.Check(&c.m) != nil {
		return c, false
	}
	for _, a := range c.m.Attributes {
		if a.Type.Required() && !slices.Contains(known, a.Type) {
			c.unknown = append(c.unknown, a.Type)
		}
	}
	return c, true
}

// To is the user fragment of whom the check is for.
func (c *Check) To() []byte { return c.to }

// Proves says whether the check was made by the peer of that user fragment, who knows the password.
func (c *Check) Proves(by, pwd string) bool {
	return string(c.by) == by && stun.NewShortTermIntegrity(pwd).Check(&c.m) == nil
}

// Nominates says whether the controlling peer chooses the pair that the check came by (RFC 8445, section 7.3.1.5).
func (c *Check) Nominates() bool { return c.m.Contains(stun.AttrUseCandidate) }

// Answer gives the answer to a check that was proved; granted says whether it is a success.
func (c *Check) Answer(from netip.AddrPort, pwd string) (p []byte, granted bool) {
	class, setters := stun.ClassSuccessResponse, make([]stun.Setter, 0, 6)
	switch {
	case len(c.unknown) > 0: // RFC 8489, section 6.3.1
		class = stun.ClassErrorResponse
		setters = append(setters, stun.CodeUnknownAttribute, stun.UnknownAttributes(c.unknown))
	case c.m.Contains(stun.AttrICEControlled): // of a lite and a full agent the full one controls (RFC 8445, section 6.1.1)
		class = stun.ClassErrorResponse
		setters = append(setters, stun.CodeRoleConflict)
	default:
		addr := from.Addr().Unmap()
		setters = append(setters, &stun.XORMappedAddress{IP: net.IP(addr.AsSlice()), Port: int(from.Port())})
	}
	setters = append(setters, stun.NewShortTermIntegrity(pwd), stun.Fingerprint)
	m, err := stun.Build(append([]stun.Setter{stun.NewTransactionIDSetter(c.m.TransactionID), stun.NewType(stun.MethodBinding, class)}, setters...)...)
	if err != nil {
		return nil, false // it has no attribute that can be too long
	}
	return m.Raw, class == stun.ClassSuccessResponse
}
