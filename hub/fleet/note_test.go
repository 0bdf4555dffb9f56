package fleet

import (
	"testing"

	"frostline/hub/intake"
)

func TestNoteTellsAllThereIsToKnow(t *testing.T) {
	for _, test := range []struct {
		line intake.Line
		want string
	}{
		{intake.Line{}, ""},
		{intake.Line{Unnumbered: 7}, "besides, 7 readings were lost before they could be kept"},
		{intake.Line{Ended: "the end of epoch 1 is not known"}, "the next epoch began because the end of epoch 1 is not known"},
		{
			intake.Line{Problems: []string{"blocks 3 to 4 are in quarantine"}, Unnumbered: 7, Ended: "chains differ"},
			"blocks 3 to 4 are in quarantine; besides, 7 readings were lost before they could be kept; the next epoch began because chains differ",
		},
	} {
		if got := note(test.line); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
