package relay

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/pion/stun/v3"
	"github.com/pion/turn/v4"
)

// Transport is how a client reaches the TURN server.
type Transport string

// The transports that are measured.
const (
	UDP Transport = "udp"
	TCP Transport = "tcp"
	TLS Transport = "tls"
)

// Credentials open a TURN server.
type Credentials struct{ Username, Password string }

// patience is how long a server may take for an answer.
const patience = 5 * time.Second

// client is one client of a TURN server with one allocation.
type client struct {
	conn     net.Conn
	stream   bool // frames follow one another: STUN and ChannelData (RFC 8656, section 12.5)
	username stun.Username
	password string

	realm stun.Realm
	nonce stun.Nonce
	key   stun.MessageIntegrity

	// relayed is the address of its allocation.
	relayed netip.AddrPort
}

// dial connects to a server.
func dial(t Transport, server string, c Credentials) (*client, error) {
	var conn net.Conn
	var err error
	switch t {
	case UDP:
		conn, err = net.Dial("udp4", server)
	case TCP:
		conn, err = net.DialTimeout("tcp4", server, patience)
	case TLS: // the certificate is made for the run
		conn, err = tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp4", server, &tls.Config{InsecureSkipVerify: true})
	default:
		err = fmt.Errorf("%q is none of udp, tcp, tls", t)
	}
	if err != nil {
		return nil, fmt.Errorf("relay: connecting to the TURN server: %w", err)
	}
	return &client{conn: conn, stream: t != UDP, username: stun.NewUsername(c.Username), password: c.Password}, nil
}

// allocate takes a relayed address.
func (c *client) allocate() error {
	udp := stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{17, 0, 0, 0}}
	m, err := c.do(stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest), udp))
	if err != nil {
		return err
	}
	if err := errors.Join(c.realm.GetFrom(m), c.nonce.GetFrom(m)); err != nil {
		return fmt.Errorf("relay: the answer to a request without integrity names no realm or nonce: %w", err)
	}
	c.key = turn.GenerateAuthKey(c.username.String(), c.realm.String(), c.password)
	if m, err = c.request(stun.MethodAllocate, udp); err != nil {
		return err
	}
	var a stun.XORMappedAddress
	if err := a.GetFromAs(m, stun.AttrXORRelayedAddress); err != nil {
		return fmt.Errorf("relay: an allocation without an address: %w", err)
	}
	ip, _ := netip.AddrFromSlice(a.IP)
	c.relayed = netip.AddrPortFrom(ip.Unmap(), uint16(a.Port))
	return nil
}

// bind gives a channel to a peer's relayed address.
func (c *client) bind(channel uint16, peer netip.AddrPort) error {
	_, err := c.request(stun.MethodChannelBind,
		stun.RawAttribute{Type: stun.AttrChannelNumber, Value: []byte{byte(channel >> 8), byte(channel), 0, 0}}, xorPeer(peer))
	return err
}

// release gives the allocation back and closes the connection.
func (c *client) release() error {
	defer c.conn.Close()
	if !c.relayed.IsValid() {
		return nil
	}
	_, err := c.request(stun.MethodRefresh, stun.RawAttribute{Type: stun.AttrLifetime, Value: []byte{0, 0, 0, 0}})
	return err
}

// xorPeer is an XOR-PEER-ADDRESS (RFC 8656, section 18.3).
type xorPeer netip.AddrPort

// AddTo implements stun.Setter.
func (p xorPeer) AddTo(m *stun.Message) error {
	a := netip.AddrPort(p)
	return stun.XORMappedAddress{IP: a.Addr().AsSlice(), Port: int(a.Port())}.AddToAs(m, stun.AttrXORPeerAddress)
}

// request sends a signed request.
func (c *client) request(method stun.Method, attrs ...stun.Setter) (*stun.Message, error) {
	for range 2 {
		all := append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest), c.username, c.realm, c.nonce}, attrs...)
		m, err := c.do(stun.MustBuild(append(all, c.key)...))
		if err != nil {
			return nil, err
		}
		if m.Type.Class == stun.ClassSuccessResponse {
			return m, nil
		}
		var e stun.ErrorCodeAttribute
		_ = e.GetFrom(m)
		if e.Code != stun.CodeStaleNonce {
			return nil, fmt.Errorf("relay: %v was refused: %v", method, e)
		}
		if err := c.nonce.GetFrom(m); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("relay: %v: the nonce is stale again and again", method)
}

// do sends a request and waits for its answer. Over UDP it is sent again (RFC 8489, section 6.2.1).
func (c *client) do(m *stun.Message) (*stun.Message, error) {
	defer c.conn.SetReadDeadline(time.Time{})
	for wait := 500 * time.Millisecond; wait <= patience; wait *= 2 {
		if _, err := c.conn.Write(m.Raw); err != nil {
			return nil, fmt.Errorf("relay: sending a request: %w", err)
		}
		if c.stream {
			wait = patience
		}
		_ = c.conn.SetReadDeadline(time.Now().Add(wait))
		for {
			frame, err := c.frame()
			if errors.Is(err, errTimeout) && !c.stream {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("relay: waiting for the answer to %v: %w", m.Type, err)
			}
			a := &stun.Message{Raw: frame}
			if a.Decode() == nil && a.TransactionID == m.TransactionID {
				return a, nil
			}
		}
	}
	return nil, fmt.Errorf("relay: no answer to %v", m.Type)
}

var errTimeout = errors.New("relay: timed out")

// frame reads one message.
func (c *client) frame() ([]byte, error) {
	b := make([]byte, 2048)
	var n int
	var err error
	if c.stream {
		n, err = readFrame(c.conn, b)
	} else {
		n, err = c.conn.Read(b)
	}
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		return nil, errTimeout
	}
	return b[:n], err
}

// readFrame reads one STUN or ChannelData message from a stream, without what pads it.
func readFrame(r io.Reader, b []byte) (int, error) {
	if _, err := io.ReadFull(r, b[:4]); err != nil {
		return 0, err
	}
	n := 4 + int(binary.BigEndian.Uint16(b[2:]))
	padded := n
	if b[0]&0xC0 == 0 { // STUN: the length is that of the attributes
		n += 16
		padded = n
	} else {
		padded = (n + 3) &^ 3
	}
	if padded > len(b) {
		return 0, fmt.Errorf("relay: a frame of %d bytes", padded)
	}
	_, err := io.ReadFull(r, b[4:padded])
	return n, err
}
