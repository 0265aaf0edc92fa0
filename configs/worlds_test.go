package configs

import (
	"os"
	"path/filepath"
	"testing"
)

// TestTilesets: a map's folder is all that a map can reach.
func TestTilesets(t *testing.T) {
	top := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		name = filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("secret.tsj", "secret")
	put("worlds/a.tmj", "{}")
	put("worlds/a.tsj", "beside")
	put("worlds/tiles/b.tsj", "below")
	for link, to := range map[string]string{"out.tsj": "../secret.tsj", "in.tsj": "tiles/b.tsj", "up": ".."} {
		if err := os.Symlink(to, filepath.Join(top, "worlds", link)); err != nil {
			t.Fatal(err)
		}
	}
	large, err := os.Create(filepath.Join(top, "worlds", "large.tsj"))
	if err != nil {
		t.Fatal(err)
	}
	if err := large.Truncate(besideBytes + 1); err != nil {
		t.Fatal(err)
	}
	large.Close()
	maps, err := Worlds{Dir: Path(filepath.Join(top, "worlds"))}.Maps()
	if err != nil || len(maps) != 1 {
		t.Fatal(maps, err)
	}
	for name, want := range map[string]string{
		"a.tsj": "beside", "tiles/b.tsj": "below", "in.tsj": "below",
		"../secret.tsj": "", "out.tsj": "", "up/secret.tsj": "", "/etc/hostname": "", filepath.Join(top, "secret.tsj"): "",
		"none.tsj": "", "tiles": "", "large.tsj": "",
	} {
		data, err := maps[0].Read(name)
		if string(data) != want && err == nil || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	demo, err := Worlds{}.Maps()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := demo[0].Read("../demo.yaml"); err == nil {
		t.Error("the demo's map reaches its configuration")
	}
}
