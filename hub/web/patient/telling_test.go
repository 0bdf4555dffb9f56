package patient

import (
	"encoding/json"
	"fmt"
	"html"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"frostline/dashboards"
	"frostline/hub/correlate"
	"frostline/hub/dispatch"
	"frostline/hub/dispatch/road"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/orders"
	"frostline/proto/thermal"
)

// situations are what can be the matter, with what has to be told.
var situations = []struct {
	name      string
	do        func(*company)
	stage     Stage
	condition Condition
	word      string // in English
	sentence  string
	celsius   string
	hasMap    bool
	arrival   string
}{
	{"on its way", func(*company) {}, Underway, InRange, "In range", "Your delivery is on its way, in range now.", "5.1 °C", true, "Arrives 13:40 to 14:10"},
	{"next", func(c *company) { c.where.Next = "s2" }, Next, InRange, "In range", "Your delivery comes to you next, in range now.", "5.1 °C", true, "Arrives 13:40 to 14:10"},
	{"there", func(c *company) { c.visit("s2", "arrived", noon-minute) }, Here, InRange, "In range", "The courier with your delivery is here, in range now.", "5.1 °C", false, ""},
	{"handed over", func(c *company) {
		c.chart = chartOf(noon, 0)
		c.visit("s2", "completed", noon-5*minute)
		c.report("delivered", noon-5*minute)
		c.close("P1", "delivered", thermal.InRange)
	}, Delivered, Kept, "In range the whole way", "Your delivery was handed over at 12:55, in range the whole way.", "", false, ""},
	{"handed over, and the chart has a gap that the verdict has not", func(c *company) {
		c.report("delivered", noon-5*minute)
		c.close("P1", "delivered", thermal.InRange)
	}, Delivered, Partly, "Not measured for part of the way", "Your delivery was handed over at 12:55; for part of the way no temperature is known.", "", false, ""},
	{"handed over, with a gap", func(c *company) {
		c.report("delivered", noon-5*minute)
		c.close("P1", "delivered", thermal.Unknown)
	}, Delivered, Partly, "Not measured for part of the way", "Your delivery was handed over at 12:55; for part of the way no temperature is known.", "", false, ""},
	{"handed over, then a case", func(c *company) {
		c.report("delivered", noon-5*minute)
		c.close("P1", "delivered", thermal.Excursion)
		c.opened(excursion.Opened)
	}, Delivered, Checking, "Being checked by the pharmacy: do not use until we contact you", "Your delivery is being checked by the pharmacy: do not use it until we contact you.", "", false, ""},
	{"handed over and cleared", func(c *company) {
		c.report("delivered", noon-5*minute)
		c.close("P1", "delivered", thermal.Excursion)
		c.opened(excursion.Closed, "release")
	}, Delivered, Cleared, "Checked by the pharmacy: you can use it", "Your delivery was handed over at 12:55. The pharmacy has checked it: you can use it.", "", false, ""},
	{"handed over and refused", func(c *company) {
		c.report("delivered", noon-5*minute)
		c.close("P1", "delivered", thermal.Excursion)
		c.opened(excursion.Closed, "release", "reject")
	}, Delivered, Refused, "Do not use: your pharmacy contacts you", "Do not use this delivery: your pharmacy contacts you.", "", false, ""},
	{"warm, as the rules allow for a while", func(c *company) { c.measure("P1", 8_040, correlate.OutOfRange) }, Underway, Outside, "Outside its range since 12:30",
		"Your delivery is on its way, outside its range since 12:30.", "8.04 °C", true, "Arrives 13:40 to 14:10"},
	{"a rule is broken and nobody has opened a case yet", func(c *company) {
		c.measure("P1", 9_000, correlate.OutOfRange)
		s := c.states["P1"]
		s.Outcome = thermal.Excursion
		c.states["P1"] = s
	}, Underway, Checking, "Being checked by the pharmacy: do not use until we contact you", "Your delivery is being checked by the pharmacy: do not use it until we contact you.", "9.0 °C", true, "Arrives 13:40 to 14:10"},
	{"under QA", func(c *company) { c.opened(excursion.Proposed) }, Underway, Checking, "Being checked by the pharmacy: do not use until we contact you",
		"Your delivery is being checked by the pharmacy: do not use it until we contact you.", "5.1 °C", true, "Arrives 13:40 to 14:10"},
	{"a case that never was", func(c *company) { c.opened(excursion.Retracted); c.cases[0].Facts.Retracted = true }, Underway, InRange, "In range",
		"Your delivery is on its way, in range now.", "5.1 °C", true, "Arrives 13:40 to 14:10"},
	{"held", func(c *company) {
		c.route.Holds = []fact.StopHeld{{ID: "h1", Route: "R1", Stop: "s2", Held: true, At: noon}}
	}, Underway, Checking, "Being checked by the pharmacy: do not use until we contact you", "Your delivery is being checked by the pharmacy: do not use it until we contact you.", "5.1 °C", true, "No time is known yet."},
	{"silent", func(c *company) { c.silent("P1", noon-35*minute) }, Underway, NoData, "No data since 12:25", "Your delivery is on its way; no temperature is known since 12:25.", "", true, "Arrives 13:40 to 14:10"},
	{"silent since yesterday", func(c *company) { c.silent("P1", noon-24*hour) }, Underway, NoData, "No data since Sun, Sep 13, 13:00", "Your delivery is on its way; no temperature is known since Sun, Sep 13, 13:00.", "", true, "Arrives 13:40 to 14:10"},
	{"never heard", func(c *company) { c.silent("P1", 0) }, Underway, NoData, "No data yet", "Your delivery is on its way; no temperature is known yet.", "", true, "Arrives 13:40 to 14:10"},
	{"one of two boxes is silent", func(c *company) {
		c.packages = append(c.packages, orders.Package{PackagePacked: fact.PackagePacked{ID: "P2", Shipment: "SH-1", At: noon - 4*hour}})
		c.silent("P2", noon-35*minute)
	}, Underway, NoData, "No data since 12:25", "Your delivery is on its way; no temperature is known since 12:25.", "", true, "Arrives 13:40 to 14:10"},
	{"packed", func(c *company) { c.status, c.route.Reports = nil, nil }, Packed, InRange, "In range", "Your delivery is packed, in range now.", "5.1 °C", false, "Arrives 13:40 to 14:10"},
	{"planned", func(c *company) {
		c.status, c.packages, c.jobs, c.arrival = nil, nil, nil, nil
	}, Preparing, None, "Nothing to measure yet", "Your delivery is being prepared.", "", false, "Arrives about 15:00"},
	{"late", func(c *company) { c.arrival = &dispatch.Arrival{Low: noon - hour, High: noon - 20*minute} }, Underway, InRange, "In range",
		"Your delivery is on its way, in range now.", "5.1 °C", true, "Later than expected: it should have come by 12:40"},
	{"called back", func(c *company) {
		c.route.Reports = append(c.route.Reports, fact.RouteReported{ID: "x", Route: "R1", Status: "recalled", At: noon})
	}, Recalled, InRange, "In range", "Your delivery goes back to the pharmacy, which contacts you.", "5.1 °C", false, ""},
	{"not handed over", func(c *company) { c.visit("s2", "failed", noon) }, Failed, InRange, "In range", "Your delivery could not be handed over; your pharmacy contacts you.", "5.1 °C", false, ""},
	{"cancelled", func(c *company) { c.status = nil; c.report("cancelled", noon); c.packages = nil }, Cancelled, None, "Nothing to measure yet", "Your delivery was cancelled.", "", false, ""},
}

