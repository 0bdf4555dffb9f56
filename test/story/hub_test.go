package story

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"frostline/hub/api"
)

// hub asks the hub of a demonstration over its socket.
type hub struct {
	t      *testing.T
	socket string
	http   *http.Client
}

func hubAt(t *testing.T, socket string) *hub {
	return &hub{t, socket, &http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}}
}

// get reads a JSON answer of the interface for programs.
func (h *hub) get(path string, out any) {
	h.t.Helper()
	r, err := h.http.Get("http://hub" + path)
	if err != nil {
		h.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		h.t.Fatalf("GET %s: %d %s %v", path, r.StatusCode, b, err)
	}
	if err := json.Unmarshal(b, out); err != nil {
		h.t.Fatalf("GET %s: %v", path, err)
	}
}

// verdict is so much of one as is looked at. Times are Unix ms.
type verdict struct {
	Outcome     string  `json:"outcome"`
	From        int64   `json:"from"`
	To          int64   `json:"to"`
	Monitored   int64   `json:"monitoredMs"`
	Unmonitored int64   `json:"unmonitoredMs"`
	InRange     int64   `json:"inRangeMs"`
	OutOfRange  int64   `json:"outOfRangeMs"`
	Excursions  []event `json:"excursions"`
	Gaps        []span  `json:"gaps"`
}

type event struct {
	From  int64   `json:"from"`
	To    int64   `json:"to"`
	Alarm int64   `json:"alarm"`
	Peak  float64 `json:"peak"`
}

type span struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// verdict gives the one verdict of a package.
func (h *hub) verdict(pkg string) verdict {
	h.t.Helper()
	var out struct {
		Judgements []struct {
			Verdict verdict `json:"verdict"`
		} `json:"judgements"`
	}
	h.get("/packages/"+pkg+"/verdict", &out)
	if len(out.Judgements) != 1 {
		h.t.Fatalf("package %s: %d judgements, want 1", pkg, len(out.Judgements))
	}
	return out.Judgements[0].Verdict
}

type excursion struct {
	ID    string `json:"id"`
	State string `json:"state"`
	Facts struct {
		Kind  string   `json:"kind"`
		From  int64    `json:"from"`
		To    int64    `json:"to"`
		Peak  *float64 `json:"peak"`
		Ended string   `json:"ended"`
		Units []struct {
			Unit string `json:"unit"`
		} `json:"units"`
		Retracted bool `json:"retracted"`
	} `json:"facts"`
	Signed []struct {
		Standing string `json:"standing"`
		Person   string `json:"person"`
	} `json:"signed"`
	Proposal []struct {
		Decision string `json:"decision"`
	} `json:"proposal"`
}

// cases gives those of a package, by kind.
func (h *hub) cases(pkg string) map[string][]excursion {
	h.t.Helper()
	var out struct {
		Items []excursion `json:"items"`
	}
	h.get("/excursions?limit=500&package="+pkg, &out)
	by := map[string][]excursion{}
	for _, c := range out.Items {
		by[c.Facts.Kind] = append(by[c.Facts.Kind], c)
	}
	return by
}

// point is a reading as the hub keeps it; NaN for one that is not OK.
type point struct {
	at      int64
	celsius float64
}

// readings gives those of a sensor, taken from a time to another.
func (h *hub) readings(sensor string, from, to int64) []point {
	h.t.Helper()
	var b bytes.Buffer
	if _, err := api.NewClient(h.socket).History(h.t.Context(), &b, sensor+"/temperature", time.UnixMilli(from), time.UnixMilli(to), true); err != nil {
		h.t.Fatalf("history of %s: %v", sensor, err)
	}
	var out []point
	for d := json.NewDecoder(&b); ; {
		var r struct {
			Time    time.Time `json:"time"`
			Value   float64   `json:"value"`
			Quality string    `json:"quality"`
		}
		if err := d.Decode(&r); err == io.EOF {
			return out
		} else if err != nil {
			h.t.Fatalf("history of %s: %v", sensor, err)
		}
		p := point{r.Time.UnixMilli(), r.Value}
		if r.Quality != "ok" {
			p.celsius = math.NaN()
		}
		out = append(out, p)
	}
}

// beyond finds by itself the first time beyond a limit: where the straight
// lines between readings cross it, and where they have come back by a deadband.
// sign is 1 for an upper limit and -1 for a lower one.
func beyond(all []point, limit, deadband, sign float64) (e event, err error) {
	cross := func(a, b point, at float64) int64 {
		return a.at + int64(math.Round(float64(b.at-a.at)*(at-a.celsius)/(b.celsius-a.celsius)))
	}
	all = slices.DeleteFunc(slices.Clone(all), func(p point) bool { return math.IsNaN(p.celsius) })
	for i := 1; i < len(all); i++ {
		a, b := all[i-1], all[i]
		switch {
		case e.From == 0 && sign*(b.celsius-limit) > 0:
			e.From, e.Peak = cross(a, b, limit), b.celsius
		case e.From != 0 && sign*(b.celsius-limit+sign*deadband) <= 0:
			e.To = cross(a, b, limit-sign*deadband)
			return e, nil
		case e.From != 0 && sign*(b.celsius-e.Peak) > 0:
			e.Peak = b.celsius
		}
	}
	return e, fmt.Errorf("no time beyond %g that ends, in %d readings", limit, len(all))
}
