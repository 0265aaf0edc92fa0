// Package describe turns the message table and the Go types of the protocol into descriptions that other programs read:
// a JSON Schema of every frame of both links, and the TypeScript types of the web client's SDK. Types and rules come
// from the table by reflection, descriptions from the doc comments of the package's source.
package describe

// The files that are made, as seen from the folder of package protocol.
const (
	SchemaFile     = "schema.json"
	TypeScriptFile = "../../webclient/src/sdk/protocol.gen.ts"
)

// Files makes every file from the source in dir, the folder of package protocol; its content by its name.
func Files(dir string) (map[string][]byte, error) {
	m, err := read(dir)
	if err != nil {
		return nil, err
	}
	schema, err := m.schema()
	if err != nil {
		return nil, err
	}
	return map[string][]byte{SchemaFile: schema, TypeScriptFile: m.typescript()}, nil
}
