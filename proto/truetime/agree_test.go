package truetime

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

const day = 86_400_000

func TestMajorityOfSources(t *testing.T) {
	at := func(s Source, utc int64) Anchor { return Anchor{UTC: utc, Uncertainty: 100, Source: s} }
	rtc := func(utc int64) Anchor { return Anchor{UTC: utc, Uncertainty: 600_000, Source: RTC} }
	for _, tt := range []struct {
		name     string
		anchors  []Anchor
		left     []Source
		conflict bool
	}{
		{"all agree", []Anchor{rtc(5000), at(NTP, 10), at(Hub, -10), at(GNSS, 0)}, nil, false},
		{"rtc alone is wrong", []Anchor{rtc(day), at(NTP, 10), at(GNSS, 0)}, []Source{RTC}, false},
		{"rtc against one", []Anchor{rtc(day), at(GNSS, 0)}, nil, true},
		{"rtc has it from ntp", []Anchor{rtc(day), at(NTP, day), at(GNSS, 0)}, nil, true},
		{"rtc and ntp against two", []Anchor{rtc(day), at(NTP, day), at(GNSS, 0), at(Hub, 50)}, []Source{RTC, NTP}, false},
		{"one against one", []Anchor{at(NTP, 0), at(Hub, day)}, nil, true},
		{"one against one, a hundred times", slices.Repeat([]Anchor{at(NTP, 0), at(Hub, day), at(Hub, day)}, 100), nil, true},
		{"the hub is off", []Anchor{at(NTP, 0), at(Hub, 3_600_000), at(GNSS, 30)}, []Source{Hub}, false},
		{"each says otherwise", []Anchor{at(NTP, 0), at(Hub, day), at(GNSS, 2*day)}, nil, true},
		{"one in the middle fits both", []Anchor{at(NTP, 0), at(Hub, 150), at(GNSS, 300)}, nil, true},
		{"contradicts itself", []Anchor{at(GNSS, day), at(NTP, 0), at(Hub, 20), at(GNSS, 0)}, []Source{GNSS}, false},
		{"contradicts itself before one", []Anchor{at(GNSS, day), at(NTP, 0), at(GNSS, 0)}, nil, true},
		{"strangers have no vote", []Anchor{at(9, 0), at(10, 0), at(NTP, 0), at(Hub, day)}, nil, true},
		{"strangers that do not fit", []Anchor{at(9, day), at(NTP+256, day), at(NTP, 0), at(Hub, 0)}, []Source{9, NTP + 256}, false},
	} {
		tl := NewTimeline(tt.anchors)
		if m, ok := tl.Resolve(0); !ok || m.Conflict != tt.conflict || !slices.Equal(tl.Left(), tt.left) {
			t.Errorf("%s: got %+v %v, left out %v; want conflict %v, left out %v", tt.name, m, ok, tl.Left(), tt.conflict, tt.left)
		}
		was := Hull.Timeline(tt.anchors)
		if m, _ := was.Resolve(0); m.Conflict != (tt.conflict || tt.left != nil) || was.Left() != nil {
			t.Errorf("%s: by the hull got %+v, left out %v", tt.name, m, was.Left())
		}
	}
}

// lies are ways in which a source is wrong.
var lies = []struct {
	name string
	off  func(t *rapid.T, at int64) int64
}{
	{"years", func(t *rapid.T, _ int64) int64 {
		return rapid.SampledFrom([]int64{-3652, 3652, -366, 1}).Draw(t, "days") * day
	}},
	{"week rollover", func(*rapid.T, int64) int64 { return -1024 * 7 * day }},
	{"local time", func(t *rapid.T, _ int64) int64 { return rapid.Int64Range(-12, 14).Draw(t, "zone") * 3_600_000 }},
	{"a little", func(t *rapid.T, _ int64) int64 { return rapid.Int64Range(-300_000, 300_000).Draw(t, "little") }},
	{"stepped half way", func(_ *rapid.T, at int64) int64 {
		if at < 15*day {
			return 0
		}
		return 3_600_000
	}},
	{"runs fast", func(_ *rapid.T, at int64) int64 { return at / 500 }},
}

