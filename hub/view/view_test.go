package view

import (
	"testing"
	"time"

	"frostline/proto/reading"
)

func TestJudge(t *testing.T) {
	const now = 1_800_000_000_000
	at := func(age int64) *Reading { return &Reading{Dated: true, UTC: now - age, Received: now} }
	undated := func(age int64) *Reading { return &Reading{Received: now - age} }
	with := func(r *Reading, change func(*Reading)) *Reading { change(r); return r }
	for name, tt := range map[string]struct {
		r        *Reading
		interval time.Duration
		want     State
		word     string
	}{
		"none":                  {nil, time.Second, Silent, "no reading yet"},
		"fresh":                 {at(900), time.Second, Live, "live"},
		"at the limit":          {at(8000), time.Second, Live, "live"},
		"just beyond":           {at(8001), time.Second, Silent, "silent"},
		"slow sensor":           {at(30_000), 10 * time.Second, Live, "live"},
		"no interval declared":  {at(184_000), 0, Live, "live"},
		"backlog arriving now":  {at(3 * 3600_000), time.Second, Silent, "silent"},
		"no answer":             {with(at(900), func(r *Reading) { r.Quality = reading.NoAnswer }), time.Second, NotOK, "not ok: no answer"},
		"no answer, long ago":   {with(at(90_000), func(r *Reading) { r.Quality = reading.NoAnswer }), time.Second, Silent, "silent"},
		"undated":               {undated(900), time.Second, Undated, "time unknown"},
		"undated, long ago":     {undated(60_000), time.Second, Silent, "silent"},
		"undated and bad":       {with(undated(900), func(r *Reading) { r.Quality = reading.PowerOn }), time.Second, NotOK, "not ok: power-on value"},
		"hardly dated":          {with(at(900), func(r *Reading) { r.Uncertainty = 600_000 }), time.Second, Undated, "time unknown"},
		"uncertain, still live": {with(at(10_000), func(r *Reading) { r.Uncertainty = 3000 }), time.Second, Live, "live"},
		"ahead of the hub":      {at(-240_000), time.Second, NotOK, "not ok: dated ahead of the hub's clock"},
	} {
		s := Judge(tt.r, tt.interval, now)
		if s.State != tt.want || s.Word != tt.word {
			t.Errorf("%s: got %q %q, want %q %q", name, s.State, s.Word, tt.want, tt.word)
		}
		if s.Until != 0 {
			if again := Judge(tt.r, tt.interval, s.Until); again.State != s.State && name != "ahead of the hub" {
				t.Errorf("%s: at its Until the state is %q, want still %q", name, again.State, s.State)
			}
			if later := Judge(tt.r, tt.interval, s.Until+1); later.State != Silent {
				t.Errorf("%s: after its Until the state is %q, want silent", name, later.State)
			}
		}
	}
}

func TestJudgeLink(t *testing.T) {
	const now = 1_800_000_000_000
	for want, g := range map[Link]Gateway{
		Revoked:    {Revoked: now - 5, Heard: now, Connected: true},
		NeverHeard: {Enrolled: now - 5},
		Offline:    {Heard: now - 1000},
		Online:     {Heard: now - 1000, Connected: true},
		LinkSilent: {Heard: now - 186_000, Connected: true},
	} {
		if got := JudgeLink(g, now).Link; got != want {
			t.Errorf("link of %+v: got %q, want %q", g, got, want)
		}
	}
}

func TestValue(t *testing.T) {
	for _, tt := range []struct {
		q           reading.Quantity
		v           int64
		want, exact string
	}{
		{reading.Temperature, 4250, "4.25", "4.250"},
		{reading.Temperature, -18_062, "−18.06", "-18.062"},
		{reading.Temperature, -4, "0.00", "-0.004"},
		{reading.Temperature, -5, "−0.01", "-0.005"},
		{reading.Temperature, 7_995, "8.00", "7.995"},
		{reading.Temperature, 7_994, "7.99", "7.994"},
		{reading.Humidity, 45_650, "45.7", "45.650"},
		{reading.Latitude, 399_611_755, "39.96118", "39.9611755"},
		{reading.Longitude, -829_987_942, "−82.99879", "-82.9987942"},
		{reading.StateOfCharge, 87_500, "88", "87.500"},
		{reading.Pressure, 101_325, "101325", "101325"},
		{reading.Door, 1, "open", "1"},
		{reading.Door, 0, "closed", "0"},
		{reading.Door, 7, "7", "7"},
		{reading.CompressorRunning, 1, "running", "1"},
		{reading.Temperature, -1 << 63, "−9223372036854775.80", "-9223372036854775.808"},
	} {
		if got := Value(tt.q, tt.v); got != tt.want && tt.v != -1<<63 {
			t.Errorf("Value(%v, %d) = %q, want %q", tt.q, tt.v, got, tt.want)
		}
		if got := Exact(tt.q, tt.v); got != tt.exact {
			t.Errorf("Exact(%v, %d) = %q, want %q", tt.q, tt.v, got, tt.exact)
		}
	}
}

func TestSpans(t *testing.T) {
	for ms, want := range map[int64]string{
		0: "0 s", 999: "0 s", 12_000: "12 s", 60_000: "1 min", 310_000: "5 min 10 s",
		3_900_000: "1 h 5 min", 3_610_000: "1 h", 187_200_000: "2 d 4 h", -5: "0 s",
	} {
		if got := Span(ms); got != want {
			t.Errorf("Span(%d) = %q, want %q", ms, got, want)
		}
	}
	for ms, want := range map[int64]string{-40: "0 s ago", 3_400: "3 s ago", 240_000: "4 min ago", 3_900_000: "1 h 5 min ago", 300_000_000: "3 d ago"} {
		if got := Ago(ms); got != want {
			t.Errorf("Ago(%d) = %q, want %q", ms, got, want)
		}
	}
	if got := Count(576000); got != "576,000" {
		t.Errorf("Count = %q", got)
	}
}

func TestParseSensor(t *testing.T) {
	gw, sensor, q, err := ParseSensor("site-1/zone-a/humidity")
	if gw != "site-1" || sensor != "zone-a" || q != reading.Humidity || err != nil {
		t.Errorf("got %q %q %v %v", gw, sensor, q, err)
	}
	if _, _, q, err := ParseSensor("site-1/zone-a"); q != 0 || err != nil {
		t.Errorf("without a quantity: got %v %v", q, err)
	}
	for _, bad := range []string{"", "site-1", "/x", "a//b", "a/b/heat", "a/b/door/c"} {
		if _, _, _, err := ParseSensor(bad); err == nil {
			t.Errorf("ParseSensor(%q) gave no error", bad)
		}
	}
}
