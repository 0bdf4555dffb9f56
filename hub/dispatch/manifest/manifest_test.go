package manifest_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/dispatchtest"
	"frostline/hub/dispatch/manifest"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

func TestExamplesAreFiles(t *testing.T) {
	for _, kind := range manifest.Kinds {
		items, problems := manifest.Parse([]byte(manifest.Example(kind)), kind, manifest.CSV, 0)
		if len(items) != 1 || len(problems) > 0 {
			t.Errorf("%s: %d items, %v", kind, len(items), problems)
		}
	}
}

const csvJobs = "id;shipment;from;to;window_from;window_until;load_g;two\nJ9;SH1;site/S1;place/" + dispatchtest.Home + ";2026-09-14T08:00:00Z;2026-09-14T12:00:00+02:00;5000;yes\n"

func TestTheThreeFormatsSayTheSame(t *testing.T) {
	one, p1 := manifest.Parse([]byte(csvJobs), "jobs", manifest.CSV, ';')
	two, p2 := manifest.Parse([]byte(`[{"id":"J9","shipment":"SH1","from":{"kind":"site","id":"S1"},"to":{"kind":"place","id":"`+dispatchtest.Home+`"},"windows":[{"from":1789372800000,"until":1789380000000}],"load":5000,"two":true}]`), "jobs", manifest.JSON, 0)
	three, p3 := manifest.Parse([]byte("- id: J9\n  shipment: SH1\n  from: {kind: site, id: S1}\n  to: {kind: place, id: "+dispatchtest.Home+"}\n  windows: [{from: 1789372800000, until: 1789380000000}]\n  load: 5000\n  two: true\n"), "jobs", manifest.YAML, 0)
	if len(p1)+len(p2)+len(p3) > 0 {
		t.Fatal(p1, p2, p3)
	}
	if !reflect.DeepEqual(one[0].Job, two[0].Job) || !reflect.DeepEqual(two[0].Job, three[0].Job) {
		t.Errorf("CSV %+v\nJSON %+v\nYAML %+v", one[0].Job, two[0].Job, three[0].Job)
	}
}

func TestMistakesAreToldByLine(t *testing.T) {
	for _, c := range []struct{ kind, format, text, want string }{
		{"jobs", "csv", "id,shipment\nJ1,SH1\n", "from: this column is needed"},
		{"couriers", "csv", "id,kind,party,colour\nx,van,co1,red\n", "colour: there is no such column"},
		{"couriers", "csv", "id,kind,party,speed_mm_s\nx,van,co1,fast\n", `speed_mm_s "fast": want a whole number`},
		{"couriers", "csv", "id,kind,party\nx,van\n", "wrong number of fields"},
		{"couriers", "csv", "", "is empty"},
		{"places", "csv", "id,latitude,longitude\npl_9d41c07be2,52.5,NaN\n", "longitude"},
		{"routes", "csv", "id,courier,start,depart,stop,job,kind,place\nR,v,site/S1,2026-09-14T08:00:00Z,s1,J1,delivery,site/S2\nR,w,site/S1,2026-09-14T08:00:00Z,s2,J2,delivery,site/S2\n", "differ from the line before"},
		{"jobs", "json", `[{"id":"J1","id":"J2"}]`, "each name once"},
		{"jobs", "json", `[{"id":"J1","patient":"x"}]`, "unknown field"},
		{"jobs", "yaml", "a: [", "is no YAML"},
		{"jobs", "json", "{}", "want a list"},
		{"jobs", "json", "[]", "no records"},
		{"people", "csv", "id\n", "kind"},
		{"jobs", "csv", "id\n\xff\n", "UTF-8"},
	} {
		_, problems := manifest.Parse([]byte(c.text), c.kind, c.format, 0)
		if len(problems) == 0 || !strings.Contains(problems[0].What, c.want) {
			t.Errorf("%s %q: %v; want %q", c.kind, c.text, problems, c.want)
		}
	}
}

func TestAFileIsEnteredWholeOrNotAtAll(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		b := dispatchtest.New(t, db)
		b.Stock(t)
		ctx := t.Context()
		enter := func(kind, text string, dry bool) dispatch.Imported {
			t.Helper()
			items, problems := manifest.Parse([]byte(text), kind, manifest.CSV, ';')
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			r, err := b.Dispatch.Import(ctx, "person/test", "import", kind, items, dry)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		depart := time.UnixMilli(b.Now()).UTC().Format(time.RFC3339)
		last := b.Log.Last()
		if r := enter("jobs", csvJobs, true); r.Created != 1 || r.Done || b.Log.Last() != last {
			t.Errorf("dry run: %+v", r)
		}
		if r := enter("jobs", csvJobs+"J10;SH99;site/S1;site/S2;;;;\nJ9;SH1;site/S1;site/S2;;;;\n", false); r.Done || len(r.Problems) != 2 || b.Log.Last() != last ||
			!strings.HasPrefix(r.Problems[0].What, `shipment "SH99"`) || r.Problems[0].Line != 3 {
			t.Errorf("a file with mistakes: %+v", r)
		}
		if r := enter("jobs", csvJobs, false); !r.Done || r.Created != 1 {
			t.Errorf("jobs: %+v", r)
		}
		if r := enter("places", "id;latitude;longitude\npl_0e5b77a1c4;40.81;-74\npl_77aa77aa77;40.9;-74\n", false); r.Created != 1 || r.Changed != 1 {
			t.Errorf("places: %+v", r)
		}
		if r := enter("couriers", "id;kind;party\nbike-1;bike;co1\n", false); r.Created != 1 {
			t.Errorf("couriers: %+v", r)
		}
		route := "id;courier;start;depart;stop;job;kind;place\n"
		for _, s := range []string{"1", "3"} {
			route += "R9;bike-1;site/S1;" + depart + ";s" + s + ";J" + s + ";delivery;place/" + dispatchtest.Home + "\n"
		}
		if r := enter("routes", route, false); r.Created != 1 {
			t.Errorf("routes: %+v", r)
		}
		if r, err := b.Dispatch.Leg(ctx, "R9"); err != nil || len(r.Stops) != 2 || r.Stops[1].Job != "J3" {
			t.Errorf("route %+v, %v", r, err)
		}
		last = b.Log.Last()
		for kind, text := range map[string]string{"jobs": csvJobs, "routes": route} {
			if r := enter(kind, text, false); r.Unchanged != 1 || b.Log.Last() != last {
				t.Errorf("%s once more: %+v", kind, r)
			}
		}
	})
}
