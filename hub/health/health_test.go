package health

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func TestWhatIsWrongIsToldOnceAndShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		problem, asked := "", 0
		b, err := NewBoard([]Part{
			{"notify", func(context.Context) (Report, error) {
				asked++
				return Report{Problem: problem, Figures: []Figure{
					{Name: "notify_deliveries", Help: "Deliveries.", Labels: []string{"state", "pending"}, Value: 3},
					{Name: "notify_deliveries", Help: "Deliveries.", Labels: []string{"state", "failed"}, Value: 1},
					{Name: "notify_sent_total", Help: "Sent.", Counter: true, Value: 7},
				}}, nil
			}},
			{"store", func(context.Context) (Report, error) { return Report{}, nil }},
			{"slow", func(ctx context.Context) (Report, error) { <-ctx.Done(); return Report{}, ctx.Err() }},
		}, nil, slog.New(slog.NewTextHandler(&said, nil)))
		if err != nil {
			t.Fatal(err)
		}
		parts := b.Parts(t.Context())
		if len(parts) != 3 || parts[0].Problem != "" || parts[1].Problem != "" || !strings.Contains(parts[2].Problem, "deadline") {
			t.Fatalf("parts %+v", parts)
		}
		b.Parts(t.Context())
		if asked != 1 {
			t.Errorf("asked %d times within a second", asked)
		}
		began := time.Now()
		for range 3 {
			time.Sleep(2 * time.Second)
			problem = "1 delivery was given up;\nfrostline notifications"
			parts = b.Parts(t.Context())
		}
		if parts[0].Problem != "1 delivery was given up; frostline notifications" || parts[0].Since.Before(began) || parts[0].Since.After(began.Add(8*time.Second)) {
			t.Errorf("part %+v, which went wrong soon after %s", parts[0], began)
		}
		if err := b.Checks()["notify"](t.Context()); err == nil || err.Error() != parts[0].Problem {
			t.Errorf("check says %v", err)
		}
		if err := b.Checks()["store"](t.Context()); err != nil {
			t.Errorf("check of what is well: %v", err)
		}
		reg := prometheus.NewPedanticRegistry()
		reg.MustRegister(b)
		page := httptest.NewRecorder()
		promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
		for _, want := range []string{
			"# TYPE frostline_notify_deliveries gauge\n", `frostline_notify_deliveries{state="failed"} 1`, `frostline_notify_deliveries{state="pending"} 3`,
			"# TYPE frostline_notify_sent_total counter\nfrostline_notify_sent_total 7\n",
			`frostline_part_well{part="notify"} 0`, `frostline_part_well{part="store"} 1`, `frostline_part_unwell_seconds{part="store"} 0`,
		} {
			if !strings.Contains(page.Body.String(), want) {
				t.Errorf("metrics do not have %q:\n%s", want, page.Body.String())
			}
		}
		problem = ""
		time.Sleep(2 * time.Second)
		if parts = b.Parts(t.Context()); parts[0].Problem != "" || !parts[0].Since.IsZero() {
			t.Errorf("well again, and shown as %+v", parts[0])
		}
		if n := strings.Count(said.String(), "name=notify"); n != 2 {
			t.Errorf("said %d times, want that it went wrong and that it is well:\n%s", n, said.String())
		}
	})
}

func TestRunLooksAlthoughNobodyAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		b, err := NewBoard([]Part{{"part", func(context.Context) (Report, error) { asked++; return Report{}, errors.New("broken") }}}, nil, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*Every+time.Second)
		defer cancel()
		if err := b.Run(ctx); err != nil || asked != 10 {
			t.Errorf("asked %d times, %v", asked, err)
		}
	})
	ask := func(context.Context) (Report, error) { return Report{}, nil }
	for _, parts := range [][]Part{{{"", ask}}, {{"a", nil}}, {{"a", ask}, {"a", ask}}} {
		if _, err := NewBoard(parts, nil, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%v is taken", parts)
		}
	}
}
