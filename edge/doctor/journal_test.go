package doctor

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"frostline/edge/journal"
	"frostline/edge/panel"
	"frostline/proto/reading"
)

// keep makes a journal with some readings.
func keep(t *testing.T, dir, gateway string) {
	t.Helper()
	j, err := journal.Open(dir, gateway, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	id, err := j.Series(journal.Series{Sensor: "box-a", Quantity: reading.Temperature})
	if err != nil {
		t.Fatal(err)
	}
	for tick := range int64(10) {
		if _, err := j.Append(t.Context(), []reading.Reading{{Series: id, Tick: 1000 * (tick + 1), Value: 5000}}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestJournalIsVerified(t *testing.T) {
	b := newTestBench(t)
	b.Journal = filepath.Join(b.DataDir, "journal")
	r, _ := examine(t, b)
	want(t, r, "journal", Skipped, "none yet")

	keep(t, b.Journal, "van-14")
	r, _ = examine(t, b)
	want(t, r, "journal", OK, "10 readings in", "whole and in chain")

	segments, err := filepath.Glob(filepath.Join(b.Journal, "*.db"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("segments %v, %v", segments, err)
	}
	whole, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	aside := segments[0] + ".damaged-20260915T142203.000000000Z"
	if err := os.WriteFile(aside, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	r, _ = examine(t, b)
	want(t, r, "journal", Warn, filepath.Base(aside), "Copy them")

	b.Gateway = "van-15"
	r, exit := examine(t, b)
	want(t, r, "journal", Fail, `of gateway "van-14"`)
	if exit != 1 {
		t.Errorf("exit %d, want 1", exit)
	}
	b.Gateway = "van-14"

	if err := os.WriteFile(segments[0], whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	r, _ = examine(t, b)
	want(t, r, "journal", Warn, "epoch 1, block 1", "Start the agent")

	b.verify = func(string) (*journal.Report, error) { return nil, errors.New("input/output error") }
	r, _ = examine(t, b)
	want(t, r, "journal", Fail, "input/output error", "dmesg")
}

func TestJournalOfRunningAgent(t *testing.T) {
	for _, c := range []struct {
		name    string
		state   panel.Journal
		outcome Outcome
		words   string
	}{
		{"well", panel.Journal{Readings: 500, PendingReadings: 8}, OK, "keeps 500 readings, of which the hub lacks 8"},
		{"disk full", panel.Journal{Error: "no space left on device", MemoryBlocks: 3}, Fail, "no space left"},
		{"draining", panel.Journal{MemoryBlocks: 3, MemoryReadings: 180}, Fail, "180 wait in memory"},
		{"damaged", panel.Journal{DamagedSegments: 2}, Warn, "2 files are set aside"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want(t, map[string]Result{"journal": askedJournal(c.state)}, "journal", c.outcome, c.words)
		})
	}
}

func TestJournalThatGetsFull(t *testing.T) {
	hours := 12.0
	r := askedJournal(panel.Journal{Readings: 9, PendingReadings: 9, FullPercent: 71, HoursLeft: &hours})
	if r.Outcome != Warn || !strings.Contains(r.Found, "71 % full") || !strings.Contains(r.Found, "12 hours") {
		t.Errorf("got %+v, want a warning with the hours left", r)
	}
	if r := askedJournal(panel.Journal{Readings: 9, FullPercent: 12}); r.Outcome != OK {
		t.Errorf("got %+v, want ok", r)
	}
}
