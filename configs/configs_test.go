package configs

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the .want files anew")

// home is an environment in which data_dir has a default.
func home(t *testing.T, more ...string) []string {
	return append([]string{"HOME=" + t.TempDir(), "PATH=/bin"}, more...)
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// messages gives each error of a joined error.
func messages(err error) []string {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var out []string
		for _, e := range many.Unwrap() {
			out = append(out, messages(e)...)
		}
		return out
	}
	return []string{err.Error()}
}

// TestBadFiles loads each testdata/*.bad.yaml; the errors stand in the .want file beside it, one a line.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/*.bad.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d case files, %v", len(files), err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			c, err := Load(f, home(t))
			if err == nil || c != nil {
				t.Fatalf("it loads")
			}
			wd, _ := os.Getwd()
			got := strings.ReplaceAll(strings.Join(messages(err), "\n")+"\n", wd+"/", "")
			wantFile := strings.TrimSuffix(f, ".yaml") + ".want"
			if *update {
				if err := os.WriteFile(wantFile, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(wantFile)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestDocumented: atrium.yaml names every key, with its default.
func TestDocumented(t *testing.T) {
	c, err := Load("atrium.yaml", home(t))
	if err != nil {
		t.Fatal(err)
	}
	d := Default()
	leaves("", reflect.ValueOf(d).Elem(), func(key string, v reflect.Value) {
		if _, ok := c.sources[key]; !ok && !strings.HasPrefix(key, "topology.zones.") {
			t.Errorf("atrium.yaml does not have %s", key)
		}
	})
	d.File, d.sources, d.DataDir = c.File, c.sources, c.DataDir
	if d.Auth.PublicKeys = c.Auth.PublicKeys; len(c.Auth.PublicKeys) > 0 || !reflect.DeepEqual(c, d) {
		t.Errorf("atrium.yaml differs from the defaults:\n%+v\n%+v", c, d)
	}
}

func TestDemo(t *testing.T) {
	env := home(t)
	c, err := Load("", env)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Auth.GuestLogin || c.Server.Listen != "127.0.0.1:8080" || c.Admin.Listen != "127.0.0.1:9090" || c.TURN.UDP != "127.0.0.1:3478" ||
		c.TURN.TCP != "127.0.0.1:3478" || c.SFU.UDP != "127.0.0.1:7882" || c.SFU.TCP != "127.0.0.1:7881" || c.Auth.Secret != "" || c.TURN.Secret != "" {
		t.Errorf("%+v", c)
	}
	if want := strings.TrimPrefix(env[0], "HOME=") + "/.local/state/atrium"; string(c.DataDir) != want {
		t.Errorf("data_dir is %s, want %s", c.DataDir, want)
	}
	maps, err := c.Worlds.Maps()
	if err != nil || len(maps) != 1 || maps[0].Name != "worlds/demo.tmj" || len(maps[0].Data) == 0 {
		t.Errorf("worlds: %v", err)
	}
	if f, err := fs.ReadFile(Demo(), "demo.yaml"); err != nil || len(f) == 0 {
		t.Errorf("demo.yaml: %v", err)
	}
}

func TestEmptyFileIsDefaults(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "server:\nauth:\n", "---\n{}\n"} {
		c, err := Load(write(t, "a.yaml", text), home(t))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		d := Default()
		d.File, d.sources, d.DataDir = c.File, c.sources, c.DataDir
		if !reflect.DeepEqual(c, d) {
			t.Errorf("%q gives %+v", text, c)
		}
	}
}

func TestMissingFile(t *testing.T) {
	if _, err := Load("testdata/none.yaml", home(t)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestEnvironment(t *testing.T) {
	file := write(t, "a.yaml", "server:\n  listen: 127.0.0.1:1\nsession:\n  grace: 1s\nworlds:\n  dir: maps\n")
	if err := os.Mkdir(filepath.Join(filepath.Dir(file), "maps"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "maps", "a.tmj"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(file, home(t,
		"ATRIUM_SERVER_LISTEN=127.0.0.1:2", "ATRIUM_AUTH_GUEST_LOGIN=true", "ATRIUM_MOVEMENT_MAX_SPEED=3.5",
		"ATRIUM_MEDIA_PUBLIC_IP=203.0.113.7", "ATRIUM_TOPOLOGY_ZONES_MEETINGROOM_PROMOTE_AT=4",
		"ATRIUM_TOPOLOGY_ZONES_MEETINGROOM_DEADLINE=3s", "ATRIUM_DATA_DIR=state", "ATRIUM_SERVICE_HOST=10.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Server.Listen != "127.0.0.1:2" || !c.Auth.GuestLogin || c.Movement.MaxSpeed != 3.5 || c.Media.PublicIP.String() != "203.0.113.7" ||
		c.Session.Grace != time.Second || c.DataDir != "state" {
		t.Errorf("%+v", c)
	}
	if c.Worlds.Dir != Path(filepath.Join(filepath.Dir(file), "maps")) {
		t.Errorf("a path in a file is relative to it: %s", c.Worlds.Dir)
	}
	by := c.Topology.ByType()
	if by["MeetingRoom"].PromoteAt != 4 || by["MeetingRoom"].Deadline != 3*time.Second || by["MeetingRoom"].DemoteAt != 3 || by["OpenArea"].PromoteAt != 5 {
		t.Errorf("%+v", by)
	}
}

func TestBadEnvironment(t *testing.T) {
	_, err := Load("", []string{"ATRIUM_SERVER_LISTN=:1", "ATRIUM_SESSION_GRACE=soon", "ATRIUM_AUTH_SECRET=short", "ATRIUM_SERVER_LISTEN=nowhere"})
	got := messages(err)
	want := []string{
		`ATRIUM_SERVER_LISTN: ":1": unknown variable: ATRIUM_SERVER_LISTEN is server.listen, and so on (environment)`,
		`session.grace: "soon": want a duration with a unit, like 5s, 100ms or 10m (ATRIUM_SESSION_GRACE)`,
		`data_dir: "": neither XDG_STATE_HOME nor HOME says where: name a directory that the process may write`,
		"auth.secret: \"(5 bytes)\": too weak, want at least 32 bytes: take the output of `openssl rand -base64 32`, or leave the key out and one is made at first start (ATRIUM_AUTH_SECRET)",
		`server.listen: "nowhere": want host:port, like 127.0.0.1:8080, or :8080 for all addresses (ATRIUM_SERVER_LISTEN)`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

func TestSecretsAreKept(t *testing.T) {
	env := []string{"XDG_STATE_HOME=" + t.TempDir()}
	c, err := Load("", env)
	if err != nil {
		t.Fatal(err)
	}
	first, err := c.Secrets()
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Auth) < minSecret || len(first.TURN) < minSecret || string(first.Auth) == string(first.TURN) {
		t.Errorf("%d and %d bytes", len(first.Auth), len(first.TURN))
	}
	again, err := c.Secrets()
	if err != nil || !reflect.DeepEqual(first, again) {
		t.Errorf("they were not kept: %v", err)
	}
	files, _ := os.ReadDir(string(c.DataDir))
	if len(files) != 2 {
		t.Errorf("%v is left in data_dir", files)
	}
	for _, f := range files {
		if info, _ := f.Info(); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", f.Name(), info.Mode().Perm())
		}
	}

	auth := filepath.Join(string(c.DataDir), "auth.secret")
	if err := os.Chmod(auth, 0o644); err != nil {
		t.Fatal(err)
	}
	turn := filepath.Join(string(c.DataDir), "turn.secret")
	if err := os.WriteFile(turn, []byte("weak\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = c.Secrets()
	if got := messages(err); len(got) != 2 || !strings.Contains(got[0], "chmod 600") || !strings.Contains(got[1], "holds 4 bytes") {
		t.Errorf("%v", err)
	}
}

func TestSecretsConfigured(t *testing.T) {
	secret := strings.Repeat("s", 32)
	c, err := Load("", home(t, "ATRIUM_AUTH_SECRET="+secret, "ATRIUM_TURN_ENABLED=false"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Secrets()
	if err != nil || string(s.Auth) != secret || s.TURN != nil {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(string(c.DataDir)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("data_dir was made for nothing")
	}
	if got := c.Auth.Secret.String(); strings.Contains(got, secret) {
		t.Errorf("a secret shows itself: %s", got)
	}
}

func TestPublicKeys(t *testing.T) {
	c, err := Load("testdata/keys.yaml", home(t))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := c.Auth.Keys()
	if err != nil || len(keys) != 3 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	if s, err := c.Secrets(); err != nil || s.Auth != nil {
		t.Errorf("who signs elsewhere needs no secret here: %v", err)
	}
}
