package timeline

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"frostline/hub/fact"
)

var box = fact.Ref{Kind: fact.Package, ID: "P1"}

func ref(kind fact.Kind, id string) *fact.Ref { return &fact.Ref{Kind: kind, ID: id} }

// drawStatements makes statements that meet often: few instants, ids that
// correct one another, corrections of what nobody has told.
func drawStatements(t *rapid.T, subject fact.Ref) []fact.Attached {
	n := rapid.IntRange(0, 12).Draw(t, "n")
	var all []fact.Attached
	for i := range n {
		a := fact.Attached{
			ID: fmt.Sprintf("s%d", i), Subject: subject, Via: "scan",
			At:   fact.Earliest + rapid.Int64Range(0, 6).Draw(t, "at"),
			Made: fact.Earliest + rapid.Int64Range(0, 3).Draw(t, "made"),
			Rank: rapid.IntRange(0, 1).Draw(t, "rank"),
		}
		if rapid.IntRange(0, 5).Draw(t, "nowhere") > 0 {
			a.In = ref(fact.Zone, rapid.SampledFrom([]string{"Z1", "Z2", "Z3"}).Draw(t, "in"))
		}
		if rapid.IntRange(0, 2).Draw(t, "corrects") == 0 {
			a.Corrects = fmt.Sprintf("s%d", rapid.IntRange(0, 14).Draw(t, "target"))
			if a.Corrects == a.ID {
				a.Corrects = "s99"
			}
			a.Withdrawn = rapid.IntRange(0, 2).Draw(t, "withdrawn") == 0
		}
		all = append(all, a)
	}
	return all
}

func shuffled(t *rapid.T, all []fact.Attached) []fact.Attached {
	twice := slices.Clone(all)
	for _, a := range all {
		if rapid.Bool().Draw(t, "twice") {
			twice = append(twice, a)
		}
	}
	return rapid.Permutation(twice).Draw(t, "order")
}

// naive says where the subject is at an instant, written from the rules and
// not from the code: nothing is sorted or chained.
func naive(all []fact.Attached, at int64) (string, bool) {
	byID := map[string]fact.Attached{}
	for _, a := range all {
		byID[a.ID] = a
	}
	var corrected func(a fact.Attached) (fact.Attached, bool)
	corrected = func(a fact.Attached) (fact.Attached, bool) {
		var winner *fact.Attached
		for _, c := range all {
			if c.Corrects == a.ID && (winner == nil || c.Made > winner.Made || c.Made == winner.Made && c.ID > winner.ID) {
				winner = &c
			}
		}
		if winner == nil {
			return a, !a.Withdrawn
		}
		return corrected(*winner)
	}
	var now *fact.Attached
	for _, a := range all {
		if a.Corrects != "" {
			continue
		}
		h, ok := corrected(a)
		if !ok || h.At > at {
			continue
		}
		if now == nil || cmp.Or(cmp.Compare(h.At, now.At), cmp.Compare(h.Made, now.Made), cmp.Compare(h.ID, now.ID)) > 0 {
			now = &h
		}
	}
	if now == nil {
		return "", false
	}
	return fmt.Sprint(now.ID, " in ", now.In, " rank ", now.Rank), true
}

// TestPromise6OrderFree: whatever order statements come in and however often,
// the timeline is the same, and it is what the naive model says.
func TestPromise6OrderFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawStatements(t, box)
		var first Timeline
		for _, a := range all {
			if !first.Add(a) {
				t.Fatalf("statement %s is said to be known", a.ID)
			}
		}
		var other Timeline
		for i, a := range shuffled(t, all) {
			other.Add(a)
			if i%3 == 0 {
				other.Intervals() // asked for half-way, must not matter
			}
		}
		if got, want := fmt.Sprint(encode(t, other.Intervals())), encode(t, first.Intervals()); got != want {
			t.Fatalf("intervals depend on order:\n got %s\nwant %s", got, want)
		}
		if got, want := encode(t, other.Told()), encode(t, first.Told()); got != want {
			t.Fatalf("what was told depends on order:\n got %s\nwant %s", got, want)
		}
		for at := int64(fact.Earliest - 1); at < fact.Earliest+9; at++ {
			want, known := naive(all, at)
			v, ok := first.At(at)
			got := ""
			if ok {
				got = fmt.Sprint(v.Statement, " in ", v.In, " rank ", v.Rank)
			}
			if ok != known || got != want {
				t.Fatalf("at %d: got %q %v, the naive model says %q %v", at-fact.Earliest, got, ok, want, known)
			}
		}
		for i, v := range first.Intervals() {
			if v.From >= v.To || i > 0 && first.Intervals()[i-1].To != v.From {
				t.Fatalf("interval %d %+v is empty or leaves a hole", i, v)
			}
		}
		if len(first.Told()) != len(all) {
			t.Fatalf("told %d of %d statements", len(first.Told()), len(all))
		}
	})
}

