package panel

import (
	"strings"
	"testing"
)

// An expired certificate is shown beside every reading that it touches, in all
// three faces; where nobody knows the time, that is said.
func TestExpiredCalibrationIsShown(t *testing.T) {
	for state, want := range map[string]struct {
		state State
		says  string
	}{
		CalibrationValid:   {Fine, ""},
		"expired":          {Watch, "calibration expired"},
		"not yet valid":    {Watch, "calibration not yet valid"},
		CalibrationUndated: {Fine, "calibration perhaps expired"},
	} {
		s := inState("fine")
		s.Sensors[0].Calibration = &Calibration{Certificate: "C-1", Issuer: "Lab", ValidFromMs: 1_768_435_200_000, ValidUntilMs: 1_789_000_000_000, State: state}
		if v := Judge(s); v.State != want.state {
			t.Errorf("%s: judged %s %q, want %s", state, v.State, v.Says, want.state)
		}
		var text strings.Builder
		if err := WriteText(&text, newStatus(s)); err != nil {
			t.Fatal(err)
		}
		page := words(body(t, get(t, NewPage(s.Gateway, fixed{s}, quiet()).Handler(), "/", nil)))
		for face, shown := range map[string]string{"page": page, "text": text.String()} {
			if strings.Contains(shown, "calibration") != (want.says != "") || !strings.Contains(shown, want.says) {
				t.Errorf("%s, %s: want %q in %s", state, face, want.says, shown)
			}
		}
	}
}
