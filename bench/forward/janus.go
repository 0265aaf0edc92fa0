package forward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Janus is Debian's janus with its VideoRoom, in a process of its own, on loopback.
type Janus struct {
	Room *JanusRoom
	PID  int

	cmd   *exec.Cmd
	dir   string
	ended chan error
}

// janusFolders are where Debian keeps what it loads, on any architecture.
const janusFolders = "/usr/lib/*/janus"

// StartJanus runs janus as its package installs it, without the plugins and transports that nobody uses here.
func StartJanus(ctx context.Context) (_ *Janus, err error) {
	bin, err := exec.LookPath("janus")
	if err != nil {
		return nil, errors.New("forward: janus is not installed; `apt-get install janus` has it")
	}
	found, _ := filepath.Glob(janusFolders)
	if len(found) != 1 {
		return nil, fmt.Errorf("forward: janus' plugins are looked for in %s: %d folders match, not one", janusFolders, len(found))
	}
	dir, err := os.MkdirTemp("", "atrium-janus-")
	if err != nil {
		return nil, fmt.Errorf("forward: directory of janus: %w", err)
	}
	j := &Janus{dir: dir, ended: make(chan error, 1)}
	port, err := freePort()
	if err == nil {
		err = j.configure(found[0], port)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	j.cmd = exec.Command(bin, "--configs-folder", dir, "--config", filepath.Join(dir, "janus.jcfg"), "--disable-colors")
	j.cmd.Dir = dir
	if err := j.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("forward: starting janus: %w", err), os.RemoveAll(dir))
	}
	go func() { j.ended <- j.cmd.Wait() }()
	j.PID = j.cmd.Process.Pid
	if err := j.answers(ctx); err != nil {
		return nil, errors.Join(err, j.Stop())
	}
	return j, nil
}

// configure writes what it reads at its start. Media ports are free ones of the kernel's choice, since no range is given.
func (j *Janus) configure(installed string, port int) error {
	network, on, err := ownNetwork()
	if err != nil {
		return err
	}
	j.Room = &JanusRoom{url: fmt.Sprintf("ws://127.0.0.1:%d", port), on: on}
	files := map[string]string{
		"janus.jcfg": `general: {
	configs_folder = "` + j.dir + `"
	plugins_folder = "` + filepath.Join(installed, "plugins") + `"
	transports_folder = "` + filepath.Join(installed, "transports") + `"
	events_folder = "` + filepath.Join(installed, "events") + `"
	loggers_folder = "` + filepath.Join(installed, "loggers") + `"
	debug_level = 1
	session_timeout = 0
}
nat: {
	ice_enforce_list = "` + network + `"
}
plugins: {
	disable = "` + without(filepath.Join(installed, "plugins"), "videoroom") + `"
}
transports: {
	disable = "` + without(filepath.Join(installed, "transports"), "websockets") + `"
}
`,
		"janus.transport.websockets.jcfg": fmt.Sprintf("general: {\n\tjson = \"compact\"\n\tws = true\n\tws_port = %d\n\tws_ip = \"127.0.0.1\"\n\twss = false\n}\n", port),
		"janus.plugin.videoroom.jcfg": fmt.Sprintf("room-%d: {\n\tpublishers = 100\n\tbitrate = 0\n\tfir_freq = 0\n\taudiocodec = \"opus\"\n\tvideocodec = \"vp8\"\n}\n",
			janusRoom),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(j.dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("forward: configuration of janus: %w", err)
		}
	}
	return nil
}

// ownNetwork is an interface of this machine with an IPv4 address. Janus takes no loopback interface; packets from the machine to
// its own address do not leave it all the same.
func ownNetwork() (string, netip.Addr, error) {
	all, err := net.Interfaces()
	if err != nil {
		return "", netip.Addr{}, fmt.Errorf("forward: interfaces: %w", err)
	}
	for _, i := range all {
		if i.Flags&(net.FlagUp|net.FlagRunning|net.FlagLoopback) != net.FlagUp|net.FlagRunning {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			return "", netip.Addr{}, fmt.Errorf("forward: addresses of %s: %w", i.Name, err)
		}
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
				return i.Name, netip.AddrFrom4([4]byte(n.IP.To4())), nil
			}
		}
	}
	return "", netip.Addr{}, errors.New("forward: janus takes no loopback interface, and this machine has no other one with an IPv4 address")
}

// without lists the modules of a folder that are not the one that is used.
func without(folder, used string) string {
	all, _ := filepath.Glob(filepath.Join(folder, "*.so"))
	var others []string
	for _, f := range all {
		if name := filepath.Base(f); !strings.Contains(name, used) {
			others = append(others, name)
		}
	}
	return strings.Join(others, ",")
}

// answers waits until it opens sessions.
func (j *Janus) answers(ctx context.Context) error {
	for end := time.Now().Add(patience); ; {
		c, err := dialJanus(ctx, j.Room.url)
		if err == nil {
			return c.close()
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return fmt.Errorf("forward: janus does not answer: %w", err)
		}
		select {
		case err := <-j.ended:
			j.ended <- err
			return fmt.Errorf("forward: janus ended: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Stop ends it.
func (j *Janus) Stop() error {
	_ = j.cmd.Process.Kill()
	<-j.ended
	return os.RemoveAll(j.dir)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("forward: a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