func (c *company) opened(state excursion.State, decisions ...string) {
	v := excursion.View{Case: excursion.Case{ID: "ex-1", State: state, Changed: noon, Facts: fact.ExcursionFacts{Package: "P1"}}}
	for _, d := range decisions {
		v.Proposal = append(v.Proposal, fact.Disposition{Decision: d})
	}
	c.cases = append(c.cases, v)
}

var (
	pill    = regexp.MustCompile(`<p class="pill" data-mark="([^"]*)" data-condition="([^"]*)" data-stage="([^"]*)"><svg[^>]*><use href="#s-([^"]*)"/></svg><span>([^<]*)</span></p>\s*<h1 id="sentence">([^<]*)</h1>`)
	celsius = regexp.MustCompile(`<span class="c">([^<]*)</span> <span class="f">([^<]*)</span>`)
	arrives = regexp.MustCompile(`<p class="arrival">([^<]*)</p>`)
)

// TestWordsMarksAndNumbersComeFromOneVerdict: what is the matter is told by the
// sentence, the word, the mark, the number, the map and the chart alike.
func TestWordsMarksAndNumbersComeFromOneVerdict(t *testing.T) {
	for _, want := range situations {
		t.Run(want.name, func(t *testing.T) {
			c := newCompany()
			want.do(c)
			h := open(t, c)
			secret, _ := h.made()
			cookie := h.enter(secret)
			english, spanish := h.shown(secret, cookie, "?lang=en"), h.shown(secret, cookie, "?lang=es")
			m := pill.FindStringSubmatch(english)
			if m == nil {
				t.Fatal(english)
			}
			for i := range m {
				m[i] = html.UnescapeString(m[i])
			}
			if m[1] != want.condition.Mark() || m[4] != m[1] || m[2] != string(want.condition) || m[3] != string(want.stage) || m[5] != want.word || m[6] != want.sentence {
				t.Errorf("told %q", m[1:])
			}
			es := pill.FindStringSubmatch(spanish)
			if es == nil || es[1] != m[1] || es[2] != m[2] || es[3] != m[3] || es[5] == m[5] || es[6] == m[6] {
				t.Errorf("in Spanish %q", es)
			}
			got := celsius.FindStringSubmatch(english)
			if (got == nil) != (want.celsius == "") || got != nil && got[1] != want.celsius {
				t.Errorf("temperature %q, want %q", got, want.celsius)
			}
			if esC := celsius.FindStringSubmatch(spanish); !slices.Equal(esC, got) {
				t.Errorf("temperature %q in Spanish, %q in English", esC, got)
			}
			if has := strings.Contains(english, `<svg class="map"`); has != want.hasMap {
				t.Errorf("map: %v, want %v", has, want.hasMap)
			}
			a := arrives.FindStringSubmatch(english)
			if (a == nil) != (want.arrival == "") || a != nil && a[1] != want.arrival {
				t.Errorf("arrival %q, want %q", a, want.arrival)
			}
			if in := m[1] == "live"; in != strings.Contains(strings.ToLower(m[5]+m[6]), "in range") && want.condition != Cleared && want.stage != Recalled && want.stage != Failed {
				t.Errorf("mark %q beside %q and %q", m[1], m[5], m[6])
			}
			for _, never := range []string{"MKT", "kinetic", "safe", "J1", "R1", "P1", "SH-1", "van-1", "pl_1", "47.6", "476208", secret} {
				if strings.Contains(english, never) || strings.Contains(spanish, never) {
					t.Errorf("the page tells %q", never)
				}
			}
		})
	}
}

