package panel

import (
	"slices"
	"strings"
	"testing"

	"frostline/proto/reading"
)

func TestJudge(t *testing.T) {
	want := map[string]struct {
		state State
		says  string // begins so
		fine  string // contains
		do    string // contains
	}{
		"fine":         {Fine, "This gateway works as it should.", "All 5 sensors answer, and the hub has every reading up to 0.9 s ago.", ""},
		"offline":      {Watch, "Offline for 12 min. Saving 5,760 readings, nothing is lost.", "All 5 sensors answer.", "network cable"},
		"pulled":       {Watch, "The link was pulled by hand 12 min ago. Saving 5,760 readings", "All 5 sensors answer.", "frostline-edge link up"},
		"silent":       {Silent, "box-b has not answered for 9 min.", "4 of 5 sensors answer", "cable and its power"},
		"overdue":      {Silent, "cabin has been silent for 8.0 s.", "4 of 5", ""},
		"stuck":        {Watch, "box-a is stuck at one value.", "4 of 5", "Replace it"},
		"starting":     {Silent, "Starting: no sensor has given a reading yet.", "", ""},
		"undated":      {Undated, "The time is not known yet", "the hub has every reading", "GNSS"},
		"disk-full":    {Bad, "The disk takes no readings: 1,204 readings in memory alone", "All 5 sensors answer.", "Free space"},
		"nearly-full":  {Bad, "The journal is full in 3 hours if the hub stays out of reach.", "safe on", "Restore the link"},
		"catching-up":  {Watch, "Catching up: 402,551 readings from the last 5 h 24 min still to be sent.", "All 5 sensors answer.", ""},
		"quiet-hub":    {Watch, "Connected, but the hub has acknowledged nothing for 4 min.", "All 5 sensors answer.", "intake"},
		"refused":      {Bad, "The hub refused 3 blocks: broken chain", "5 sensors answer", "quarantine"},
		"not-enrolled": {Watch, "No hub to send to: this gateway is not enrolled. Saving 5,760 readings", "All 5", "frostline enrol"},
		"expired":      {Bad, "The certificate has expired", "safe on", "Enrol it again"},
		"old-epoch":    {Watch, "1 segment of the journal was damaged and set aside.", "5 sensors answer", "examination"},
		"everything":   {Bad, "The disk takes no readings", "2 of 5 sensors answer", "Free space"},
	}
	for _, name := range stateNames() {
		t.Run(name, func(t *testing.T) {
			v, w := Judge(inState(name)), want[name]
			if v.State != w.state || !strings.HasPrefix(v.Says, w.says) {
				t.Errorf("got %s %q\nwant %s %q", v.State, v.Says, w.state, w.says)
			}
			if !strings.Contains(v.Fine, w.fine) {
				t.Errorf("what is fine: got %q, want %q in it", v.Fine, w.fine)
			}
			if len(v.Findings) > 0 && !strings.Contains(v.Findings[0].Do, w.do) {
				t.Errorf("what to do: got %q, want %q in it", v.Findings[0].Do, w.do)
			}
			if !slices.IsSortedFunc(v.Findings, func(a, b Finding) int { return a.State.Worse(b.State) }) {
				t.Errorf("findings are not worst first: %+v", v.Findings)
			}
		})
	}
}

// TestUnknownIsAState: silence and an undated clock are never fine.
func TestUnknownIsAState(t *testing.T) {
	for _, name := range []string{"silent", "overdue", "starting", "undated", "everything"} {
		if v := Judge(inState(name)); v.State == Fine {
			t.Errorf("%s: judged fine", name)
		}
	}
	none := fineGateway()
	none.Sensors = nil
	if v := Judge(none); v.State != Silent || strings.Contains(v.Fine, "sensor") {
		t.Errorf("without sensors: got %s, %q", v.State, v.Fine)
	}
	if v := Judge(Snapshot{}); v.State == Fine {
		t.Error("an empty snapshot is judged fine")
	}
}

// TestNothingIsLostOnlyWhereThatIsTrue: the words that calm must be earned.
func TestNothingIsLostOnlyWhereThatIsTrue(t *testing.T) {
	for _, name := range stateNames() {
		s := inState(name)
		v := Judge(s)
		text := v.Says + v.Fine
		for _, f := range v.Findings {
			text += f.Says
		}
		calm := strings.Contains(text, "nothing is lost") || strings.Contains(text, "safe on")
		if calm && (s.Journal.Error != "" || s.Journal.MemoryBlocks > 0) {
			t.Errorf("%s: says that readings are safe while the disk takes none: %q", name, text)
		}
	}
	s := inState("offline")
	s.Journal.LostReadings = 1
	for _, f := range Judge(s).Findings {
		if strings.Contains(f.Says, "nothing is lost") {
			t.Errorf("with a declared gap: %q", f.Says)
		}
	}
	s = fineGateway()
	s.Uplink.AckAgeMs, s.Journal.PendingReadings, s.Journal.OldestAgeMs = nil, 0, nil
	if v := Judge(s); strings.Contains(v.Fine, "hub has") {
		t.Errorf("without any acknowledgement: %q", v.Fine)
	}
}

// TestDeadBusIsOneFinding: ten sensors behind one cut cable are one thing to do.
func TestDeadBusIsOneFinding(t *testing.T) {
	s := fineGateway()
	for i := range 2 {
		s.Sensors[i].Last[0].Quality = reading.NoAnswer
	}
	v := Judge(s)
	if len(v.Findings) != 1 || v.Says != "None of the 2 sensors on w1, simulated gives a reading." {
		t.Errorf("got %+v", v)
	}
	s.Sensors[0].Last[0].Quality = reading.OK
	if v := Judge(s); v.Says != "box-b has not answered for 0.4 s." {
		t.Errorf("with one that answers: got %q", v.Says)
	}
}

func TestFaultPasses(t *testing.T) {
	s := fineGateway()
	s.Faults = []Fault{{Part: "sampler", Detail: "12 readings were lost", AgeMs: 60_000}}
	if v := Judge(s); v.State != Watch || v.Says != "sampler: 12 readings were lost." {
		t.Errorf("a fresh fault: %s %q", v.State, v.Says)
	}
	s.Faults[0].AgeMs = passedMs + 1
	if v := Judge(s); v.State != Fine {
		t.Errorf("an old fault: %s %q", v.State, v.Says)
	}
}

func TestStartIsNotAFaultForLong(t *testing.T) {
	s := inState("starting")
	s.UptimeMs = startingMs
	v := Judge(s)
	if v.State != Silent || strings.Contains(v.Says, "Starting") {
		t.Errorf("after %d ms without a reading: %s %q", startingMs, v.State, v.Says)
	}
}
