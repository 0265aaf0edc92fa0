package report

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// lineColors tell series apart also for who sees few colours (Okabe and Ito's palette).
var lineColors = []color.RGBA{
	{0x00, 0x72, 0xb2, 0xff}, {0xd5, 0x5e, 0x00, 0xff}, {0x00, 0x9e, 0x73, 0xff},
	{0xcc, 0x79, 0xa7, 0xff}, {0xe6, 0x9f, 0x00, 0xff}, {0x56, 0xb4, 0xe9, 0xff},
}

const (
	plotWidth  = 20 * vg.Centimeter
	plotHeight = 9 * vg.Centimeter
)

// ink is what the plots' text and axes are drawn in: of the page, so that they are read on light and dark alike.
var ink = []byte("currentColor")

// svg draws the plot. Points that are no numbers leave a gap at their place.
func (p Plot) svg() (string, error) {
	g := plot.New()
	g.Title.Text, g.X.Label.Text, g.Y.Label.Text = p.Title, p.X, p.Y
	g.BackgroundColor = color.Transparent
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{0x99}, color.Gray{0x99}
	grid.Vertical.Width, grid.Horizontal.Width = vg.Points(0.25), vg.Points(0.25)
	g.Add(grid)
	g.Legend.Top = true
	g.Legend.Padding = vg.Points(2)
	g.Y.Min = 0
	least := math.Inf(1) // of all points
	for _, style := range []*font.Font{&g.Title.TextStyle.Font, &g.X.Label.TextStyle.Font, &g.Y.Label.TextStyle.Font, &g.X.Tick.Label.Font, &g.Y.Tick.Label.Font, &g.Legend.TextStyle.Font} {
		style.Variant = "Sans"
		style.Size = vg.Points(10)
	}
	g.Title.TextStyle.Font.Size = vg.Points(11)
	g.Title.Padding = vg.Points(6)
	for i, s := range p.Series {
		if len(s.X) != len(s.Y) {
			return "", fmt.Errorf("report: plot %q: series %q has %d x and %d y", p.Title, s.Name, len(s.X), len(s.Y))
		}
		named := false
		for _, part := range stretches(s) {
			line, points, err := plotter.NewLinePoints(part)
			if err != nil {
				return "", fmt.Errorf("report: plot %q: series %q: %w", p.Title, s.Name, err)
			}
			line.Color = lineColors[i%len(lineColors)]
			line.Width = vg.Points(1.5)
			points.Color, points.Shape, points.Radius = line.Color, draw.CircleGlyph{}, vg.Points(2)
			g.Add(line)
			for _, at := range part {
				least = min(least, at.X)
			}
			if len(part) <= 40 {
				g.Add(points)
			}
			if !named && len(p.Series) > 1 { // one alone is what the title says
				// Browsers write with a font that may be wider than the one that the library measures with.
				g.Legend.Add(s.Name+"\u00a0\u00a0\u00a0", line)
				named = true
			}
		}
	}
	if p.Log && least > 0 && !math.IsInf(least, 1) { // else there is no logarithm
		g.X.Scale = plot.LogScale{}
		g.X.Tick.Marker = p.marks()
	}
	canvas := vgsvg.New(plotWidth, plotHeight)
	g.Draw(draw.Crop(draw.New(canvas), 0, -vg.Points(24), 0, 0)) // the last mark's number is centred on it
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return "", fmt.Errorf("report: plot %q: %w", p.Title, err)
	}
	raw := b.Bytes()
	if at := bytes.Index(raw, []byte("<svg")); at > 0 { // without the XML declaration, which HTML does not have
		raw = raw[at:]
	}
	// The library knows colours by number only, and writes black for all that is no series.
	raw = bytes.ReplaceAll(raw, []byte("#000000"), ink)
	return string(raw), nil
}

// marks are at the points of the first series.
func (p Plot) marks() plot.ConstantTicks {
	var ticks plot.ConstantTicks
	if len(p.Series) == 0 {
		return ticks
	}
	last := 0.0
	for _, x := range p.Series[0].X {
		t := plot.Tick{Value: x}
		if last == 0 || x >= 1.25*last { // else the numbers touch
			t.Label, last = Grouped(x), x
		}
		ticks = append(ticks, t)
	}
	return ticks
}

// Grouped writes a whole number with its thousands apart.
func Grouped(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	if math.IsInf(v, 0) {
		return s
	}
	first := len(s) - len(strings.TrimPrefix(s, "-"))
	for i := len(s) - 3; i > first; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func stretches(s Series) (parts []plotter.XYs) {
	var part plotter.XYs
	end := func() {
		if len(part) > 0 {
			parts = append(parts, part)
		}
		part = nil
	}
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	for i := range s.X {
		if !finite(s.X[i]) || !finite(s.Y[i]) {
			end()
			continue
		}
		part = append(part, plotter.XY{X: s.X[i], Y: s.Y[i]})
	}
	end()
	return parts
}
