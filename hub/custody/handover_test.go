package custody_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"frostline/hub/custody"
	"frostline/hub/fact"
	"frostline/hub/orders/orderstest"
	"frostline/proto/thermal"
)

func handed(id string, subject fact.Ref, from, to, role string, at int64) custody.Scan {
	warm := thermal.Temp(5200)
	return custody.Scan{HandedOver: &fact.HandedOver{ID: id, Subject: subject, From: from, To: to, Role: role, At: at, Seal: "intact",
		Temperature: &warm, Position: &fact.Position{Latitude: 481_351_253, Longitude: 115_819_806, Accuracy: 4000}}}
}

// chain writes a chain in a line: who had it, and the flags.
func chain(t interface{ Fatal(...any) }, b *orderstest.Bench, pkg string) string {
	c, err := b.Custody.Chain(ctx, pkg)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, h := range c.Holds {
		line := h.Party
		if h.To == 0 {
			line += " still"
		}
		for _, f := range h.Flags {
			line += " !" + f
		}
		out = append(out, line)
	}
	for _, f := range c.Flags {
		out = append(out, "!"+f)
	}
	return strings.Join(out, "; ")
}

func TestChainOfCustody(t *testing.T) {
	run(t, func(t *testing.T, b *orderstest.Bench) {
		start := b.Now()
		pack(t, b, "P1", "H1")
		p1, h1 := fact.Ref{Kind: fact.Package, ID: "P1"}, fact.Ref{Kind: fact.Shipment, ID: "H1"}
		if got := chain(t, b, "P1"); got != "!nobody has told who has it" {
			t.Fatal(got)
		}
		b.Pass(time.Hour)
		at := func(minutes int64) int64 { return start + minutes*60_000 }
		take(t, b, true, handed("a", p1, "", "ph1", "pharmacy", at(0)), handed("c", h1, "ph1", "co1", "courier", at(20)))
		if got := chain(t, b, "P1"); got != "ph1; co1 still" {
			t.Fatalf("with the whole shipment: %s", got)
		}
		out := take(t, b, true, handed("d", p1, "co2", "pt_7f3a9c01e2", "patient", at(40)))
		take(t, b, false, handed("d", p1, "co2", "pt_7f3a9c01e2", "patient", at(40))) // the same again
		events, err := b.Log.Read(ctx, 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events { // where somebody lives is in no event
			if strings.Contains(string(e.Data), "pt_7f3a9c01e2") && strings.Contains(string(e.Data), "481351253") {
				t.Errorf("event %d tells where a patient lives: %s", e.Position, e.Data)
			}
		}
		if len(out[0].Flags) != 1 || !strings.HasPrefix(out[0].Flags[0], "co2 gave it, but co1 had it since 2026-05-01 00:20:00 UTC") {
			t.Fatalf("a giver who had it not: %q", out[0].Flags)
		}
		late := take(t, b, true, handed("l", p1, "co1", "co2", "courier", at(30))) // the one that was missing
		if len(late[0].Flags) != 0 || chain(t, b, "P1") != "ph1; co1; co2; pt_7f3a9c01e2 still" {
			t.Fatalf("after the late one: %q, %s", late[0].Flags, chain(t, b, "P1"))
		}
		back := handed("r", p1, "pt_7f3a9c01e2", "co1", "courier", at(50))
		back.HandedOver.Seal, back.HandedOver.Position, back.HandedOver.NoPosition = "broken", nil, "no fix in the basement"
		take(t, b, false, back)
		if got := chain(t, b, "P1"); !strings.HasSuffix(got, "co1 still !the seal was broken !no position: no fix in the basement") {
			t.Fatal(got)
		}
		fixed := handed("r2", p1, "pt_7f3a9c01e2", "co2", "courier", at(50))
		fixed.HandedOver.Corrects = "r"
		gone := handed("x", p1, "", "ph1", "pharmacy", at(0))
		gone.HandedOver.Corrects, gone.HandedOver.Withdrawn = "a", true
		take(t, b, false, gone, fixed)
		if got := chain(t, b, "P1"); got != "co1 !ph1 gave it, but how it came to ph1 is not told; co2; pt_7f3a9c01e2; co2 still; "+
			"!who had it from 2026-05-01 00:00:00 UTC, when it was packed, until 2026-05-01 00:20:00 UTC is not told" {
			t.Fatal(got)
		}
		for what, s := range map[string]custody.Scan{
			"party":   handed("u1", p1, "", "nobody", "courier", at(55)),
			"package": handed("u2", fact.Ref{Kind: fact.Package, ID: "P9"}, "", "co1", "courier", at(55)),
			"patient": handed("u3", p1, "", "Ada-Lovelace", "patient", at(55)),
			"giver":   handed("u4", p1, "pt_nobody123", "co1", "courier", at(55)),
		} {
			if _, err := b.Custody.Take(ctx, actor, "", []custody.Scan{s}, false); !errors.Is(err, custody.ErrInvalid) {
				t.Errorf("unknown %s: got %v", what, err)
			}
		}
	})
}

// TestShipmentHandoffsCountWhileThePackageIsInIt: a package that changes its
// shipment takes part in the hand-overs of the one it was in at that time.
func TestShipmentHandoffsCountWhileThePackageIsInIt(t *testing.T) {
	run(t, func(t *testing.T, b *orderstest.Bench) {
		start := b.Now()
		pack(t, b, "P1", "H1")
		pack(t, b, "P2", "H2")
		b.Pass(time.Hour)
		move := fact.PackageAssigned{ID: "m", Shipment: "H2", At: start + 1000}
		if _, err := b.Orders.Assign(ctx, actor, "", move, []string{"P1"}); err != nil {
			t.Fatal(err)
		}
		h := func(id string) fact.Ref { return fact.Ref{Kind: fact.Shipment, ID: id} }
		take(t, b, true,
			handed("1", h("H1"), "", "ph1", "pharmacy", start+500), handed("2", h("H1"), "ph1", "co1", "courier", start+1500),
			handed("3", h("H2"), "", "co2", "courier", start+999), handed("4", h("H2"), "ph1", "co2", "courier", start+1000))
		if got := chain(t, b, "P1"); got != "ph1; co2 still; !who had it from 2026-05-01 00:00:00 UTC, when it was packed, until 2026-05-01 00:00:00 UTC is not told" {
			t.Fatal(got)
		}
	})
}

// TestPromise6ChainIsOrderFree: the chain does not depend on the order in which
// hand-overs come, nor on their coming twice.
func TestPromise6ChainIsOrderFree(t *testing.T) {
	drawn := rapid.Custom(drawHandoffs)
	run(t, func(t *testing.T, b *orderstest.Bench) {
		start := b.Now()
		b.Pass(time.Hour)
		for seed := range 12 {
			d := drawn.Example(seed)
			var first string
			for round, order := range d.orders {
				pkg := fmt.Sprintf("P%d-%d", seed, round)
				packAt(t, b, pkg, start)
				for _, i := range order {
					h := d.all[i]
					h.Subject = fact.Ref{Kind: fact.Package, ID: pkg}
					h.ID = pkg + ":" + h.ID
					if h.Corrects != "" {
						h.Corrects = pkg + ":" + h.Corrects
					}
					take(t, b, true, custody.Scan{HandedOver: &h})
				}
				retryAll(t, b)
				if got := chain(t, b, pkg); round == 0 {
					first = got
				} else if got != first {
					t.Fatalf("%+v: got %s\nin another order %s", d, got, first)
				}
			}
		}
	})
}

// handoffsDrawn are hand-overs and the orders in which they come.
type handoffsDrawn struct {
	all    []fact.HandedOver
	orders [2][]int
}

func drawHandoffs(t *rapid.T) (d handoffsDrawn) {
	parties := []string{"ph1", "co1", "co2"}
	var twice []int
	for i := range rapid.IntRange(1, 5).Draw(t, "n") {
		s := handed(fmt.Sprint(i), fact.Ref{}, rapid.SampledFrom(parties).Draw(t, "from"), rapid.SampledFrom(parties).Draw(t, "to"), "courier",
			orderstest.Start+rapid.Int64Range(0, 3).Draw(t, "at"))
		s.HandedOver.Made = orderstest.Start + rapid.Int64Range(0, 2).Draw(t, "made")
		if rapid.IntRange(0, 2).Draw(t, "corrects") == 0 && i > 0 {
			s.HandedOver.Corrects = fmt.Sprint(rapid.IntRange(0, i-1).Draw(t, "target"))
			s.HandedOver.Withdrawn = rapid.Bool().Draw(t, "withdrawn")
		}
		d.all, twice = append(d.all, *s.HandedOver), append(twice, i, i)
	}
	for i := range d.orders {
		d.orders[i] = rapid.Permutation(twice).Draw(t, "order")
	}
	return d
}

// retryAll tries what was set aside until nothing is left: corrections that
// came before their targets.
func retryAll(t *testing.T, b *orderstest.Bench) {
	t.Helper()
	for left := 99; left > 0; {
		list, err := b.Custody.Asides(ctx, "waiting", "", 100)
		if err != nil || len(list) >= left {
			t.Fatalf("%d scans wait for ever (%v)", len(list), err)
		}
		left = len(list)
		for _, a := range list {
			if _, err := b.Custody.Retry(ctx, actor, "", a.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
}
