package dscsa

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
)

// FormItem is an item of Form FDA 3911, Drug Notification, numbered and titled as
// on the form.
type FormItem struct {
	Number string `json:"number"`
	Title  string `json:"title"`
	Value  string `json:"value,omitempty"`
	// Origin is who says so: hub, person, or "" where nobody has yet.
	Origin string `json:"origin,omitempty"`
	// Wanted is set where the form wants a value that is not there.
	Wanted bool `json:"wanted,omitempty"`
}

// Form3911 is the data for Form FDA 3911. The hub never sends it: a person does, by
// FDA's portal or e-mail, and says so.
type Form3911 struct {
	Form       string     `json:"form"`
	Case       string     `json:"case"`
	Determined int64      `json:"determined"` // Unix ms
	Due        int64      `json:"due"`
	Items      []FormItem `json:"items"`
	Missing    []string   `json:"missing,omitempty"` // numbers of items that are wanted
	Untold     []string   `json:"untold,omitempty"`  // who has to be told yet
}

// form is the items with their titles; those that a person may set have the third
// field, and those that an initial notification needs the fourth.
var form = []struct {
	number, title    string
	settable, wanted bool
}{
	{"1", "Type of Report", true, true},
	{"2", "Incident Number (assigned by FDA)", false, false},
	{"3", "Date of Initial Notification", false, false},
	{"4", "Date Company Determined Product Was Illegitimate", false, true},
	{"5", "Classification of Notification", false, true},
	{"6", "Name of Product as It Appears on Label", true, true},
	{"7", "Primary Ingredient(s)", true, false},
	{"8", "Drug Use", true, true},
	{"9", "Drug Description", true, true},
	{"10", "Strength of Drug", true, true},
	{"11", "Dosage Form", true, true},
	{"12", "Quantity of Drug (Number and Unit)", true, true},
	{"13", "NDC Number", true, false},
	{"14", "Serial Number", true, false},
	{"15", "Lot Number(s)", true, true},
	{"16", "Expiration Date(s)", true, true},
	{"17", "For Notification: Description of Event/Issue", true, true},
	{"18", "For Request for Termination: Why Notification Is No Longer Necessary", true, false},
	{"19", "Submitted to FDA Through an Alternative Mechanism", true, false},
	{"20", "Company Name & Address", true, true},
	{"21", "Company Category", true, true},
	{"22", "Unique Facility Identifier", true, false},
	{"23", "Contact Information", true, true},
}

// Settable says whether a person may set an item of the form.
func Settable(number string) bool {
	for _, f := range form {
		if f.number == number {
			return f.settable
		}
	}
	return false
}

// Reports are the types of report: item 1 of Form FDA 3911.
var Reports = []string{"Initial Notification", "Follow-Up Notification", "Request for Termination"}

// Describe sets items of the form that the hub cannot know, or knows wrong, by
// their numbers; a text of "" takes back what was set.
func (d *Desk) Describe(ctx context.Context, by, reason, id string, items map[string]string) (Suspicion, error) {
	if len(items) == 0 {
		return Suspicion{}, record.Invalidf("items: name at least one")
	}
	for _, n := range slices.Sorted(maps.Keys(items)) {
		switch {
		case !Settable(n):
			return Suspicion{}, record.Invalidf("items.%s: is no item of the form that can be set", n)
		case len(items[n]) > 4000:
			return Suspicion{}, record.Invalidf("items.%s: has %d bytes; at most 4000", n, len(items[n]))
		case n == "1" && items[n] != "" && !slices.Contains(Reports, items[n]):
			return Suspicion{}, record.Invalidf("items.1 %q: want one of %v", items[n], Reports)
		}
		if n != "20" && n != "23" { // the company's own address and telephone
			if err := fact.CheckNote("items."+n, items[n]); err != nil {
				return Suspicion{}, record.Invalid(err)
			}
		}
	}
	return d.step(ctx, by, reason, id, func(s Suspicion) (string, any, error) {
		if s.State != Suspected && s.State != Illegitimate {
			return "", nil, record.Refusedf("id %q: the case is %s; only %s or %s product is described", id, s.State, Suspected, Illegitimate)
		}
		return fact.SuspectWasDescribed, fact.SuspectDescribed{ID: id, Items: items}, nil
	})
}

