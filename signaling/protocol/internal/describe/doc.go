// Package describe turns the message tables and the Go types of the zone protocol and of the document protocol into
// descriptions that other programs read: for each a JSON Schema of every frame, and the TypeScript types of the web
// client's SDK. Types and rules come from the tables by reflection, descriptions from the doc comments of the source.
package describe

import (
	"path/filepath"

	"atrium/signaling/documents/wire"
	"atrium/signaling/protocol"
)

// The files that are made, as seen from the folder of package protocol.
const (
	SchemaFile     = "schema.json"
	TypeScriptFile = "../../webclient/src/sdk/protocol.gen.ts"

	documentsDir            = "../documents/wire"
	DocumentsSchemaFile     = documentsDir + "/schema.json"
	DocumentsTypeScriptFile = "../../webclient/src/sdk/documents.gen.ts"
)

// Files makes every file from the source in dir, the folder of package protocol; its content by its name.
func Files(dir string) (map[string][]byte, error) {
	zone, err := read(dir, protocol.Messages())
	if err != nil {
		return nil, err
	}
	zoneSchema, err := zone.schema()
	if err != nil {
		return nil, err
	}
	documents, err := read(filepath.Join(dir, documentsDir), wire.Messages())
	if err != nil {
		return nil, err
	}
	documentsSchema, err := documents.documentsSchema()
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		SchemaFile: zoneSchema, TypeScriptFile: zone.typescript(),
		DocumentsSchemaFile: documentsSchema, DocumentsTypeScriptFile: documents.documentsTypeScript(),
	}, nil
}
