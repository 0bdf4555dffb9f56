package workflow

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"frostline/hub/record"
	"frostline/hub/store"
)

func TestPausesAreBoundedAndDiffer(t *testing.T) {
	different := map[time.Duration]bool{}
	for n := range 40 {
		p := pause(n)
		different[p] = true
		if p < 0 || p > longestPause {
			t.Errorf("pause %d is %s", n, p)
		}
	}
	if len(different) < 10 {
		t.Errorf("only %d of 40 pauses differ", len(different))
	}
}

// TestInsist: what may be cured is tried so often, what is refused once, and
// while the store itself fails without end.
func TestInsist(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want int
	}{
		"transient": {errors.New("away"), 8},
		"refused":   {record.Refusedf("no"), 1},
		"store":     {store.ErrUnknown, 50},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				err := insist(t.Context(), 8, func(error) {}, func(context.Context) error {
					if n++; n == 50 {
						return nil
					}
					return test.err
				})
				if n != test.want || (err == nil) != (test.want == 50) {
					t.Errorf("tried %d times, %v, want %d", n, err, test.want)
				}
			})
		})
	}
}

func TestConfig(t *testing.T) {
	for want, c := range map[string]Config{
		`severities: "bad"`: {Severities: []string{"bad"}}, `stop "go"`: {Stop: "go"}, "remind 1s": {Remind: time.Second}, "tries 21": {Tries: 21},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
	var c Config
	if err := c.Validate(); err != nil || c.Stop != StopHold || c.Remind != 4*time.Hour {
		t.Errorf("defaults %+v, %v", c, err)
	}
}
