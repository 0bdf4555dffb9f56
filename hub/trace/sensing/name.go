package sensing

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"frostline/hub/fact"
	"frostline/proto/gs1"
)

// link begins the Digital Links that EPCIS takes as canonical.
const link = "https://id.gs1.org/"

func checkBase(base string) error {
	u, err := url.Parse(base)
	if err != nil || !u.IsAbs() || !strings.HasSuffix(base, "/") || u.RawQuery != "" || u.Fragment != "" || len(base) > 200 {
		return fmt.Errorf("base %q: want an absolute URI of at most 200 bytes that ends in a slash, such as https://hub.example/", base)
	}
	return nil
}

// own is the name of something that has no GS1 key.
func (k *Keeper) own(parts ...string) string {
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return k.o.Base + strings.Join(parts, "/")
}

// thing is the EPC of a unit, package or tote: a Digital Link where it has a
// GS1 key.
func (k *Keeper) thing(s string) string {
	if epc, ok := EPC(s); ok {
		return epc
	}
	kind, id, _ := strings.Cut(s, "/")
	return k.own(kind, id)
}

// EPC gives the canonical Digital Link of a unit or package named "KIND/ID";
// false for what has no GS1 key.
func EPC(s string) (string, bool) {
	kind, id, _ := strings.Cut(s, "/")
	switch fact.Kind(kind) {
	case fact.Unit:
		gtin, serial, ok := strings.Cut(id, ".")
		serial = strings.ReplaceAll(serial, "%2F", "/")
		if ok && gs1.ValidGTIN(gtin) {
			return link + "01/" + gtin + "/21/" + escape(serial), true
		}
	case fact.Package:
		if len(id) == 18 && gs1.ValidSSCC(id) {
			return link + "00/" + id, true
		}
	}
	return "", false
}

// escape writes a serial as Digital Links do: all but RFC 3986's unreserved
// characters are escaped.
func escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// spot gives the read point and location of a place: of a zone the zone, and
// the site it is in. Who has a GLN is named by it.
func (k *Keeper) spot(ctx context.Context, place string) (point, location string, err error) {
	ref, err := fact.ParseRef(place)
	if err != nil {
		return "", "", nil
	}
	switch ref.Kind {
	case fact.Site:
		location, err = k.site(ctx, ref.ID)
		return location, location, err
	case fact.Zone:
		r, found, err := k.o.Registry.Record(ctx, ref)
		if err != nil {
			return "", "", err
		}
		if z, ok := r.(fact.ZoneRecord); found && ok && z.Site != "" {
			location, err = k.site(ctx, z.Site)
		}
		return k.own("zone", ref.ID), location, err
	}
	return k.own(string(ref.Kind), ref.ID), "", nil
}

func (k *Keeper) site(ctx context.Context, id string) (string, error) {
	r, found, err := k.o.Registry.Record(ctx, fact.Ref{Kind: fact.Site, ID: id})
	if s, ok := r.(fact.SiteRecord); found && ok && s.GLN != "" {
		return link + "414/" + s.GLN, err
	}
	return k.own("site", id), err
}

// party gives the name of a party of the registry; "" for who is none, such as
// a patient.
func (k *Keeper) party(ctx context.Context, id string) (string, error) {
	if id == "" {
		return "", nil
	}
	r, found, err := k.o.Registry.Record(ctx, fact.Ref{Kind: fact.Party, ID: id})
	p, ok := r.(fact.PartyRecord)
	switch {
	case err != nil || !found || !ok:
		return "", err
	case p.GLN != "":
		return link + "417/" + p.GLN, nil
	}
	return k.own("party", id), nil
}
