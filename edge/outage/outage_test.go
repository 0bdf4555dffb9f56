package outage

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

// said collects what a log says, without times.
type said struct{ lines []string }

func (s *said) Write(b []byte) (int, error) {
	s.lines = append(s.lines, strings.TrimSpace(string(b)))
	return len(b), nil
}

func (s *said) log() *slog.Logger {
	return slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

func (s *said) want(t *testing.T, lines ...string) {
	t.Helper()
	if !slices.Equal(s.lines, lines) {
		t.Errorf("the log says\n%s\nwant\n%s", strings.Join(s.lines, "\n"), strings.Join(lines, "\n"))
	}
}

const minute = int64(time.Minute / time.Millisecond)

func TestFailureAndEndAreSaidOnce(t *testing.T) {
	var s said
	o := Outage{Log: s.log().With("bus", "w1"), Fails: "it fails", Works: "it works again"}
	o.Worked(0)
	for i := range int64(60) {
		kind := "no-answer"
		if i%20 == 19 {
			kind = "checksum"
		}
		o.Failed((10+i)*minute, kind, errors.New("gone"))
	}
	if !o.Open() || o.Failures() != 60 {
		t.Errorf("open is %v after %d failures", o.Open(), o.Failures())
	}
	for i := range int64(5) {
		o.Worked((70 + i) * minute)
	}
	first := `level=WARN msg="it fails" bus=w1 kind=no-answer err=gone`
	last := `level=INFO msg="it works again" bus=w1 failures=60 after=1h0m0s kinds="no-answer 57, checksum 3"`
	s.want(t, first, last)
	// A later one is another.
	o.Failed(100*minute, "checksum", errors.New("garbled"))
	o.Worked(101 * minute)
	s.want(t, first, last, `level=WARN msg="it fails" bus=w1 kind=checksum err=garbled`,
		`level=INFO msg="it works again" bus=w1 failures=1 after=1m0s kinds="checksum 1"`)
}

// TestFlapping: what comes and goes for an hour writes three lines.
func TestFlapping(t *testing.T) {
	var s said
	o := Outage{Log: s.log(), Fails: "down", Works: "up"}
	now := int64(1000)
	for range 720 {
		o.Failed(now, "", errors.New("cut"))
		o.Worked(now + 2000)
		now += 5000
	}
	for range 60 {
		o.Worked(now)
		now += 5000
	}
	s.want(t, `level=WARN msg=down err=cut`, `level=INFO msg=up failures=1 after=2s`, `level=INFO msg=up failures=720 after=59m57s`)
}

func TestKindsAreBounded(t *testing.T) {
	var s said
	o := Outage{Log: s.log(), Fails: "down", Works: "up"}
	for i := range 100 {
		o.Failed(int64(i), fmt.Sprint("kind", i), errors.New("x"))
	}
	if len(o.kinds) > maxKinds+1 || o.kinds["other"] != 100-maxKinds {
		t.Errorf("%d kinds are counted, %d as other", len(o.kinds), o.kinds["other"])
	}
}
