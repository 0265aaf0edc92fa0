package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"os"
)

//go:embed page.html
var pageSource string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"plot":    func(p Plot) (template.HTML, error) { svg, err := p.svg(); return template.HTML(svg), err },
	"verdict": Target.verdict,
	"places":  places,
}).Parse(pageSource))

// HTML writes results as one page that needs nothing beside itself.
func HTML(w io.Writer, results ...*Result) error {
	if err := page.Execute(w, overview{results}); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// WriteHTML writes the page to a file.
func WriteHTML(file string, results ...*Result) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	defer func() {
		if e := f.Close(); err == nil && e != nil {
			err = fmt.Errorf("report: %w", e)
		}
	}()
	return HTML(f, results...)
}