// Form gives the data for Form FDA 3911 of illegitimate product, as far as they
// are known.
func (d *Desk) Form(ctx context.Context, id string) (Form3911, error) {
	s, err := d.Suspicion(ctx, id)
	if err != nil {
		return Form3911{}, err
	}
	if s.State != Illegitimate && s.State != Terminated {
		return Form3911{}, record.Refusedf("id %q: the case is %s; the form is about product that was determined to be illegitimate", id, s.State)
	}
	known, err := d.known(ctx, s)
	if err != nil {
		return Form3911{}, err
	}
	out := Form3911{Form: "FDA 3911", Case: id, Determined: s.Determined, Due: s.Due, Untold: s.Untold()}
	report := s.Items["1"]
	if report == "" {
		report = Reports[0]
	}
	for _, f := range form {
		it := FormItem{Number: f.number, Title: f.title, Value: known[f.number], Origin: "hub"}
		if v := s.Items[f.number]; v != "" {
			it.Value, it.Origin = v, "person"
		}
		wanted := f.wanted || f.number == "2" && report != Reports[0] || f.number == "18" && report == Reports[2]
		if it.Value == "" {
			it.Origin = ""
			if it.Wanted = wanted; wanted {
				out.Missing = append(out.Missing, f.number)
			}
		}
		out.Items = append(out.Items, it)
	}
	return out, nil
}

// known is what the hub can say of the items.
func (d *Desk) known(ctx context.Context, s Suspicion) (map[string]string, error) {
	date := func(ms int64) string {
		if ms == 0 {
			return ""
		}
		return time.UnixMilli(ms).In(d.zone).Format("01/02/2006")
	}
	known := map[string]string{"1": Reports[0], "2": s.Incident, "4": date(s.Determined), "5": s.Classification}
	if len(s.Told) > 0 {
		known["1"] = Reports[1]
	}
	for _, t := range s.Told {
		if t.To == FDA && known["3"] == "" {
			known["3"] = date(t.At)
		}
	}
	var gtins, serials, lots, days []string
	once := func(list *[]string, v string) {
		if v != "" && !slices.Contains(*list, v) {
			*list = append(*list, v)
		}
	}
	for _, u := range s.Units {
		gtin, serial := ofUnit(u)
		once(&gtins, gtin)
		serials = append(serials, serial)
		found, err := itemsAbout(ctx, d.o.Store, fact.TraceAbout{GTIN: gtin, Serial: serial}, 100)
		if err != nil {
			return nil, err
		}
		unit, ok, err := d.o.Units.Unit(ctx, u)
		if err != nil {
			return nil, fmt.Errorf("look for unit %s: %w", u, err)
		}
		if ok {
			once(&lots, unit.Lot)
			once(&days, unit.Expiry)
		}
		for _, it := range found {
			once(&lots, it.Lot)
			once(&days, it.Expiry)
		}
	}
	n := d.names()
	n.table = func(link string) (string, bool) { return link, true } // the form needs no URN
	var all [5][]string
	for _, g := range gtins {
		it, err := d.item(ctx, n, g)
		if err != nil {
			return nil, err
		}
		for i, v := range []string{it.Name, it.Strength, it.DosageForm, it.NDC} {
			once(&all[i], v)
		}
	}
	// Of several products the form wants the word.
	several := func(list []string) string {
		if len(list) > 1 {
			return "Multiple"
		}
		return strings.Join(list, "")
	}
	known["6"], known["10"], known["11"], known["13"] = several(all[0]), several(all[1]), several(all[2]), strings.Join(all[3], ", ")
	if len(s.Units) > 0 {
		known["12"] = strconv.Itoa(len(s.Units)) + " serialised units"
	}
	known["14"], known["15"], known["16"] = strings.Join(serials, ", "), strings.Join(lots, ", "), strings.Join(days, ", ")
	known["17"] = s.Cause
	return known, d.knownCompany(ctx, known)
}

func (d *Desk) knownCompany(ctx context.Context, known map[string]string) error {
	p, err := d.company(ctx)
	if err != nil {
		return err
	}
	var lines []string
	for _, v := range []string{p.Name, p.Street, p.Street2, strings.TrimSpace(p.City + " " + p.State + " " + p.Postal), p.Country} {
		if v != "" {
			lines = append(lines, v)
		}
	}
	c := d.o.Config.Contact
	known["20"], known["21"], known["22"] = strings.Join(lines, ", "), c.Category, c.Facility
	var contact []string
	for _, v := range []string{c.Name, c.Phone, c.Email} {
		if v != "" {
			contact = append(contact, v)
		}
	}
	known["23"] = strings.Join(contact, ", ")
	return nil
}

// History gives all that has happened to a case or request, oldest first, at most
// a thousand events.
func (d *Desk) History(ctx context.Context, ref fact.Ref) ([]event.Event, error) {
	return d.o.Log.Stream(ctx, ref.String(), 0, 1000)
}
