package server

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Metrics are a node's metrics at a moment, by series: the name, with labels as Prometheus writes them.
type Metrics map[string]float64

// Sum adds all series of a name, whatever their labels.
func (m Metrics) Sum(name string) (sum float64) {
	for series, v := range m {
		if base, _, _ := strings.Cut(series, "{"); base == name {
			sum += v
		}
	}
	return sum
}

// Metrics reads what the node shows its operators.
func (n *Node) Metrics(ctx context.Context) (Metrics, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.Addrs.Admin+"/metrics", nil)
	if err != nil {
		return nil, fmt.Errorf("server: metrics: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("server: metrics: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("server: metrics: %s", res.Status)
	}
	m := make(Metrics)
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		line := lines.Text()
		at := strings.LastIndexByte(line, ' ') // label values may hold spaces
		if at < 0 || strings.HasPrefix(line, "#") {
			continue
		}
		v, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("server: metrics: the line %q has no value", line)
		}
		m[line[:at]] = v
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("server: metrics: %w", err)
	}
	return m, nil
}
