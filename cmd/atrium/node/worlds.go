package node

import (
	"errors"

	"github.com/google/uuid"

	"atrium/configs"
	"atrium/signaling/space"
)

// Worlds reads the configured worlds. The error joins every problem of every map.
func Worlds(cfg *configs.Config) ([]*space.Map, error) {
	files, err := cfg.Worlds.Maps()
	if err != nil {
		return nil, err
	}
	var errs []error
	var maps []*space.Map
	for _, f := range files {
		m, err := space.ParseMap(f.Name, f.Data, f.Read)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if m.Workspace == uuid.Nil {
			m.Workspace = cfg.Worlds.WorkspaceID
		}
		maps = append(maps, m)
	}
	errs = append(errs, space.CheckWorlds(maps))
	if len(files) == 0 {
		errs = append(errs, cfg.Problem("worlds.dir", string(cfg.Worlds.Dir), "no world is in it: put a Tiled map (*.tmj) there"))
	}
	return maps, errors.Join(errs...)
}