// TestLivePartsAreThePage: what comes by events is what the page would be.
func TestLivePartsAreThePage(t *testing.T) {
	c := newCompany()
	h := open(t, c)
	for _, lang := range Languages {
		d, err := h.server.board.get("SH-1", false)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.server.board.look(ctx, d); err != nil {
			t.Fatal(err)
		}
		event, _, _, err := h.server.board.after(d, lang, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, data, _ := strings.Cut(string(event), "data: ")
		var n news
		if err := json.Unmarshal([]byte(data), &n); err != nil {
			t.Fatal(err)
		}
		secret, _ := h.made()
		page := h.shown(secret, h.enter(secret), "?lang="+lang)
		for _, name := range partNames {
			if part := n.Parts[name]; !strings.Contains(page, fmt.Sprintf(`data-part="%s"`, name)) || part == "" || !strings.Contains(page, part) {
				t.Errorf("%s: the page has no part %s as it is told:\n%s", lang, name, part)
			}
		}
	}
}

func TestDegreesStayOnTheirSideOfTheLimits(t *testing.T) {
	low, high := temp(2000), temp(8000)
	for v, want := range map[thermal.Temp]string{
		5123: "5.1 °C 41.2 °F", 8000: "8.0 °C 46.4 °F", 8001: "8.001 °C 46.402 °F", 8040: "8.04 °C 46.5 °F", 7999: "7.999 °C 46.398 °F", 8100: "8.1 °C 46.6 °F",
		1999: "1.999 °C 35.598 °F", -18060: "−18.1 °C −0.5 °F", -40000: "−40.0 °C −40.0 °F", 2000: "2.0 °C 35.6 °F",
	} {
		c, f := degrees(v, low, high)
		if got := c + " " + f; got != want {
			t.Errorf("%d: %q, want %q", v, got, want)
		}
	}
}

// TestPositionIsCoarseUntilNext: from where courier and cell are seen, the page
// of a patient who is not next does not tell the courier's two positions apart
// within a cell, and is right about how far off it may be.
func TestPositionIsCoarseUntilNext(t *testing.T) {
	home := road.Point{Latitude: 476208000, Longitude: -1221873000}
	f := &facts{stop: &stop{id: "s2", underway: true, home: &home}}
	seen := map[Map]bool{}
	for i := range 50 {
		p := road.Point{Latitude: 476095000 + int64(i)*2000, Longitude: -1223190000 + int64(i)*1500}
		n := &now{at: noon, fix: &fix{at: noon, where: p}}
		m := mapOf(f, n, Underway)
		east, north := from(home, p)
		if dx, dy := m.East-east, m.North-north; dx*dx+dy*dy > (m.Radius+10)*(m.Radius+10) || m.Radius < 1500 {
			t.Fatalf("the courier is not within %v m of %+v", m.Radius, m)
		}
		seen[*m] = true
		n.next = "s2"
		if exact := mapOf(f, n, Next); exact.Radius > 200 {
			t.Errorf("next: told to %v m", exact.Radius)
		}
	}
	if len(seen) > 4 { // cells that touch
		t.Errorf("50 positions within 1 km are told as %d", len(seen))
	}
	for _, stage := range Stages {
		if m := mapOf(f, &now{at: noon, fix: &fix{at: noon, where: home}}, stage); m != nil && stage != Underway && stage != Next {
			t.Errorf("%s: a position is told", stage)
		}
	}
}

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

// TestLocalesHaveTheSameKeys: both languages have all words that are used, with
// the same places for values, and none besides.
func TestLocalesHaveTheSameKeys(t *testing.T) {
	all := map[string]map[string]string{}
	for _, lang := range Languages {
		b, err := fs.ReadFile(dashboards.Locales, "locales/patient."+lang+".json")
		if err != nil {
			t.Fatal(err)
		}
		var words map[string]string
		if err := json.Unmarshal(b, &words); err != nil {
			t.Fatal(err)
		}
		all[lang] = words
	}
	own := map[string]bool{"lang": true, "other": true, "other.lang": true}
	for key, en := range all["en"] {
		es, ok := all["es"][key]
		a, b := placeholder.FindAllString(en, -1), placeholder.FindAllString(es, -1)
		slices.Sort(a)
		slices.Sort(b)
		if !ok || !slices.Equal(a, b) || strings.TrimSpace(es) == "" {
			t.Errorf("%s: %q, and in Spanish %q", key, en, es)
		}
		if en == es && len(en) > 12 && !own[key] && !strings.HasSuffix(key, ".day") && !strings.HasPrefix(key, "span.") {
			t.Errorf("%s: is not translated", key)
		}
	}
	for key := range all["es"] {
		if _, ok := all["en"][key]; !ok {
			t.Errorf("%s: is in Spanish alone", key)
		}
	}
	// What templates and code ask for is there, and what is there is asked for.
	text := ""
	page, err := fs.ReadFile(dashboards.Templates, "templates/patient.html")
	if err != nil {
		t.Fatal(err)
	}
	text += string(page)
	for _, file := range []string{"words.go", "screen.go", "handler.go", "degrees.go", "chart.go", "sketch.go"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text += string(b)
	}
	for _, m := range regexp.MustCompile(`(?:\.say\(|\.T |\.T\(|\.With )"([a-z0-9._]+[a-z0-9])"`).FindAllStringSubmatch(text, -1) {
		if _, ok := all["en"][m[1]]; !ok && m[1] != "range" {
			t.Errorf("%q is asked for and has no words", m[1])
		}
	}
	var made []string
	for _, c := range Conditions {
		made = append(made, "word."+string(c), "and."+string(c))
	}
	for _, s := range Stages {
		made = append(made, "say."+string(s))
	}
	for _, key := range made {
		if _, ok := all["en"][key]; !ok {
			t.Errorf("%q has no words", key)
		}
	}
	made = append(made, winds...)
	families := regexp.MustCompile(`^(day|month|at|since|plain|step|state|arrival|more)\.|\.never$`)
	for key := range all["en"] {
		if !strings.Contains(text, `"`+key+`"`) && !slices.Contains(made, key) && !families.MatchString(key) && key != "lang" {
			t.Errorf("%q is asked for by nobody", key)
		}
	}
}
