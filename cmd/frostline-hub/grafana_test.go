package main

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"frostline/hub/view"
)

// told are the names and labels of all metrics that a hub tells, with one gateway
// of which everything is known.
func told(t *testing.T) map[string]map[string]bool {
	t.Helper()
	c := defaults()
	c.Data = t.TempDir()
	c.Store, c.Web, c.MQTT, c.Enrol = "sqlite:"+filepath.Join(c.Data, "hub.db"), "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	h, err := open(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.store.Close() })
	families, err := h.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]bool{}
	note := func(name, label string) {
		if out[name] == nil {
			out[name] = map[string]bool{}
		}
		out[name][label] = true
	}
	for _, f := range families {
		for _, m := range f.Metric {
			note(f.GetName(), "")
			for _, l := range m.Label {
				note(f.GetName(), l.GetName())
			}
		}
	}
	now, hours := time.Now().UnixMilli(), uint32(40)
	known := view.Gateway{ID: "van-1", Version: "1", Connected: true, Heard: now, LastCommit: now, Clock: view.Clock{Dated: true}, Journal: view.Journal{HoursLeft: &hours}}
	for _, f := range gatewayFigures([]view.Gateway{known}, map[string]int64{"van-1": now}, now) {
		for i := 0; i < len(f.Labels); i += 2 {
			note("frostline_"+f.Name, f.Labels[i])
		}
	}
	return out
}

var (
	metricName  = regexp.MustCompile(`\bfrostline_\w+`)
	metricLabel = regexp.MustCompile(`(\w+)=~?"|\{\{(\w+)\}\}|label_values\(\w+, (\w+)\)`)
)

// TestGrafanaAsksForOurMetrics: each query of the operations dashboard names
// metrics that the hub tells, and labels that they have; each panel has a query,
// and each datasource is one that people choose.
func TestGrafanaAsksForOurMetrics(t *testing.T) {
	text, err := os.ReadFile("../../dashboards/grafana/dashboards/operations.json")
	if err != nil {
		t.Fatal(err)
	}
	type source struct{ UID string }
	var board struct {
		SchemaVersion int
		Panels        []struct {
			Title      string
			Datasource source
			Targets    []struct {
				Expr, LegendFormat string
				Datasource         source
			}
		}
		Templating struct {
			List []struct{ Name, Type, Query string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	names := told(t)
	asked := 0
	ask := func(what, query, legend string) {
		t.Helper()
		asked++
		of := metricName.FindAllString(query, -1)
		if len(of) == 0 {
			t.Errorf("%s asks for no metric of ours: %s", what, query)
		}
		for _, name := range of {
			labels, ok := names[name]
			if !ok {
				t.Errorf("%s asks for %s, which the hub does not tell", what, name)
				continue
			}
			for _, m := range metricLabel.FindAllStringSubmatch(query+" "+legend, -1) {
				if label := m[1] + m[2] + m[3]; !labels[label] {
					t.Errorf("%s asks for label %s, which %s does not have", what, label, name)
				}
			}
		}
	}
	for _, p := range board.Panels {
		if len(p.Targets) == 0 || p.Datasource.UID != "${metrics}" {
			t.Errorf("%s has %d queries, of %q", p.Title, len(p.Targets), p.Datasource.UID)
		}
		for _, q := range p.Targets {
			ask(p.Title, q.Expr, q.LegendFormat)
		}
	}
	chosen := false
	for _, v := range board.Templating.List {
		if v.Type == "query" {
			ask("variable "+v.Name, v.Query, "")
		}
		chosen = chosen || v.Name == "metrics" && v.Type == "datasource" && v.Query == "prometheus"
	}
	if asked < 15 || !chosen || board.SchemaVersion != 42 {
		t.Errorf("%d queries, datasource chosen %t, schema %d", asked, chosen, board.SchemaVersion)
	}
	// What operators see of gateways stands on the dashboard as well.
	for name := range names {
		if strings.HasPrefix(name, "frostline_gateway_") && name != "frostline_gateway_buffer_taken_ratio" && !strings.Contains(string(text), name) {
			t.Errorf("%s is on no panel", name)
		}
	}
}

// TestWhatIsNotKnownOfAGatewayIsNotTold: no 0 stands for what nobody knows, and
// nothing of a gateway that is not trusted any more.
func TestWhatIsNotKnownOfAGatewayIsNotTold(t *testing.T) {
	now := time.Now().UnixMilli()
	for _, f := range gatewayFigures([]view.Gateway{{ID: "new", Enrolled: now}, {ID: "gone", Revoked: now, Heard: now}}, nil, now) {
		if f.Labels[1] != "new" {
			t.Errorf("%s is told of %s", f.Name, f.Labels[1])
		}
		switch f.Name {
		case "gateway_info", "gateway_online", "gateway_quarantined_parcels", "gateway_alarms":
		default:
			t.Errorf("%s is told as %v", f.Name, f.Value)
		}
	}
	hours := uint32(40)
	away := view.Gateway{ID: "away", Heard: now - 39*3_600_000, Journal: view.Journal{HoursLeft: &hours}}
	for _, f := range gatewayFigures([]view.Gateway{away}, nil, now) {
		if f.Name == "gateway_buffer_left_seconds" && f.Value != 3600 {
			t.Errorf("39 h after it said 40 h: %v s are left", f.Value)
		}
	}
}
