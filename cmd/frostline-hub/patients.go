package main

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"frostline/hub/custody"
	"frostline/hub/fact"
	"frostline/hub/health"
	"frostline/hub/hold"
	"frostline/hub/models"
	"frostline/hub/privacy"
	"frostline/hub/web/patient"
)

// patientsConfig is how patients follow their deliveries.
type patientsConfig struct {
	// URL begins the addresses of links as patients open them: of the proxy before
	// this hub, such as https://track.example. It must not log paths under /p/.
	// Default the address of the pages, which this machine alone reaches.
	URL string `yaml:"url"`
	// Zone is the time zone of the page, such as America/Los_Angeles. Default this
	// machine's.
	Zone string `yaml:"zone"`
	// Contact is where patients ask, such as a name and a telephone number. Default
	// nothing.
	Contact string `yaml:"contact"`
}

func (c patientsConfig) validate() error {
	if c.URL != "" {
		if u, err := url.Parse(c.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" {
			return fmt.Errorf("patients.url: %q: want https:// and a host", c.URL)
		}
	}
	if len(c.Contact) > 200 {
		return fmt.Errorf("patients.contact: %d bytes: want at most 200", len(c.Contact))
	}
	_, err := c.location()
	return err
}

func (c patientsConfig) location() (*time.Location, error) {
	if c.Zone == "" {
		return time.Local, nil
	}
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return nil, fmt.Errorf("patients.zone: %q: %w; want a name such as America/Los_Angeles", c.Zone, err)
	}
	return zone, nil
}

// patients are the links and the page of patients.
type patients struct {
	*privacy.Links
	pages *patient.Server
	base  func() string
}

// URL is the address of a link as patients open it.
func (p patients) URL(secret string) string { return p.base() + patient.Prefix + secret }

// openPatients makes links and page, of contexts that are there.
func (h *hub) openPatients(ctx context.Context, m models.Models) (err error) {
	c, p := &h.contexts, &h.contexts.patients
	if p.Links, err = privacy.New(ctx, privacy.Options{
		Store: h.store, Key: filepath.Join(h.config.Data, "privacy", "links.key"), Log: h.log.With("part", "privacy"),
		Known: func(ctx context.Context, id string) (bool, error) {
			return m.Orders.Known(ctx, h.store, fact.Ref{Kind: fact.Shipment, ID: id})
		},
	}); err != nil {
		return err
	}
	zone, err := h.config.Patients.location()
	if err != nil {
		return err
	}
	p.base = func() string {
		if u := h.config.Patients.URL; u != "" {
			return strings.TrimSuffix(u, "/")
		}
		return strings.TrimSuffix(h.web.URL(), "/")
	}
	p.pages, err = patient.New(patient.Config{
		Links: p.Links, Events: c.events, Log: h.log.With("part", "patients"), Zone: zone, Contact: h.config.Patients.Contact,
		Sources: patient.Sources{
			Orders: c.orders, Verdicts: c.correlate, Cases: c.cases, Routes: c.dispatch, Progress: c.progress,
			Site: gate(m.Catalog, h.store), Held: held(c.holds, c.custody),
		},
	})
	return err
}

// mostHeld bounds the units of a package that holds are looked up of.
const mostHeld = 200

// held says whether quality holds a package, or a unit in it.
func held(holds *hold.Holds, places *custody.Custody) func(context.Context, string) (bool, error) {
	on := func(ctx context.Context, r fact.Ref) (bool, error) {
		list, err := holds.List(ctx, hold.Filter{On: r}, "", 1)
		return len(list) > 0, err
	}
	return func(ctx context.Context, id string) (bool, error) {
		pkg := fact.Ref{Kind: fact.Package, ID: id}
		if yes, err := on(ctx, pkg); yes || err != nil {
			return yes, err
		}
		now := time.Now().UnixMilli()
		stays, err := places.Stays(ctx, pkg, now, now+1)
		if err != nil {
			return false, err
		}
		for _, s := range stays[:min(len(stays), mostHeld)] {
			if s.Subject.Kind != fact.Unit {
				continue
			}
			if yes, err := on(ctx, s.Subject); yes || err != nil {
				return yes, err
			}
		}
		return len(stays) > mostHeld, nil // nobody has looked at the others
	}
}

func (h *hub) patientsPart(context.Context) (health.Report, error) {
	k := h.contexts.patients.pages.Counts()
	var p problems
	p.add(k.Failing != "", "patients' pages are held up: %s", k.Failing)
	return health.Report{Problem: p.String(), Figures: []health.Figure{
		gauge("patients_watching", "Pages of patients that follow a delivery.", k.Watching),
		gauge("patients_deliveries", "Deliveries that patients follow.", k.Deliveries),
		counter("patients_failures_total", "Deliveries that could not be told for a second.", k.Failures),
	}}, nil
}
