package chaos

import (
	"encoding/json"
	"testing"

	"frostline/edge/journal"
	"frostline/hub/api"
	"frostline/proto/reading"
)

// TestPromise1ThinnedArrivesAsAGap fills a gateway's journal until it has
// thinned, and lets the hub have the rest: the account adds up, says what was
// thinned, and the summaries are told with what they cover.
func TestPromise1ThinnedArrivesAsAGap(t *testing.T) {
	t.Parallel()
	s := build(t, seeded(t), layout{gateways: 1})
	g := s.gateways[0]
	j, err := journal.Open(g.journal(), g.id, journal.Options{BootID: "before", MaxBytes: 1 << 20, SegmentBytes: 64 << 10, BlockReadings: 20,
		Within: func(journal.Series) (int64, int64, bool) { return 2000, 8000, true }, Log: logTo(t, s.dir, "backlog")})
	s.must(err)
	ids := series(t, j, 20)
	var tick int64
	for thinned := uint64(0); thinned < 10; thinned = j.Stats().Thinned {
		var readings []reading.Reading
		for range 20 {
			tick += 1000
			for _, id := range ids {
				readings = append(readings, reading.Reading{Series: id, Tick: tick, Value: 4000 + tick%997})
			}
		}
		_, err := j.Append(t.Context(), readings, nil)
		s.must(err)
		if tick > 100_000_000 {
			t.Fatalf("nothing is thinned: %+v", j.Stats())
		}
	}
	stats := j.Stats()
	s.must(j.Close())

	s.must(g.start())
	s.await("the hub to have all that is left", func() (bool, error) {
		as, err := s.account()
		return err == nil && len(as) == 1 && as[0].Committed >= stats.Readings-stats.LostReadings && as[0].Gaps == stats.LostReadings, err
	})
	out, err := s.run("frostline", "thinned", g.id, "--json", "--socket", s.socket())
	s.must(err)
	var list []api.Summary
	s.must(json.Unmarshal(out, &list))
	var n uint64
	for _, x := range list {
		n += x.Count
		if x.Sensor == "" || x.Quantity != "temperature" || x.Min > x.Mean || x.Mean > x.Max || x.Reason == "" {
			t.Errorf("summary %+v", x)
		}
	}
	if n == 0 || n > stats.LostReadings {
		t.Errorf("%d readings are summarised, and %d were lost", n, stats.LostReadings)
	}
}
