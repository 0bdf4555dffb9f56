package proof

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/proto/gs1"
)

const (
	maxCodes = 500
	maxCode  = 512 // bytes
)

// read gives the package that a code names, or the unit.
func read(code string) (pkg, unit string, err error) {
	text := strings.TrimSpace(code)
	if text == "" || len(code) > maxCode {
		return "", "", fmt.Errorf("want what was scanned, of 1 to %d bytes", maxCode)
	}
	elements, err := gs1.Parse(text)
	if err == nil {
		if sscc := elements.SSCC(); sscc != "" {
			return sscc, "", nil
		}
		if gtin, serial := elements.GTIN(), elements.Serial(); len(gtin) == 14 && serial != "" {
			return "", gtin + "." + strings.ReplaceAll(serial, "/", "%2F"), nil
		}
		if text[0] == ']' || text[0] == '(' || text[0] == '^' || strings.Contains(text, ":") {
			return "", "", errors.New("it names no package: it has neither an SSCC (00) nor a serial number (21) beside its GTIN (01); scan the label of the package")
		}
	}
	if errors.Is(err, gs1.BadSymbology) && len(text) > 3 {
		text = text[3:] // of a symbol that is not GS1's
	}
	id, err := fact.PackageID(text)
	return id, "", err
}

// packages gives the packages that were scanned, as often as they were.
func (d *Desk) packages(ctx context.Context, r Request) (all []string, err error) {
	for i, code := range r.Codes {
		pkg, unit, err := read(code)
		if err != nil {
			return nil, record.Invalidf("codes.%d: %w", i, err)
		}
		if unit != "" {
			if pkg, err = d.o.Inside(ctx, unit, r.At); err != nil {
				return nil, err
			}
			if pkg == "" {
				return nil, record.Refusedf("codes.%d: unit %s is in no package that is known; scan the label of the package", i, unit)
			}
		}
		all = append(all, pkg)
	}
	return all, nil
}

// scanned holds what was scanned against what is in the shipment.
func (d *Desk) scanned(ctx context.Context, p *fact.ProofGiven, r Request) (*refusal, error) {
	there, err := d.o.Packages(ctx, p.Shipment, p.At)
	if err != nil {
		return nil, err
	}
	if len(there) == 0 {
		return nil, record.Refusedf("codes: no package is in shipment %s; assign what it carries first", p.Shipment)
	}
	scanned, err := d.packages(ctx, r)
	if err != nil {
		return nil, err
	}
	slices.Sort(scanned)
	p.Packages = slices.Compact(scanned)
	var strange, left []string
	for _, id := range p.Packages {
		if !slices.Contains(there, id) {
			strange = append(strange, id)
		}
	}
	if len(strange) > 0 {
		return &refusal{"other_package", strange, record.Refusedf("codes: %s is not in shipment %s: do not hand it over; scan what this stop is for, and call dispatch", strings.Join(strange, ", "), p.Shipment)}, nil
	}
	for _, id := range there {
		if !slices.Contains(p.Packages, id) {
			left = append(left, id)
		}
	}
	if len(left) > 0 {
		return nil, record.Refusedf("codes: %s of shipment %s was not scanned; scan it, or take it out of the shipment first", strings.Join(left, ", "), p.Shipment)
	}
	return nil, nil
}

// met holds who took it against whom it is for.
func (d *Desk) met(ctx context.Context, p fact.ProofGiven) (*refusal, error) {
	if i := p.Identity; i != nil && i.Result != "matched" {
		return &refusal{"identity_not_matched", nil, record.Refusedf("identity: did not match: do not hand it over; call dispatch")}, nil
	}
	patient, err := d.o.Patient(ctx, p.Shipment)
	if err != nil {
		return nil, err
	}
	if p.Role == "patient" {
		if patient != "" && patient != p.To {
			return &refusal{"other_recipient", nil, record.Refusedf("to: is not the token of the patient whom shipment %s is for: do not hand it over; call dispatch", p.Shipment)}, nil
		}
		return nil, record.Invalid(fact.CheckToken("to", p.To))
	}
	known, err := d.o.Known(ctx, p.To)
	if err == nil && !known {
		err = record.Invalidf("to %q: there is no such party; enter it first, or give the token of the patient with role patient", p.To)
	}
	return nil, err
}