// TestPromise4LyingSources: whatever one source with a vote and the
// battery-backed clock say, true time is inside the stated uncertainty and order
// holds, in whatever order anchors arrive. Where the lie is too small for any
// other source to see, it moves the time by no more than honest ones left open.
func TestPromise4LyingSources(t *testing.T) {
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		drift := rapid.Float64Range(-100e-6, 100e-6).Draw(t, "drift")
		start := rapid.Int64Range(1.7e12, 2e12).Draw(t, "start")
		truth := func(at int64) float64 { return float64(start) + float64(at)*(1+drift) }
		liar := rapid.SampledFrom([]Source{0, NTP, Hub, GNSS}).Draw(t, "liar")
		rtcLies := rapid.Bool().Draw(t, "the rtc lies")
		lie := rapid.SampledFrom(lies).Draw(t, "lie")
		sources := rapid.Permutation([]Source{RTC, NTP, Hub, GNSS}).Draw(t, "sources")[:rapid.IntRange(1, 4).Draw(t, "count")]
		lying := func(s Source) bool { return s == liar || s == RTC && rtcLies }
		if honest := slices.ContainsFunc(sources, func(s Source) bool { return !lying(s) }); !honest {
			t.Skip("nobody tells the truth")
		}
		var anchors, sound []Anchor
		for _, s := range sources {
			for range rapid.IntRange(1, 5).Draw(t, "anchors") {
				at := rapid.Int64Range(0, 30*day).Draw(t, "at")
				u := rapid.Int64Range(2, 5000).Draw(t, "uncertainty")
				if s == RTC {
					u = 600_000
				}
				a := Anchor{At: at, UTC: int64(truth(at)) + rapid.Int64Range(-u+1, u-1).Draw(t, "error"), Uncertainty: u, Source: s}
				if lying(s) {
					a.UTC += lie.off(t, at)
				} else {
					sound = append(sound, a)
				}
				anchors = append(anchors, a)
			}
		}
		tl := NewTimeline(anchors)
		shuffled := NewTimeline(rapid.Permutation(anchors).Draw(t, "shuffled"))
		begin, _ := tl.Resolve(0)
		unseen := false // the liar is believed
		switch {
		case begin.Conflict:
			seen["conflict"]++
		case len(tl.Left()) > 0:
			seen["left out"]++
			for _, s := range tl.Left() {
				unseen = unseen || !lying(s)
			}
			if unseen {
				t.Fatalf("liar %v: left out %v", liar, tl.Left())
			}
			fallthrough
		default:
			unseen = slices.ContainsFunc(sources, func(s Source) bool { return lying(s) && !slices.Contains(tl.Left(), s) })
		}
		last := int64(math.MinInt64)
		for at := int64(0); at < 30*day; at += 70_000_001 {
			m, ok := tl.Resolve(at)
			if n, _ := shuffled.Resolve(at); !ok || m != n || !slices.Equal(tl.Left(), shuffled.Left()) {
				t.Fatalf("at %d: got %+v, in another order %+v", at, m, n)
			}
			allowed := float64(m.Uncertainty) + 1
			if unseen { // within what each honest anchor says
				seen["unseen"]++
				allowed = math.Inf(1)
				for _, a := range sound {
					allowed = min(allowed, 2*(float64(a.Uncertainty)+MaxDrift*abs(float64(at-a.At)))+2)
				}
			}
			if off := abs(float64(m.UTC) - truth(at)); off > allowed {
				t.Fatalf("liar %v, %s: at %d true time is %.0f ms from %d ± %d, left out %v", liar, lie.name, at, off, m.UTC, m.Uncertainty, tl.Left())
			}
			if m.UTC < last {
				t.Fatalf("at %d: order inverted, %d after %d", at, m.UTC, last)
			}
			last = m.UTC
		}
	})
	for _, what := range []string{"conflict", "left out"} {
		if seen[what] == 0 {
			t.Errorf("%s never happened: too little was tried", what)
		}
	}
}
