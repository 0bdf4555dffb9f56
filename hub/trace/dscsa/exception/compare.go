package exception

import (
	"cmp"
	"maps"
	"slices"
)

// Unit is what the label of a unit says, or its data. Expiry is YYYY-MM-DD; Lot
// and Expiry may be "" where nothing said them, and are then not compared.
type Unit struct {
	GTIN, Serial, Lot, Expiry string
}

// Compare gives what does not agree between the units of a document and those
// that were scanned: product without data, data without product, and labels that
// say another lot or expiry. Where ordered says how many units of a GTIN were
// ordered, more and fewer received are told too. file names the document. next
// gives a UUID for each item.
func Compare(file string, told, scanned []Unit, ordered map[string]int, next func() string) Exceptions {
	type key struct{ gtin, serial string }
	data, seen := map[key]Unit{}, map[key]bool{}
	for _, u := range told {
		data[key{u.GTIN, u.Serial}] = u
	}
	scanned = slices.Clone(scanned)
	order := func(a, b Unit) int { return cmp.Or(cmp.Compare(a.GTIN, b.GTIN), cmp.Compare(a.Serial, b.Serial)) }
	slices.SortStableFunc(scanned, order)
	received := map[string]int{}
	var out Exceptions
	for _, u := range scanned {
		k := key{u.GTIN, u.Serial}
		if seen[k] { // scanned twice is one unit
			continue
		}
		seen[k] = true
		received[u.GTIN]++
		d, ok := data[k]
		serial := u.Serial
		switch {
		case !ok:
			out.NoData = append(out.NoData, NoData{Item: next(), GTIN: u.GTIN, Source: "Scan", Ask: SendData, Serial: &serial})
		case differ(u.Lot, d.Lot) || differ(u.Expiry, d.Expiry):
			of := d.Serial
			out.Misfits = append(out.Misfits, Misfit{
				Item: next(), ReceivedGTIN: u.GTIN, ReceivedLot: u.Lot, ReceivedExpiry: u.Expiry, ReceivedSerial: &serial,
				DataGTIN: d.GTIN, DataLot: d.Lot, DataExpiry: d.Expiry, DataSerial: &of, Ask: SendData,
			})
		}
	}
	told = slices.Clone(told)
	slices.SortStableFunc(told, order)
	for _, u := range told {
		if !seen[key{u.GTIN, u.Serial}] {
			out.NoProduct = append(out.NoProduct, NoProduct{Item: next(), File: file, GTIN: u.GTIN, Serial: u.Serial, Ask: SendProduct})
		}
	}
	for _, gtin := range slices.Sorted(maps.Keys(ordered)) {
		want, got := ordered[gtin], received[gtin]
		switch {
		case got > want:
			out.Overages = append(out.Overages, Quantity{next(), gtin, want, got, Debit})
		case got < want:
			out.Underages = append(out.Underages, Quantity{next(), gtin, want, got, Credit})
		}
	}
	return out
}

// differ compares what both say.
func differ(a, b string) bool { return a != "" && b != "" && a != b }
