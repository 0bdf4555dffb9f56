// Package lookup finds units, lots, containers and products by what somebody has
// at hand: what a scanner sent, an SGTIN or SSCC in any form of GS1, an NDC, or a
// serial or lot number as it is printed on a box.
//
// It knows units that were received, units that partners' documents name, also
// those that were set aside, and, where the GTIN is given with the serial,
// units that captured events speak of. What is known of none of these is not
// found; nothing is guessed.
package lookup

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/trace/dscsa"
	"frostline/hub/trace/repository"
	"frostline/proto/gs1"
)

// Bounds of an answer.
const (
	MaxText   = 500  // bytes of what is looked for
	MaxUnits  = 200  // units, and as many lots
	maxEvents = 1000 // about a container
)

// ErrText is wrapped where a text cannot be looked for.
var ErrText = errors.New("cannot be looked for")

// Documents tells what partners' documents say of units; *dscsa.Desk does.
type Documents interface {
	Mentions(ctx context.Context, a fact.TraceAbout, after string, limit int) ([]dscsa.UnitDocument, error)
	LotsOf(ctx context.Context, gtin string, limit int) ([]string, error)
}

// Products tells which product has a GTIN of 14 digits.
type Products interface {
	ByGTIN(ctx context.Context, gtin string) (p fact.ProductRecord, found bool, err error)
}

// Packages tells whether a package is known, by its SSCC or label.
type Packages interface {
	HasPackage(ctx context.Context, id string) (bool, error)
}

// Events keeps EPCIS events; *repository.Repository does.
type Events interface {
	Fetch(ctx context.Context, q repository.Query, from *repository.Position, limit int) ([]repository.Row, *repository.Position, error)
}

// Options of New. All are required.
type Options struct {
	Store     *store.DB
	Model     *Model // among the models of the event log
	Documents Documents
	Products  Products
	Packages  Packages
	Events    Events
}

// Desk finds. It is safe for concurrent use.
type Desk struct{ o Options }

// New makes a Desk. It starts nothing.
func New(o Options) (*Desk, error) {
	if o.Store == nil || o.Model == nil || o.Documents == nil || o.Products == nil || o.Packages == nil || o.Events == nil {
		return nil, errors.New("lookup: Store, Model, Documents, Products, Packages and Events are required")
	}
	return &Desk{o}, nil
}

// Unit is a serialised unit that was found.
type Unit struct {
	ID        string // GTIN.SERIAL
	GTIN      string
	Serial    string
	Lot       string // "" where nothing says it
	Expiry    string // YYYY-MM-DD, likewise
	Product   string // id; "" where the catalog has none, or the unit is not known
	Known     bool   // it was received; otherwise documents or events speak of it
	Documents []string
}

// Lot is a lot of a product.
type Lot struct{ GTIN, Lot string }

// Product is a product that was found by its GTIN or NDC. Name and ID are "" where
// the catalog does not have it.
type Product struct{ GTIN, ID, Name string }

// Container is a logistic unit. Known is set where the hub has it as a package.
type Container struct {
	ID    string // SSCC, or the label of a package
	Known bool
}

// Found is the answer.
type Found struct {
	Text       string
	Read       string // as what the text was read, in words
	Units      []Unit
	More       bool // there is more than is listed
	Lots       []Lot
	Products   []Product
	Containers []Container
	// What is in a unit or container that was found, by the events about it.
	Inside []Unit
	Within []Container
}

// Empty says whether nothing was found.
func (f *Found) Empty() bool {
	return len(f.Units)+len(f.Lots)+len(f.Products)+len(f.Containers) == 0
}

// Find looks for what a text names. An error that wraps ErrText says what is
// wrong with it.
func (d *Desk) Find(ctx context.Context, text string) (*Found, error) {
	text = strings.TrimSpace(text)
	f := &Found{Text: text}
	switch {
	case text == "":
		return nil, fmt.Errorf("nothing was typed: it %w", ErrText)
	case len(text) > MaxText:
		return nil, fmt.Errorf("a text of %d bytes %w: at most %d are read", len(text), ErrText, MaxText)
	}
	els, err := gs1.Parse(text)
	unit := els.GTIN() != "" && els.Serial() != ""
	gtin, serial, named := unitName(text)
	switch {
	case err == nil && unit:
		f.Read = "a serialised unit"
		return f, d.one(ctx, f, els.GTIN(), els.Serial())
	case err == nil && els.GTIN() != "" && els.Lot() != "":
		f.Read = "a lot"
		f.Lots = []Lot{{els.GTIN(), els.Lot()}}
		return f, d.lot(ctx, f, els.GTIN(), els.Lot())
	case err == nil && els.SSCC() != "":
		f.Read = "a container"
		return f, d.container(ctx, f, els.SSCC())
	case err == nil && els.GTIN() != "" && !digits(text):
		f.Read = "a product"
		return f, d.product(ctx, f, els.GTIN())
	case named:
		f.Read = "a serialised unit"
		return f, d.one(ctx, f, gtin, serial)
	}
	// Digits alone may be a GTIN or NDC and a serial as well: all are looked for.
	read := []string{"a serial or lot number"}
	if err == nil && els.GTIN() != "" {
		read = append(read, "a GTIN")
		if err := d.product(ctx, f, els.GTIN()); err != nil {
			return nil, err
		}
	}
	if code, err := gs1.ParseNDC(text); err == nil {
		read = append(read, "an NDC")
		if err := d.ndc(ctx, f, code); err != nil {
			return nil, err
		}
	}
	f.Read = strings.Join(read, ", or ")
	if err := d.printed(ctx, f, text); err != nil {
		return nil, err
	}
	known, err := d.o.Packages.HasPackage(ctx, text)
	if known {
		f.Containers = append(f.Containers, Container{ID: text, Known: true})
	}
	return f, err
}

// UnitID reads what names one unit, GTIN.SERIAL or any form of GS1, and gives its
// id.
func UnitID(text string) (id string, ok bool) {
	text = strings.TrimSpace(text)
	if len(text) > MaxText {
		return "", false
	}
	gtin, serial, ok := unitName(text)
	if els, err := gs1.Parse(text); err == nil && els.GTIN() != "" && els.Serial() != "" {
		gtin, serial, ok = els.GTIN(), els.Serial(), true
	}
	return unitID(gtin, serial), ok
}

// unitName reads GTIN.SERIAL, as the hub writes units.
func unitName(text string) (gtin, serial string, ok bool) {
	gtin, serial, ok = strings.Cut(text, ".")
	return gtin, strings.ReplaceAll(serial, "%2F", "/"), ok && len(gtin) == 14 && serial != "" && gs1.ValidGTIN(gtin)
}

func unitID(gtin, serial string) string { return gtin + "." + strings.ReplaceAll(serial, "/", "%2F") }

func digits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}
