package relay

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/pion/stun/v3"
)

// Coturn is Debian's turnserver in a process of its own, on loopback.
type Coturn struct {
	Target
	PID int

	cmd   *exec.Cmd
	dir   string
	ended chan error
}

// coturnSecret signs the credentials: the run's own, on loopback.
const coturnSecret = "a secret that both ends of this benchmark know"

// StartCoturn runs turnserver as its package installs it: its own number of threads, no database, no log. TLS is on with
// a certificate of the caller's.
func StartCoturn(ctx context.Context, cert, key string) (*Coturn, error) {
	bin, err := exec.LookPath("turnserver")
	if err != nil {
		return nil, errors.New("relay: turnserver is not installed; `apt-get install coturn` has it")
	}
	dir, err := os.MkdirTemp("", "atrium-coturn-")
	if err != nil {
		return nil, fmt.Errorf("relay: directory of coturn: %w", err)
	}
	plain, secure, err := freePorts()
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	c := &Coturn{dir: dir, ended: make(chan error, 1)}
	c.cmd = exec.Command(bin, "-n", "--no-cli", "--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1",
		"--listening-port", strconv.Itoa(plain), "--tls-listening-port", strconv.Itoa(secure), "--cert", cert, "--pkey", key, "--no-dtls",
		"--lt-cred-mech", "--use-auth-secret", "--static-auth-secret", coturnSecret, "--realm", "atrium",
		"--allow-loopback-peers", "--no-rfc5780", "--no-software-attribute",
		"--pidfile", filepath.Join(dir, "pid"), "--userdb", filepath.Join(dir, "db"), "--log-file", "/dev/null", "--simple-log", "--no-stdout-log")
	c.cmd.Dir = dir
	if err := c.cmd.Start(); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("relay: starting coturn: %w", err)
	}
	go func() { c.ended <- c.cmd.Wait() }()
	c.PID = c.cmd.Process.Pid
	at := net.JoinHostPort("127.0.0.1", strconv.Itoa(plain))
	c.Target = Target{Name: "coturn", Server: map[Transport]string{
		UDP: at, TCP: at, TLS: net.JoinHostPort("127.0.0.1", strconv.Itoa(secure)),
	}}
	for i := range c.Credentials {
		c.Credentials[i] = coturnCredentials(fmt.Sprint("client", i))
	}
	if err := c.answers(ctx, at); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// coturnCredentials are those of the TURN REST form.
func coturnCredentials(user string) Credentials {
	name := fmt.Sprintf("%d:%s", time.Now().Add(time.Hour).Unix(), user)
	mac := hmac.New(sha1.New, []byte(coturnSecret))
	mac.Write([]byte(name))
	return Credentials{name, base64.StdEncoding.EncodeToString(mac.Sum(nil))}
}

// answers waits until it answers STUN.
func (c *Coturn) answers(ctx context.Context, at string) error {
	conn, err := net.Dial("udp4", at)
	if err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	defer conn.Close()
	b := make([]byte, 1500)
	for end := time.Now().Add(patience); time.Now().Before(end) && ctx.Err() == nil; {
		_, _ = conn.Write(stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw)
		_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if _, err := conn.Read(b); err == nil {
			return nil
		}
		select {
		case err := <-c.ended:
			c.ended <- err
			return fmt.Errorf("relay: coturn ended: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("relay: coturn does not answer on %s", at)
}

// Stop ends it.
func (c *Coturn) Stop() error {
	_ = c.cmd.Process.Kill()
	<-c.ended
	return os.RemoveAll(c.dir)
}

// freePorts finds two ports that are free for UDP and TCP.
func freePorts() (int, int, error) {
	var found []int
	for len(found) < 2 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return 0, 0, fmt.Errorf("relay: a free port: %w", err)
		}
		defer l.Close()
		port := l.Addr().(*net.TCPAddr).Port
		if u, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}); err == nil {
			u.Close()
			found = append(found, port)
		}
	}
	return found[0], found[1], nil
}
