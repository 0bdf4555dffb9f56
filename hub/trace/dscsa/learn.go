package dscsa

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"frostline/hub/fact"
	"frostline/hub/trace/dscsa/statement"
	"frostline/hub/trace/epcis"
)

const (
	learnAtOnce  = 500
	asideSerials = 20
)

// Reasons for which units of a document are set aside.
const (
	AsideNoProduct = "the catalog has no product with this GTIN"
	AsideLot       = "known with another lot"
	AsideExpiry    = "known with another expiry"
	AsideNoLot     = "nothing in the document says lot and expiry"
	AsideNoKey     = "serial or lot is no GS1 one"
)

// unitID is the id of a serialised unit: its GTIN, a dot and its serial, in which
// a slash is written as %2F.
func unitID(gtin, serial string) string { return gtin + "." + strings.ReplaceAll(serial, "/", "%2F") }

// ofUnit is the inverse of unitID.
func ofUnit(id string) (gtin, serial string) {
	gtin, serial, _ = strings.Cut(id, ".")
	return gtin, strings.ReplaceAll(serial, "%2F", "/")
}

// learn makes the units of a document known, and sets aside those that cannot be:
// nothing is guessed of them, and nothing that is known is changed.
func (d *Desk) learn(ctx context.Context, actor, reason, document string, units []statement.Unit, got *fact.StatementReceived) error {
	if reason == "" {
		reason = "by document " + document
	}
	aside := map[string]*fact.UnitsAside{}
	put := func(u statement.Unit, why string) {
		a := aside[u.GTIN+" "+why]
		if a == nil {
			a = &fact.UnitsAside{GTIN: u.GTIN, Why: why}
			aside[u.GTIN+" "+why] = a
		}
		if a.Count++; len(a.Serials) < asideSerials {
			a.Serials = append(a.Serials, u.Serial)
		}
	}
	products := map[string]string{}
	var fresh []fact.UnitReceived
	for _, u := range units {
		product, known := products[u.GTIN]
		if !known {
			p, found, err := d.o.Products.ByGTIN(ctx, u.GTIN)
			if err != nil {
				return fmt.Errorf("look for the product of GTIN %s: %w", u.GTIN, err)
			}
			if found {
				product = p.ID
			}
			products[u.GTIN] = product
		}
		old, found, err := d.o.Units.Unit(ctx, unitID(u.GTIN, u.Serial))
		switch {
		case err != nil:
			return fmt.Errorf("look for unit %s: %w", unitID(u.GTIN, u.Serial), err)
		case found && u.Lot != "" && old.Lot != u.Lot:
			put(u, AsideLot)
		case found && u.Expiry != "" && old.Expiry != u.Expiry:
			put(u, AsideExpiry)
		case found:
			got.Known++
		case product == "":
			put(u, AsideNoProduct)
		case u.Lot == "" || u.Expiry == "":
			put(u, AsideNoLot)
		case len(u.Serial) > 20 || len(u.Lot) > 20 || strings.ContainsAny(u.Lot+u.Serial, " "):
			put(u, AsideNoKey)
		default:
			fresh = append(fresh, fact.UnitReceived{ID: unitID(u.GTIN, u.Serial), Product: product, GTIN: u.GTIN, Serial: u.Serial, Lot: u.Lot, Expiry: u.Expiry})
		}
	}
	for part := range slices.Chunk(fresh, learnAtOnce) {
		if err := d.o.Units.Receive(ctx, actor, reason, part); err != nil {
			return fmt.Errorf("make units known: %w", err)
		}
		got.Learned += len(part)
	}
	for _, a := range aside {
		got.Aside = append(got.Aside, *a)
	}
	sortAside(got.Aside)
	return nil
}

func sortAside(all []fact.UnitsAside) {
	slices.SortFunc(all, func(a, b fact.UnitsAside) int { return cmp.Or(cmp.Compare(a.GTIN, b.GTIN), cmp.Compare(a.Why, b.Why)) })
}

// attribute is one of master data, as the repository keeps it.
type attribute struct {
	Namespace string      `json:"namespace,omitempty"`
	Name      string      `json:"name"`
	Text      string      `json:"text,omitempty"`
	Fields    []attribute `json:"fields,omitempty"`
}

func attributes(all []epcis.Field) []byte {
	var convert func(all []epcis.Field) []attribute
	convert = func(all []epcis.Field) []attribute {
		out := []attribute{}
		for _, f := range all {
			a := attribute{Namespace: f.Namespace, Name: f.Name, Text: f.Text}
			if len(f.Fields) > 0 {
				a.Fields = convert(f.Fields)
			}
			out = append(out, a)
		}
		return out
	}
	text, err := json.Marshal(convert(all))
	if err != nil { // they are texts
		return []byte("[]")
	}
	return text
}
