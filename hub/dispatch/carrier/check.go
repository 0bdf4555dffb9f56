package carrier

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"frostline/hub/fact"
)

var (
	carrierID  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)
	headerName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,63}$`)
)

// faults gathers what is wrong.
type faults []error

func (f *faults) add(bad bool, format string, args ...any) {
	if bad {
		*f = append(*f, fmt.Errorf(format, args...))
	}
}

func (f *faults) word(field, value string, words ...string) {
	f.add(!slices.Contains(words, value), "%s: %q: want one of %v", field, value, words)
}

func (f *faults) pointer(field, value string, required bool) {
	f.add(value == "" && required, "%s: is missing: point to it, such as /data/%s", field, field[strings.LastIndexByte(field, '.')+1:])
	f.add(value != "" && !jsontext.Pointer(value).IsValid(), "%s: %q: want a JSON pointer, such as /data/status", field, value)
}

func (f *faults) span(field string, d, least, most time.Duration) {
	f.add(d < least || d > most, "%s: %s: want %s to %s", field, d, least, most)
}

// check fills in defaults and says what is wrong.
func (m *Mapping) check() error {
	var f faults
	f.add(!carrierID.MatchString(m.Carrier), "carrier: %q: want up to 40 small letters, digits and -", m.Carrier)
	if err := (fact.Ref{Kind: fact.Party, ID: m.Party}).Check(); err != nil {
		f.add(true, "party: %q: want the id of a party of the catalog", m.Party)
	}
	f.add(m.Incoming == nil && m.Booking == nil && m.Tasks == nil, "incoming: say what they send, or how they are told (booking, tasks)")
	if m.Incoming != nil {
		m.checkIncoming(&f)
	}
	if m.Booking != nil {
		m.checkBooking(&f)
	}
	if m.Tasks != nil {
		m.checkTasks(&f)
	}
	r := &m.Retry
	r.First, r.Longest, r.For = cmp.Or(r.First, 5*time.Second), cmp.Or(r.Longest, 15*time.Minute), cmp.Or(r.For, 24*time.Hour)
	f.add(r.First < 10*time.Millisecond || r.Longest < r.First || r.For < r.Longest || r.For > 30*24*time.Hour,
		"retry: first %s, longest %s, for %s: want 10ms <= first <= longest <= for <= 720h", r.First, r.Longest, r.For)
	return errors.Join(f...)
}

func (m *Mapping) checkIncoming(f *faults) {
	in := m.Incoming
	in.Authentication.check(f)
	f.pointer("incoming.events", in.Events, false)
	p := &in.Fields
	f.pointer("incoming.fields.shipment", p.Shipment, true)
	f.pointer("incoming.fields.status", p.Status, true)
	f.pointer("incoming.fields.time", p.Time, true)
	f.pointer("incoming.fields.id", p.ID, false)
	f.pointer("incoming.fields.sub-status", p.SubStatus, false)
	f.pointer("incoming.fields.eta", p.ETA, false)
	f.pointer("incoming.fields.latitude", p.Latitude, false)
	f.pointer("incoming.fields.longitude", p.Longitude, false)
	f.pointer("incoming.fields.accuracy", p.Accuracy, false)
	f.add((p.Latitude == "") != (p.Longitude == ""), "incoming.fields.longitude: %q: point to latitude and longitude, or to neither", p.Longitude)
	f.add(p.Latitude != "" && p.Accuracy == "" && p.AssumedAccuracy == 0, "incoming.fields.assumed-accuracy: say how accurate their positions are, m, or point to it in accuracy")
	f.add(p.AssumedAccuracy < 0 || p.AssumedAccuracy > 5000, "incoming.fields.assumed-accuracy: %d: want 1 to 5000 m", p.AssumedAccuracy)
	in.Reference = cmp.Or(in.Reference, "shipment")
	f.word("incoming.reference", in.Reference, "shipment", "job", "booking")
	f.add(in.Reference == "booking" && (m.Booking == nil || m.Booking.Reference == ""), "incoming.reference: booking: say in booking.reference where their answer has it")
	m.checkClock(f)
	f.add(len(in.Statuses) == 0 || len(in.Statuses) > maxStatuses, "incoming.statuses: %d of them: want 1 to %d", len(in.Statuses), maxStatuses)
	for _, code := range slices.Sorted(maps.Keys(in.Statuses)) {
		s := in.Statuses[code]
		s.check(f, "incoming.statuses."+code)
		in.Statuses[code] = s
	}
}

func (s *Meaning) check(f *faults, field string) {
	f.add(s.Ignore && (s.Stop != "" || s.Route != "" || s.Shipment != "" || s.At != ""), "%s.ignore: it is ignored, or it means something; not both", field)
	f.add(!s.Ignore && s.Stop == "" && s.Route == "" && s.Shipment == "", "%s: say what it means (stop, route, shipment), or ignore: true", field)
	f.add(s.At != "" && s.Stop == "", "%s.at: %q: say in stop what happened there", field, s.At)
	if s.Stop != "" {
		s.At = cmp.Or(s.At, "delivery")
		f.word(field+".stop", s.Stop, fact.StopStatuses...)
		f.word(field+".at", s.At, fact.StopKinds...)
	}
	if s.Route != "" {
		f.word(field+".route", s.Route, fact.RouteStatuses...)
	}
	if s.Shipment != "" {
		f.word(field+".shipment", s.Shipment, fact.Statuses[1:len(fact.Statuses)-1]...)
	}
}

func (a *Authentication) check(f *faults) {
	const at = "incoming.authentication."
	f.word(at+"scheme", a.Scheme, "hmac-sha256", "bearer")
	f.add(len(a.SecretFiles) < 1 || len(a.SecretFiles) > 4, at+"secret-files: %d: want 1 to 4", len(a.SecretFiles))
	a.SecretEncoding = cmp.Or(a.SecretEncoding, "text")
	f.word(at+"secret-encoding", a.SecretEncoding, "text", "hex", "base64")
	if a.Scheme == "bearer" {
		if a.Header == "" {
			a.Header = "Authorization"
			a.Prefix = cmp.Or(a.Prefix, "Bearer ")
		}
		f.add(a.Timestamp != "" || a.Signed != "" || a.ID != "", at+"timestamp: %q: a bearer token signs nothing; leave timestamp, id and signed out", a.Timestamp)
		f.add(!headerName.MatchString(a.Header), at+"header: %q: want the name of a header", a.Header)
		return
	}
	f.add(!headerName.MatchString(a.Header), at+"header: %q: want the name of the header with the signature", a.Header)
	a.Encoding = cmp.Or(a.Encoding, "hex")
	f.word(at+"encoding", a.Encoding, "hex", "base64")
	f.add(a.Timestamp == "" && !a.Untimed, at+"timestamp: is missing: name the header with the time of signing, or say untimed: true")
	f.add(a.Timestamp != "" && a.Untimed, at+"untimed: there is a timestamp; leave one of the two out")
	f.add(a.Timestamp != "" && !headerName.MatchString(a.Timestamp), at+"timestamp: %q: want the name of a header", a.Timestamp)
	f.add(a.ID != "" && !headerName.MatchString(a.ID), at+"id: %q: want the name of a header", a.ID)
	a.Tolerance = cmp.Or(a.Tolerance, 5*time.Minute)
	f.span(at+"tolerance", a.Tolerance, 10*time.Second, time.Hour)
	if a.Signed == "" {
		if a.Signed = "{timestamp}.{body}"; a.Timestamp == "" {
			a.Signed = "{body}"
		}
	}
	f.add(strings.Count(a.Signed, "{body}") != 1, at+"signed: %q: want {body} in it once", a.Signed)
	f.add((a.Timestamp != "") != strings.Contains(a.Signed, "{timestamp}"), at+"signed: %q: the timestamp of the header has to be in it", a.Signed)
	f.add((a.ID != "") != strings.Contains(a.Signed, "{id}"), at+"signed: %q: the id of the header has to be in it", a.Signed)
}

func (m *Mapping) checkBooking(f *faults) {
	b := m.Booking
	b.Method = cmp.Or(b.Method, "POST")
	b.Request.check(f, "booking", m.Private)
	f.pointer("booking.reference", b.Reference, false)
	if b.Header == "" {
		b.Header = "Authorization"
		b.Prefix = cmp.Or(b.Prefix, "Bearer ")
	}
	f.add(!headerName.MatchString(b.Header), "booking.header: %q: want the name of a header", b.Header)
	f.add(strings.Contains(b.URL, "{reference}"), "booking.url: %q: there is no reference before it is booked", b.URL)
	if c := b.Cancel; c != nil {
		c.Method = cmp.Or(c.Method, "DELETE")
		c.check(f, "booking.cancel", m.Private)
	}
}

func (r *Request) check(f *faults, field string, private bool) {
	f.word(field+".method", r.Method, "POST", "PUT", "PATCH", "DELETE")
	checkURL(f, field+".url", r.URL, private)
	f.unknown(field+".url", r.URL)
	f.walk(field+".body", r.Body, 0)
}

func checkURL(f *faults, field, s string, private bool) {
	u, err := url.Parse(placeholder.ReplaceAllString(s, "x"))
	f.add(err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http", "%s: %q: want https://HOST/PATH", field, s)
	if err != nil {
		return
	}
	f.add(u.User != nil, "%s: leave user and password out; name a secret-file", field)
	f.add(u.Scheme == "http" && !private, "%s: %q: want https: http is for private: true", field, s)
	host, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(s, "https://"), "http://"), "/")
	f.add(placeholder.MatchString(host), "%s: %q: the host cannot have placeholders", field, s)
}

func (m *Mapping) checkTasks(f *faults) {
	t := m.Tasks
	checkURL(f, "tasks.url", t.URL, m.Private)
	f.add(t.SecretFile == "", "tasks.secret-file: is missing: name a file with whsec_ and base64 of 24 to 64 bytes")
	if len(t.Triggers) == 0 {
		t.Triggers = slices.Clone(Triggers)
	}
	for _, one := range t.Triggers {
		f.word("tasks.triggers", one, Triggers...)
	}
	t.Of = cmp.Or(t.Of, "own")
	f.word("tasks.of", t.Of, "own", "all")
	t.ETAWithin = cmp.Or(t.ETAWithin, 15*time.Minute)
	f.span("tasks.eta-within", t.ETAWithin, time.Minute, 4*time.Hour)
}
