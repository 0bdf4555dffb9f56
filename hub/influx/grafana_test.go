package influx

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"frostline/hub/influx/influxtest"
	"frostline/hub/store/storetest"
)

// TestGrafanaAsksForWhatIsWritten runs each query of the dashboards on a real
// server, with readings written by the hub.
func TestGrafanaAsksForWhatIsWritten(t *testing.T) {
	text, err := os.ReadFile("../../dashboards/grafana/dashboards/readings.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Query string }
		}
		Templating struct {
			List []struct{ Type, Query string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	server := influxtest.StartFlux(t)
	h := &hub{dated: map[uint32]bool{1: true}}
	h.commit(1, 2)
	run(t, open(t, storetest.Open(t, storetest.SQLite(t)), h, server.URL()), "writing", drained(h))
	post(t, server.URL()+"/write?db=frostline&precision=ms", "door,gateway=van,sensor=door value=1 1751000050000\n")
	fill := strings.NewReplacer("v.defaultBucket", `"frostline/autogen"`, "v.timeRangeStart", "2025-01-01T00:00:00Z", "v.timeRangeStop", "2026-01-01T00:00:00Z",
		"v.windowPeriod", "1d", "${gateway:regex}", ".*")
	asked := 0
	ask := func(what, query string) {
		asked++
		r, err := http.Post(server.URL()+"/api/v2/query", "application/vnd.flux", strings.NewReader(fill.Replace(query)))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		rows, err := csv.NewReader(strings.NewReader(strings.TrimSpace(string(b)))).ReadAll()
		if r.StatusCode != http.StatusOK || err != nil || len(rows) < 2 {
			t.Errorf("%s: %s, %d rows, %v\n%s", what, r.Status, len(rows), err, b)
		}
	}
	for _, p := range board.Panels {
		for _, q := range p.Targets {
			ask(p.Title, q.Query)
		}
	}
	for _, v := range board.Templating.List {
		if v.Type == "query" && !strings.Contains(v.Query, "schema.tagValues") { // version 1 has no such package
			ask("variable", v.Query)
		}
	}
	if asked < 5 {
		t.Errorf("%d queries: the dashboard was not read", asked)
	}
}
