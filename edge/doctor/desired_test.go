package doctor

import (
	"strings"
	"testing"

	"frostline/edge/panel"
)

func TestConfigurationOfTheHubIsTold(t *testing.T) {
	for _, x := range []struct {
		config panel.Config
		want   Outcome
		says   string
	}{
		{panel.Config{}, "", ""},
		{panel.Config{Running: 3}, OK, "version 3"},
		{panel.Config{Running: 3, Trial: true}, OK, "on trial"},
		{panel.Config{Running: 3, Refused: 4, Reason: "no such sensor"}, Warn, "version 4 was refused: no such sensor"},
	} {
		b := newTestBench(t)
		b.running = &panel.Status{Snapshot: panel.Snapshot{Config: x.config}}
		var got Result
		for _, c := range b.desiredCheck() {
			c.run(t.Context(), func(r Result) { got = r })
		}
		if got.Outcome != x.want || !strings.Contains(got.Found, x.says) {
			t.Errorf("%+v: got %+v", x.config, got)
		}
	}
}