func encode(t *rapid.T, v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestPlacesFollowEachTimeline: the index of many subjects says the same as a
// look at every subject and instant, and Moved covers every change.
func TestPlacesFollowEachTimeline(t *testing.T) {
	tote, zone := *ref(fact.Tote, "T1"), *ref(fact.Zone, "Z1")
	rapid.Check(t, func(t *rapid.T) {
		var p Places
		var all []fact.Attached
		for _, s := range []fact.Ref{tote, box} {
			for _, a := range drawStatements(t, s) {
				a.ID = string(s.Kind) + a.ID
				if a.Corrects != "" {
					a.Corrects = string(s.Kind) + a.Corrects
				}
				if s == box && a.In != nil && a.In.ID == "Z2" {
					a.In = &tote
				}
				all = append(all, a)
			}
		}
		const first, last = fact.Earliest - 1, fact.Earliest + 8
		for _, a := range shuffled(t, all) {
			was := map[int64]string{}
			for at := int64(first); at < last; at++ {
				was[at] = placed(p.Of(a.Subject), at)
			}
			moved, ok := p.Add(a)
			for at := int64(first); at < last; at++ {
				changed := was[at] != placed(p.Of(a.Subject), at)
				if changed && (!ok || at < moved.From || at >= moved.To) {
					t.Fatalf("%s moved at %d, told %+v %v", a.Subject, at, moved, ok)
				}
				if ok && (at == moved.From || at == moved.To-1) && !changed {
					t.Fatalf("%s told to have moved in %+v, not at %d", a.Subject, moved, at)
				}
			}
		}
		for at := int64(first); at < last; at++ {
			inZone := map[fact.Ref]bool{}
			for _, s := range p.Within(zone, at, at+1) {
				if inZone[s.Subject] {
					t.Fatalf("%s is twice in %s at %d", s.Subject, zone, at)
				}
				inZone[s.Subject] = true
			}
			of := where(p.Of(tote), at)
			own := where(p.Of(box), at)
			want := map[fact.Ref]bool{}
			if of == "zone/Z1" {
				want[tote] = true
			}
			if own == "zone/Z1" || own == "tote/T1" && of == "zone/Z1" {
				want[box] = true
			}
			if !reflect.DeepEqual(inZone, want) {
				t.Fatalf("at %d in %s: got %v, want %v", at, zone, inZone, want)
			}
		}
		p.Forget(box)
		p.Forget(tote)
		if len(p.inside) != 0 || len(p.of) != 0 {
			t.Fatalf("something is left of what was forgotten: %v", p)
		}
	})
}

// where names the place, "" where none is known.
func where(t *Timeline, at int64) string {
	v, ok := t.At(at)
	if !ok || v.In == nil {
		return ""
	}
	return v.In.String()
}

// placed is where with the rank.
func placed(t *Timeline, at int64) string {
	if where(t, at) == "" {
		return ""
	}
	v, _ := t.At(at)
	return fmt.Sprint(v.In, " rank ", v.Rank)
}

func TestSameIDWithOtherContentIsOneEitherWay(t *testing.T) {
	a := fact.Attached{ID: "s1", Subject: box, In: ref(fact.Zone, "Z1"), At: fact.Earliest, Made: fact.Earliest}
	b := a
	b.In = ref(fact.Zone, "Z2")
	var x, y Timeline
	x.Add(a)
	x.Add(b)
	y.Add(b)
	y.Add(a)
	if where(&x, fact.Earliest) != "zone/Z2" || where(&y, fact.Earliest) != "zone/Z2" || x.Conflicts() != 1 || y.Conflicts() != 1 {
		t.Fatalf("got %s and %s, %d and %d conflicts; want zone/Z2 and one conflict in both", where(&x, fact.Earliest), where(&y, fact.Earliest), x.Conflicts(), y.Conflicts())
	}
}

// BenchmarkAdd is a tote that has been scanned 10,000 times before.
func BenchmarkAdd(b *testing.B) {
	var p Places
	for i := range 10_000 + b.N {
		if i == 10_000 {
			b.ResetTimer()
		}
		p.Add(fact.Attached{ID: fmt.Sprint("s", i), Subject: fact.Ref{Kind: fact.Tote, ID: "T1"}, In: ref(fact.Zone, fmt.Sprint("Z", i%3)), At: fact.Earliest + int64(i), Made: fact.Earliest})
	}
}
