package space

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
)

// The parts of Tiled's JSON map format that a world is made of
// (https://doc.mapeditor.org/en/stable/reference/json-map-format/).

type tiledMap struct {
	Type        string          `json:"type"`
	Orientation string          `json:"orientation"`
	Infinite    bool            `json:"infinite"`
	Width       int             `json:"width"`
	Height      int             `json:"height"`
	TileWidth   int             `json:"tilewidth"`
	TileHeight  int             `json:"tileheight"`
	Properties  []tiledProperty `json:"properties"`
	Layers      []tiledLayer    `json:"layers"`
	Tilesets    []tiledTileset  `json:"tilesets"`
}

type tiledProperty struct {
	Name  string          `json:"name"`
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value"`
}

type tiledLayer struct {
	ID          int             `json:"id"`
	Type        string          `json:"type"` // tilelayer, objectgroup, imagelayer, group
	Name        string          `json:"name"`
	Class       string          `json:"class"`
	Width       int             `json:"width"`
	Height      int             `json:"height"`
	Data        json.RawMessage `json:"data"`
	Encoding    string          `json:"encoding"`
	Compression string          `json:"compression"`
	Properties  []tiledProperty `json:"properties"`
	Objects     []tiledObject   `json:"objects"`
	Layers      []tiledLayer    `json:"layers"`
}

type tiledObject struct {
	ID         int             `json:"id"`
	Name       string          `json:"name"`
	Type       string          `json:"type"`  // the class, in Tiled up to 1.8 and from 1.10
	Class      string          `json:"class"` // the class, in Tiled 1.9
	GID        uint32          `json:"gid"`
	X          float64         `json:"x"`
	Y          float64         `json:"y"`
	Width      float64         `json:"width"`
	Height     float64         `json:"height"`
	Rotation   float64         `json:"rotation"`
	Point      bool            `json:"point"`
	Ellipse    bool            `json:"ellipse"`
	Polygon    json.RawMessage `json:"polygon"`
	Polyline   json.RawMessage `json:"polyline"`
	Text       json.RawMessage `json:"text"`
	Template   string          `json:"template"`
	Properties []tiledProperty `json:"properties"`
}

func (o *tiledObject) class() string {
	if o.Type != "" {
		return o.Type
	}
	return o.Class
}

// label names the object in an error, as Tiled shows it.
func (o *tiledObject) label() string {
	if o.Name != "" {
		return strconv.Quote(o.Name)
	}
	return "#" + strconv.Itoa(o.ID)
}

type tiledTileset struct {
	FirstGID  uint32      `json:"firstgid"`
	Source    string      `json:"source"` // of an external tileset, whose file has all but these two
	Type      string      `json:"type"`   // of an external tileset's file
	Name      string      `json:"name"`
	TileCount int         `json:"tilecount"`
	Tiles     []tiledTile `json:"tiles"`
}

type tiledTile struct {
	ID         uint32          `json:"id"`
	Properties []tiledProperty `json:"properties"`
}

// gidMask takes off the four highest bits of a tile's number, in which Tiled keeps how it is flipped.
const gidMask = 0x0fffffff

// gids decodes a tile layer's data, which Tiled writes as an array or packed, by the map's settings.
func (l *tiledLayer) gids(count int) ([]uint32, error) {
	var out []uint32
	switch l.Encoding {
	case "", "csv":
		if err := json.Unmarshal(l.Data, &out); err != nil {
			return nil, fmt.Errorf("its data is no array of tile numbers: %w", err)
		}
	case "base64":
		var text string
		if err := json.Unmarshal(l.Data, &text); err != nil {
			return nil, fmt.Errorf("its data is no base64 text: %w", err)
		}
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("its data is no base64 text: %w", err)
		}
		if raw, err = unpack(l.Compression, raw, 4*count); err != nil {
			return nil, err
		}
		if len(raw)%4 != 0 {
			return nil, fmt.Errorf("its data holds %d bytes, not a whole number of tiles", len(raw))
		}
		out = make([]uint32, len(raw)/4)
		for i := range out {
			out[i] = binary.LittleEndian.Uint32(raw[4*i:])
		}
	default:
		return nil, fmt.Errorf("unknown encoding %q: choose CSV or Base64 in the map's properties", l.Encoding)
	}
	if len(out) != count {
		return nil, fmt.Errorf("it has %d tiles, the map has %d", len(out), count)
	}
	return out, nil
}

// unpack reads no more than one byte over limit, so that a small file cannot become a large one.
func unpack(compression string, raw []byte, limit int) ([]byte, error) {
	var r io.Reader = bytes.NewReader(raw)
	var err error
	switch compression {
	case "":
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zlib":
		r, err = zlib.NewReader(r)
	default:
		return nil, fmt.Errorf("unknown compression %q: choose CSV, or Base64 with gzip or zlib, in the map's properties", compression)
	}
	if err == nil {
		raw, err = io.ReadAll(io.LimitReader(r, int64(limit)+1))
	}
	if err != nil {
		return nil, fmt.Errorf("its data cannot be unpacked: %w", err)
	}
	return raw, nil
}
