package catalog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"frostline/hub/catalog"
	"frostline/hub/catalog/sheet"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/thermal"
)

// hub is a catalog on a store of its own.
type hub struct {
	*catalog.Catalog
	t      testing.TB
	ctx    context.Context
	log    *event.Log
	model  *catalog.Model
	now    time.Time
	places map[string]fact.Attached
}

func open(t testing.TB, db *store.DB) *hub {
	t.Helper()
	h := &hub{t: t, ctx: context.Background(), now: time.Date(2026, 9, 14, 6, 0, 0, 0, time.UTC), places: map[string]fact.Attached{}, model: catalog.NewModel()}
	clock := func() time.Time { return h.now }
	var err error
	h.log, err = event.Open(h.ctx, event.Options{Store: db, Models: []event.Model{h.model.Model()}, Now: clock, Log: storetest.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	h.Catalog, err = catalog.New(catalog.Options{
		Log: h.log, Store: db, Model: h.model, Attacher: h, Now: clock, Logger: storetest.Logger(t),
		Enrolled: func(gateway string) bool { return gateway == "enrolled" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// AttachAll is attach of each.
func (h *hub) AttachAll(ctx context.Context, c event.Change, reason string, all []fact.Attached) (n int, err error) {
	for _, a := range all {
		stated, err := h.attach(ctx, c, reason, a)
		if err != nil {
			return n, err
		}
		if stated {
			n++
		}
	}
	return n, nil
}

// attach keeps places as custody does: the same statement once, and no other
// by its ID.
func (h *hub) attach(ctx context.Context, c event.Change, reason string, a fact.Attached) (bool, error) {
	if err := a.Check(); err != nil {
		return false, err
	}
	if was, ok := h.places[a.ID]; ok {
		if !reflect.DeepEqual(was, a) {
			return false, fmt.Errorf("id %q is taken by another statement", a.ID)
		}
		return false, nil
	}
	h.places[a.ID] = a
	_, err := c.Append(ctx, event.New{ID: a.ID, Stream: a.Subject.String(), Expect: -1, Type: fact.WasAttached, Reason: reason, Data: a})
	return true, err
}

const actor = "person/ann"

func (h *hub) define(record fact.Record) catalog.Result {
	h.t.Helper()
	r, err := h.Define(h.ctx, actor, "test", record, catalog.Any)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// warehouse enters a small company.
func (h *hub) warehouse() {
	h.t.Helper()
	for _, r := range []fact.Record{
		profile("cold", 2, 8),
		fact.SiteRecord{ID: "depot", Name: "Depot", GLN: "0614141000012"},
		fact.ZoneRecord{ID: "depot.a", Site: "depot", Name: "Zone A", Profile: "cold"},
		fact.VehicleRecord{ID: "van", Name: "Van", Type: "van"},
		fact.CompartmentRecord{ID: "van.cargo", Vehicle: "van", Name: "Cargo"},
		fact.GatewayRecord{ID: "gw", Vehicle: "van"},
		fact.SensorRecord{ID: "gw/s1", Name: "Front", Accuracy: 200},
		fact.ProductRecord{ID: "insulin", Name: "Insulin", GTIN: "312345678906", NDC: "12345-678-90", Profile: "cold"},
	} {
		h.define(r)
	}
}

func profile(id string, low, high int64) fact.ProfileRecord {
	lo, hi := thermal.Temp(low*1000), thermal.Temp(high*1000)
	return fact.ProfileRecord{Profile: thermal.Profile{
		ID: id, Name: "Profile " + id, Source: "label", Low: &lo, High: &hi, LongestGap: 600_000,
		Limits: []thermal.Limit{
			{Name: "warm", Op: thermal.Above, At: hi, Timer: thermal.Single, Severity: thermal.Alarm},
			{Name: "cold", Op: thermal.Below, At: lo, Timer: thermal.Single, Severity: thermal.Critical},
		},
	}}
}

func run(t *testing.T, test func(t *testing.T, h *hub)) {
	t.Helper()
	storetest.Run(t, func(t *testing.T, db *store.DB) { test(t, open(t, db)) })
}

func TestARecordIsEnteredChangedAndRetiredByItsVersion(t *testing.T) {
	run(t, func(t *testing.T, h *hub) {
		site := fact.SiteRecord{ID: "depot", Name: "Depot"}
		if r := h.define(site); !r.Created || !r.Changed || r.Entry.Version != 1 || r.Entry.By != actor {
			t.Errorf("entered: got %+v", r)
		}
		if r := h.define(site); r.Created || r.Changed || r.Entry.Version != 1 {
			t.Errorf("entered again: got %+v", r)
		}
		if _, err := h.Define(h.ctx, actor, "", site, 0); !errors.Is(err, catalog.ErrExists) {
			t.Errorf("entered as new: got %v", err)
		}
		h.now = h.now.Add(time.Hour)
		site.Address = "12 Dock Road"
		if _, err := h.Define(h.ctx, actor, "", site, 7); !errors.Is(err, event.ErrStale) {
			t.Errorf("changed by a version that is not there: got %v", err)
		}
		r, err := h.Define(h.ctx, "person/bob", "moved", site, 1)
		if err != nil || r.Created || !r.Changed || r.Entry.Version != 2 || r.Entry.Changed-r.Entry.Created != 3_600_000 {
			t.Errorf("changed: got %+v, %v", r, err)
		}
		ref := site.Ref()
		if _, err := h.Retire(h.ctx, actor, "closed", fact.Ref{Kind: fact.Site, ID: "nowhere"}, catalog.Any); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("retire what is not there: got %v", err)
		}
		if _, err := h.Retire(h.ctx, actor, "", ref, catalog.Any); !errors.Is(err, catalog.ErrInvalid) {
			t.Errorf("retire without reason: got %v", err)
		}
		if _, err := h.Retire(h.ctx, actor, "closed", ref, 1); !errors.Is(err, event.ErrStale) {
			t.Errorf("retire by an old version: got %v", err)
		}
		for i := range 2 {
			r, err := h.Retire(h.ctx, actor, "closed", ref, catalog.Any)
			if err != nil || r.Changed != (i == 0) || !r.Entry.Retired || r.Entry.Version != 3 {
				t.Errorf("retire, time %d: got %+v, %v", i+1, r, err)
			}
		}
		if _, err := h.Define(h.ctx, actor, "", site, catalog.Any); !errors.Is(err, catalog.ErrRetired) {
			t.Errorf("define what is retired: got %v", err)
		}
		if r, err := h.Define(h.ctx, actor, "open again", site, 3); err != nil || r.Entry.Retired || r.Entry.Version != 4 {
			t.Errorf("reinstate: got %+v, %v", r, err)
		}
		trail, err := h.Trail(h.ctx, ref, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range trail {
			fields, _ := json.Marshal(c.Fields)
			got = append(got, fmt.Sprintf("%d %s by %s, %s: %s", c.Version, c.What, c.Actor, c.Reason, fields))
		}
		want := []string{
			`1 entered by person/ann, test: [{"field":"id","new":"depot"},{"field":"name","new":"Depot"}]`,
			`2 changed by person/bob, moved: [{"field":"address","new":"12 Dock Road"}]`,
			`3 retired by person/ann, closed: []`,
			`4 reinstated by person/ann, open again: []`,
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("trail: got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if rest, err := h.Trail(h.ctx, ref, 2, 1); err != nil || len(rest) != 1 || rest[0].What != "retired" {
			t.Errorf("page of the trail: got %+v, %v", rest, err)
		}
	})
}

func TestWhatIsWrongWithARecordIsToldAtOnce(t *testing.T) {
	h := open(t, storetest.Open(t, storetest.SQLite(t)))
	h.warehouse()
	budget := func(b thermal.Budget) fact.ProductRecord {
		return fact.ProductRecord{ID: "p", Name: "P", Profile: "cold", Budgets: []thermal.Budget{b}}
	}
	cold := profile("other", 2, 8)
	cold.Profile.Limits, cold.Profile.Source, cold.Profile.LongestGap = nil, "", 5
	for name, c := range map[string]struct {
		record fact.Record
		want   string
	}{
		"empty":               {fact.SiteRecord{}, "id: is empty; give the id of a site; name: is empty"},
		"id":                  {fact.SiteRecord{ID: "a b", Name: "x"}, `id "a b": is no id of a site`},
		"check digit":         {fact.SiteRecord{ID: "a", Name: "x", GLN: "0614141000013"}, `gln "0614141000013": has the check digit 3, and 2 follows`},
		"short GLN":           {fact.SiteRecord{ID: "a", Name: "x", GLN: "614141000012"}, `has 12 digits, and a GLN has 13; spreadsheets take leading zeros`},
		"GLN taken":           {fact.SiteRecord{ID: "a", Name: "x", GLN: "0614141000012"}, `gln "0614141000012": belongs to site/depot`},
		"off the earth":       {fact.SiteRecord{ID: "a", Name: "x", Position: &fact.Position{Latitude: 91e7}}, `position.latitude "910000000": is not on the earth`},
		"null island":         {fact.SiteRecord{ID: "a", Name: "x", Position: &fact.Position{}}, `Gulf of Guinea`},
		"control character":   {fact.SiteRecord{ID: "a", Name: "x\x1b[2J"}, `has control characters`},
		"turned text":         {fact.SiteRecord{ID: "a", Name: "x\u202ey"}, `has control characters or ones that hide`},
		"long":                {fact.SiteRecord{ID: "a", Name: strings.Repeat("x", 201)}, `has 201 characters, and may have 200`},
		"zone without site":   {fact.ZoneRecord{ID: "z", Name: "x", Site: "nowhere", Profile: "none"}, `site "nowhere": there is no site with this id; enter the site first, or correct the id; profile "none": there is no profile`},
		"vehicle type":        {fact.VehicleRecord{ID: "v", Name: "x", Type: "boat"}, `type "boat": is not one of the words known; want one of van`},
		"gateway twice":       {fact.GatewayRecord{ID: "g", Site: "depot", Vehicle: "van"}, `a gateway is at a site or in a vehicle`},
		"sensor's gateway":    {fact.SensorRecord{ID: "other/s"}, `id "other": there is no gateway with this id`},
		"sensor's id":         {fact.SensorRecord{ID: "gw"}, `id "gw": is no id of a sensor; write GATEWAY/SENSOR`},
		"calibration":         {fact.CalibrationRecord{ID: "c", Sensor: "gw/s1", Lab: "L", From: 1e12, Until: 1e12, Accuracy: 100}, `until "2001-09-09T01:46:40Z": is not after from`},
		"calibration for 11a": {fact.CalibrationRecord{ID: "c", Sensor: "gw/s1", Lab: "L", From: 1e12, Until: 1e12 + 11*366*86_400_000, Accuracy: 100}, `more than ten years`},
		"calibration of none": {fact.CalibrationRecord{ID: "c", Sensor: "gw/s1", Lab: "L", From: 1e12, Until: 2e12 - 9e11, Accuracy: 0}, `accuracy: is not given`},
		"seconds, not ms":     {fact.CalibrationRecord{ID: "c", Sensor: "gw/s1", Lab: "L", From: 1768435200, Until: 1799971200, Accuracy: 1}, `from "1768435200": is not between the years 2000 and 2200`},
		"GTIN":                {fact.ProductRecord{ID: "p", Name: "x", GTIN: "00312345678907", Profile: "cold"}, `has the check digit 7, and 6 follows`},
		"GTIN taken":          {fact.ProductRecord{ID: "p", Name: "x", GTIN: "0312345678906", Profile: "cold"}, `gtin "00312345678906": belongs to product/insulin`},
		"NDC of ten digits":   {fact.ProductRecord{ID: "p", Name: "x", NDC: "1234567890", Profile: "cold"}, `has no hyphens, and digits alone can mean several codes`},
		"NDC shape":           {fact.ProductRecord{ID: "p", Name: "x", NDC: "123-4567-890", Profile: "cold"}, `has groups of 3-4-3 digits`},
		"NDC and GTIN":        {fact.ProductRecord{ID: "p", Name: "x", NDC: "1234-5678-91", GTIN: "10312345678903", Profile: "cold"}, `is not the code within gtin`},
		"budget":              {budget(thermal.Budget{Name: "b", Allowed: 1}), `budgets[0].source: is empty`},
		"patient":             {fact.PartyRecord{ID: "p", Name: "x", Role: "patient"}, `role "patient": patients are not entered here`},
		"profile":             {cold, `source: is empty; give one; limits: 0 given; want 1 to 32`},
		"profile version":     {func() fact.Record { p := profile("new", 2, 8); p.Profile.Version = 2; return p }(), `version "2": would leave out version 1`},
	} {
		r, err := h.Define(h.ctx, actor, "", c.record, catalog.Any)
		if !errors.Is(err, catalog.ErrInvalid) || !strings.Contains(err.Error(), c.want) || r.Changed {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	if last := h.log.Last(); last != 8 {
		t.Errorf("refused records left %d events, want 8", last)
	}
	h.define(fact.SensorRecord{ID: "enrolled/s"}) // its gateway was enrolled, not entered
	if e, err := h.ByGTIN(h.ctx, "312345678906"); err != nil || e.Ref.ID != "insulin" {
		t.Errorf("by gtin: got %+v, %v", e, err)
	}
}

func TestNothingNewRefersToWhatIsRetired(t *testing.T) {
	run(t, func(t *testing.T, h *hub) {
		h.warehouse()
		if _, err := h.Retire(h.ctx, actor, "closed", fact.Ref{Kind: fact.Site, ID: "depot"}, catalog.Any); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Define(h.ctx, actor, "", fact.ZoneRecord{ID: "depot.b", Site: "depot", Name: "B"}, catalog.Any); !errors.Is(err, catalog.ErrInvalid) || !strings.Contains(err.Error(), "the site is retired since 2026-09-14T06:00:00Z") {
			t.Errorf("a new zone: got %v", err)
		}
		h.define(fact.ZoneRecord{ID: "depot.a", Site: "depot", Name: "Renamed", Profile: "cold"})
		h.define(fact.SiteRecord{ID: "new", Name: "New", GLN: "0614141000012"}) // the number is free
		for f, want := range map[catalog.Filter][]string{
			{}: {"new"}, {Retired: true}: {"depot", "new"},
		} {
			all, err := h.List(h.ctx, fact.Site, f, "", 10)
			if got := ids(all); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("sites by %+v: got %v, %v, want %v", f, got, err, want)
			}
		}
		zones, err := h.List(h.ctx, fact.Zone, catalog.Filter{Field: "site", Value: "depot"}, "", 10)
		if got := ids(zones); err != nil || !reflect.DeepEqual(got, []string{"depot.a"}) {
			t.Errorf("zones of the site: got %v, %v", got, err)
		}
		if _, err := h.List(h.ctx, fact.Zone, catalog.Filter{Field: "colour"}, "", 10); err == nil {
			t.Error("zones by colour: got no error")
		}
	})
}

func ids(all []catalog.Entry) (ids []string) {
	for _, e := range all {
		ids = append(ids, e.Ref.ID)
	}
	return ids
}

func TestVersionsOfAProfileStay(t *testing.T) {
	run(t, func(t *testing.T, h *hub) {
		if n, err := h.Seed(h.ctx, []thermal.Profile{profile("cold", 2, 8).Profile, profile("room", 15, 25).Profile}); n != 2 || err != nil {
			t.Fatalf("seed: got %d, %v", n, err)
		}
		first := h.now.UnixMilli()
		h.now = h.now.Add(24 * time.Hour)
		second := profile("cold", 2, 9)
		if r := h.define(second); !r.Changed || r.Entry.Version != 2 {
			t.Errorf("second version: got %+v", r)
		}
		if r := h.define(second); r.Changed {
			t.Errorf("the same again: got %+v", r)
		}
		if n, err := h.Seed(h.ctx, []thermal.Profile{profile("cold", 2, 8).Profile}); n != 0 || err != nil {
			t.Errorf("seed again: got %d, %v", n, err)
		}
		second.Profile.Version = 1
		if _, err := h.Define(h.ctx, actor, "", second, catalog.Any); !errors.Is(err, catalog.ErrInvalid) || !strings.Contains(err.Error(), "versions are never edited; leave version out, or give 3") {
			t.Errorf("edit version 1: got %v", err)
		}
		old := profile("cold", 2, 8)
		old.Profile.Version = 1
		if r := h.define(old); r.Changed {
			t.Errorf("say version 1 as it is: got %+v", r)
		}
		backdated := profile("cold", 2, 10)
		backdated.From = first - 1
		if _, err := h.Define(h.ctx, actor, "", backdated, catalog.Any); !errors.Is(err, catalog.ErrInvalid) || !strings.Contains(err.Error(), "before the version before was in force") {
			t.Errorf("backdated: got %v", err)
		}
		backdated.From = h.now.Add(time.Hour).UnixMilli()
		h.define(backdated)
		for at, want := range map[int64]int{0: 1, first: 1, h.now.UnixMilli() - 1: 1, h.now.UnixMilli(): 2, backdated.From - 1: 2, backdated.From: 3} {
			if p, err := h.ProfileAt(h.ctx, "cold", at); err != nil || p.Profile.Version != want {
				t.Errorf("in force at %d: got version %d, %v, want %d", at, p.Profile.Version, err, want)
			}
		}
		if _, err := h.ProfileAt(h.ctx, "none", first); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("profile that is not there: got %v", err)
		}
		e, err := h.Version(h.ctx, "cold", 1)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := e.Record(); err != nil || *r.(fact.ProfileRecord).Profile.High != 8000 {
			t.Errorf("version 1: got %+v, %v", r, err)
		}
		if _, err := h.Version(h.ctx, "cold", 4); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("version 4: got %v", err)
		}
		if all, err := h.Versions(h.ctx, "cold", 1, 10); err != nil || len(all) != 2 {
			t.Errorf("versions after 1: got %d, %v", len(all), err)
		}
		if all, err := h.List(h.ctx, fact.Profile, catalog.Filter{}, "", 10); err != nil || !reflect.DeepEqual(ids(all), []string{"cold", "room"}) {
			t.Errorf("profiles: got %v, %v", ids(all), err)
		}
		trail, err := h.Trail(h.ctx, second.Ref(), 1, 1)
		if err != nil || len(trail) != 1 || trail[0].Fields[0].Field != "from" {
			t.Errorf("trail: got %+v, %v", trail, err)
		}
	})
}

// TestTheReadyMadeProfilesAreEntered: none of them is refused by what people's
// profiles are held to.
func TestTheReadyMadeProfilesAreEntered(t *testing.T) {
	h := open(t, storetest.Open(t, storetest.SQLite(t)))
	ready := thermal.Ready()
	for _, want := range []int{len(ready), 0} {
		if n, err := h.Seed(h.ctx, ready); n != want || err != nil {
			t.Errorf("seed: got %d, %v, want %d", n, err, want)
		}
	}
	for _, p := range ready {
		e, err := h.Version(h.ctx, p.ID, 1)
		if err != nil || e.By != catalog.System {
			t.Errorf("%s: got %+v, %v", p.ID, e, err)
			continue
		}
		got, err := e.Record()
		if err != nil {
			t.Fatal(err)
		}
		if p.Version = 1; !reflect.DeepEqual(got.(fact.ProfileRecord).Profile, p) {
			t.Errorf("%s: got %+v, want %+v", p.ID, got, p)
		}
	}
}

// TestOnlyOneOfManyWins: each takes the same version, and one gets it.
func TestOnlyOneOfManyWins(t *testing.T) {
	run(t, func(t *testing.T, h *hub) {
		h.define(fact.ToteRecord{ID: "t"})
		const many = 8
		errs := make(chan error, many)
		for i := range many {
			go func() {
				_, err := h.Define(h.ctx, actor, "", fact.ToteRecord{ID: "t", Name: fmt.Sprint(i)}, 1)
				errs <- err
			}()
		}
		won := 0
		for range many {
			switch err := <-errs; {
			case err == nil:
				won++
			case !errors.Is(err, event.ErrStale):
				t.Error(err)
			}
		}
		if e, err := h.Get(h.ctx, fact.Ref{Kind: fact.Tote, ID: "t"}); won != 1 || err != nil || e.Version != 2 {
			t.Errorf("%d won, version %d, %v", won, e.Version, err)
		}
	})
}

// TestAnAttachmentIsNoChangeOfTheRecord: other contexts tell of the same
// stream.
func TestAnAttachmentIsNoChangeOfTheRecord(t *testing.T) {
	run(t, func(t *testing.T, h *hub) {
		h.warehouse()
		s := sheet.Parse([]byte("id,name,accuracy,in,from\ngw/s1,Front,0.2,zone/depot.a,2026-01-01\n"), sheet.Options{Kind: fact.Sensor, Format: sheet.CSV})
		for i := range 2 {
			r, err := h.Import(h.ctx, actor, "", fact.Sensor, s, false, nil)
			if err != nil || !r.Done || r.Unchanged != 1 || r.Placed != 1-i {
				t.Errorf("import %d: got %+v, %v", i+1, r, err)
			}
			h.now = h.now.Add(time.Minute)
		}
		r, err := h.Define(h.ctx, actor, "", fact.SensorRecord{ID: "gw/s1", Name: "Rear"}, 1)
		if err != nil || r.Entry.Version != 3 {
			t.Errorf("got %+v, %v", r, err)
		}
		if trail, err := h.Trail(h.ctx, r.Entry.Ref, 0, 10); err != nil || len(trail) != 2 {
			t.Errorf("trail: got %+v, %v", trail, err)
		}
	})
}

func TestARebuildAnswersTheSame(t *testing.T) {
	run(t, func(t *testing.T, h *hub) {
		h.warehouse()
		h.define(profile("cold", 2, 9))
		if _, err := h.Retire(h.ctx, actor, "sold", fact.Ref{Kind: fact.Vehicle, ID: "van"}, catalog.Any); err != nil {
			t.Fatal(err)
		}
		before, err := h.log.Digest(h.ctx, "catalog")
		if err != nil {
			t.Fatal(err)
		}
		if err := h.log.Rebuild(h.ctx, []string{"catalog"}, nil); err != nil {
			t.Fatal(err)
		}
		if after, err := h.log.Digest(h.ctx, "catalog"); err != nil || after != before {
			t.Errorf("digest %s became %s, %v", before, after, err)
		}
	})
}
