package describe

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
)

// comments is what the source says of its types: the first paragraph of each comment, in one line.
type comments struct {
	types  map[string]string            // by type
	fields map[string]map[string]string // by type and field
	values map[string][]value           // by type: its constants with text values, in order
	order  map[string]int               // by type: its place in the source
}

// value is a constant of an enum.
type value struct{ text, doc string }

func readComments(dir string) (*comments, error) {
	c := &comments{types: map[string]string{}, fields: map[string]map[string]string{}, values: map[string][]value{}, order: map[string]int{}}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				c.declaration(g)
			}
		}
	}
	if len(c.types) == 0 {
		return nil, fmt.Errorf("%s holds no Go types; it must be the folder of package protocol", dir)
	}
	return c, nil
}

func (c *comments) declaration(g *ast.GenDecl) {
	for _, s := range g.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			doc := s.Doc
			if doc == nil {
				doc = g.Doc
			}
			c.types[s.Name.Name] = paragraph(doc)
			c.order[s.Name.Name] = len(c.order)
			if st, ok := s.Type.(*ast.StructType); ok {
				c.fields[s.Name.Name] = fieldComments(st)
			}
		case *ast.ValueSpec:
			typ, ok := s.Type.(*ast.Ident)
			if g.Tok != token.CONST || !ok || len(s.Values) != 1 {
				continue
			}
			if lit, ok := s.Values[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
				text, _ := strconv.Unquote(lit.Value)
				c.values[typ.Name] = append(c.values[typ.Name], value{text, paragraph(s.Doc, s.Comment)})
			}
		}
	}
}

func fieldComments(s *ast.StructType) map[string]string {
	docs := map[string]string{}
	for _, f := range s.Fields.List {
		for _, name := range f.Names {
			docs[name.Name] = paragraph(f.Doc, f.Comment)
		}
	}
	return docs
}

// paragraph gives the first paragraph of the first comment that there is; what follows is for readers of the Go code.
func paragraph(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if text := strings.TrimSpace(g.Text()); text != "" {
			first, _, _ := strings.Cut(text, "\n\n")
			return strings.Join(strings.Fields(first), " ")
		}
	}
	return ""
}
