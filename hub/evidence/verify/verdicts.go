package verify

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"frostline/hub/correlate/join"
	"frostline/hub/evidence/bundle"
	"frostline/hub/fact"
)

// stated is the last verdict that the hub stated by one profile.
type stated struct {
	*fact.VerdictRevised
	event string
	at    int64 // when it was recorded
}

// verdicts works out anew what the hub says it concluded. It is not done where
// the evidence itself does not hold: what would follow from that says nothing.
func (r *run) verdicts() bool {
	if len(r.Problems) > 0 {
		return true
	}
	said, packages := map[string]map[join.Key]stated{}, map[string]bool{}
	for _, e := range r.events {
		switch e.Type {
		case fact.VerdictWasRevised, fact.PackageWasPacked:
		default:
			continue
		}
		d, err := fact.Decode(e.Type, e.Data)
		if err != nil {
			r.fail(Problem{Check: EventIs, Event: clip(e.ID), Stream: clip(e.Stream), Detail: "facts cannot be read"})
			return false
		}
		switch d := d.(type) {
		case *fact.PackagePacked:
			if d.Shipment == r.m.Shipment {
				packages[d.ID] = true
			}
		case *fact.VerdictRevised:
			if said[d.Package] == nil {
				said[d.Package] = map[join.Key]stated{}
			}
			said[d.Package][join.Key{Profile: d.Profile, Version: d.Version, Product: d.Product}] = stated{d, clip(e.ID), e.At}
		}
	}
	for _, p := range r.m.Packages {
		if p.Shipment != packages[p.ID] {
			r.fail(Problem{Check: ManifestIs, File: bundle.Manifest, Package: clip(p.ID), Field: "packages", Detail: "whether it is of the shipment is not what the events say"})
		}
		delete(packages, p.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(packages)) {
		r.fail(Problem{Check: ManifestIs, File: bundle.Manifest, Package: clip(id), Field: "packages", Detail: "it is of the shipment and the manifest does not speak of it"})
	}
	for _, p := range r.m.Packages {
		if p.Shipment {
			if err := r.judge(p.ID, said[p.ID]); err != nil {
				r.fail(Problem{Check: VerdictIs, Package: clip(p.ID), Detail: "it cannot be judged by what is here: a profile, an instant or a temperature cannot be"})
			}
		}
	}
	return true
}

// judge compares what was stated of one package with what follows.
func (r *run) judge(id string, said map[join.Key]stated) error {
	watch, ok := r.store.facts.Watch(id)
	if !ok {
		return nil // it was never packed: there is nothing to judge
	}
	open := true
	for k, s := range said {
		if s.Dropped {
			delete(said, k)
		} else if watch.To <= s.at {
			open = false
		}
	}
	if !open {
		found, err := r.both(id, join.Open)
		if err != nil {
			return err
		}
		for i := range found {
			r.compare(id, &found[i], said, true)
		}
	} else if err := r.judgeOpen(id, said); err != nil {
		return err
	}
	judges, missing := r.store.facts.Judges(id)
	for _, j := range judges {
		delete(said, j.Key())
	}
	for _, k := range slices.SortedFunc(maps.Keys(said), func(a, b join.Key) int { return cmpKey(a, b) }) {
		r.fail(Problem{Check: VerdictIs, Package: clip(id), Event: said[k].event, Detail: fmt.Sprintf("a verdict by profile %s version %d%s was stated, and the facts do not call for one", k.Profile, k.Version, of(k))})
	}
	for _, m := range missing {
		r.reserve("package %s is not judged as to %s: nobody has told of it", clip(id), clip(m.String()))
	}
	return nil
}

// judgeOpen judges a package whose watch goes on as of the instants to which
// verdicts were stated.
func (r *run) judgeOpen(id string, said map[join.Key]stated) error {
	judges, _ := r.store.facts.Judges(id)
	for _, want := range judges {
		s, ok := said[want.Key()]
		if !ok {
			if err := r.unsaid(id, want.Key(), said); err != nil {
				return err
			}
			continue
		}
		var best *judged
		for _, now := range []int64{s.at, s.Verdict.To} {
			found, err := r.both(id, now)
			if err != nil {
				return err
			}
			for i := range found {
				if found[i].Key() == want.Key() && (best == nil || found[i].Digest == s.Digest) {
					best = &found[i]
				}
			}
		}
		if best != nil {
			r.compare(id, best, said, false)
		}
	}
	return nil
}

// unsaid deals with a judge by which the hub stated no verdict. That is in order
// where nothing was known yet, nor missing, when the last event was recorded.
func (r *run) unsaid(id string, k join.Key, said map[join.Key]stated) error {
	found, err := r.both(id, r.events[len(r.events)-1].At)
	if err != nil {
		return err
	}
	for i := range found {
		if v := &found[i].Verdict; found[i].Key() == k {
			if v.From < v.To {
				r.compare(id, &found[i], said, false)
				return nil
			}
			r.reserve("package %s has no verdict by profile %s version %d%s: nothing was known yet when the bundle was made", clip(id), k.Profile, k.Version, of(k))
		}
	}
	return nil
}

// judged is what follows from everything, and what from signed blocks alone;
// nil where there are no others.
type judged struct {
	join.Judgement
	signed *join.Judgement
}

// both judges a package as of an instant.
func (r *run) both(id string, now int64) (out []judged, err error) {
	found, err := join.Verdict(r.ctx, r.store.facts, r.store.all, id, now)
	if err != nil {
		return nil, err
	}
	for _, j := range found {
		out = append(out, judged{Judgement: j})
	}
	if len(r.Unsigned) == 0 {
		return out, nil
	}
	if found, err = join.Verdict(r.ctx, r.store.facts, r.store.signed, id, now); err != nil {
		return nil, err
	}
	for i := range out { // the same facts call for the same judges in the same order
		out[i].signed = &found[i]
	}
	return out, nil
}

// compare tells where a verdict that was stated is not the one that follows.
func (r *run) compare(id string, is *judged, said map[join.Key]stated, closed bool) {
	k := is.Key()
	s, ok := said[k]
	if !ok {
		r.fail(Problem{Check: VerdictIs, Package: clip(id), Detail: fmt.Sprintf("the hub stated none by profile %s version %d%s, and the facts call for one", k.Profile, k.Version, of(k))})
		return
	}
	p := Problem{Check: VerdictIs, Package: clip(id), Event: s.event}
	if d, err := s.Verdict.Digest(); err != nil || d != s.Digest {
		p.Field, p.Detail = "digest", "it is not that of the verdict stated beside it"
		r.fail(p)
		return
	}
	if is.Digest != s.Digest {
		p.Field, p.Detail = differ(s.Verdict, is.Verdict)
		r.fail(p)
		return
	}
	if len(s.Units)+len(is.Units) > 0 {
		if field, detail := differ(s.Units, is.Units); field != "" || detail != "" {
			p.Field, p.Detail = "units"+field, detail
			r.fail(p)
			return
		}
	}
	v := Verdict{Package: clip(id), Profile: k.Profile, Version: k.Version, Product: k.Product,
		Outcome: string(is.Verdict.Outcome), From: is.Verdict.From, To: is.Verdict.To, Digest: is.Digest, Closed: closed}
	if v.Signed = is.less(); v.Signed != nil {
		if closed && is.otherwise() && !r.o.AllowUnsigned {
			t := r.Unsigned[0]
			r.fail(Problem{Check: SealIs, Gateway: t.Gateway, Epoch: t.Epoch, Block: t.First, To: t.Last, Package: clip(id), Event: s.event,
				Detail: fmt.Sprintf("the verdict %s rests on blocks that a gateway has not signed; without them it is %s: make the bundle again after its next seal, or allow it with --allow-unsigned", v.Outcome, v.Signed.Outcome)})
			return
		}
		if r.VerifiedTo == 0 || v.Signed.Until < r.VerifiedTo {
			r.VerifiedTo = v.Signed.Until
		}
	}
	r.Verdicts = append(r.Verdicts, v)
}

// less tells what follows from signed blocks alone; nil where it is the same.
func (j *judged) less() *Signed {
	if j.signed == nil {
		return nil
	}
	if field, detail := differ(j.signed.Units, j.Units); j.signed.Digest == j.Digest && field == "" && detail == "" {
		return nil
	}
	h := &j.signed.History
	until := h.From
	if n := len(h.Stretches); n > 0 {
		until = h.Stretches[n-1].To
	}
	return &Signed{Outcome: string(j.signed.Verdict.Outcome), Until: until, Digest: j.signed.Digest}
}

// otherwise reports whether signed blocks alone lead to another conclusion.
func (j *judged) otherwise() bool {
	broken := func(units []fact.UnitBudget) (out []string) {
		for _, u := range units {
			for _, b := range u.Budgets {
				if b.Broken {
					out = append(out, u.Unit, b.Name)
				}
			}
		}
		return out
	}
	return j.Verdict.Outcome != j.signed.Verdict.Outcome || !slices.Equal(broken(j.Units), broken(j.signed.Units))
}

func of(k join.Key) string {
	if k.Product == "" {
		return ""
	}
	return " for product " + k.Product
}

func cmpKey(a, b join.Key) int {
	switch x, y := fmt.Sprint(a), fmt.Sprint(b); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// differ finds the first field, in order of names, in which two documents are
// not the same.
func differ(said, is any) (field, detail string) {
	var a, b any
	x, err1 := json.Marshal(said)
	y, err2 := json.Marshal(is)
	if err1 != nil || err2 != nil || json.Unmarshal(x, &a) != nil || json.Unmarshal(y, &b) != nil {
		return "", "it cannot be compared"
	}
	field, u, v, same := walk("", a, b)
	if same {
		return "", ""
	}
	return field, fmt.Sprintf("the hub stated %s, and from the evidence follows %s", short(u), short(v))
}

func short(v any) string {
	b, err := json.Marshal(v)
	if err != nil || v == nil {
		return "nothing"
	}
	if len(b) > 120 {
		return strings.ToValidUTF8(string(b[:120]), "") + "…"
	}
	return string(b)
}

func walk(path string, a, b any) (field string, u, v any, same bool) {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok {
			return path, a, b, false
		}
		names := slices.Collect(maps.Keys(x))
		for n := range y {
			if _, ok := x[n]; !ok {
				names = append(names, n)
			}
		}
		slices.Sort(names)
		for _, n := range names {
			if f, u, v, same := walk(path+"/"+n, x[n], y[n]); !same {
				return f, u, v, false
			}
		}
		return "", nil, nil, true
	case []any:
		y, ok := b.([]any)
		if !ok {
			return path, a, b, false
		}
		for i := range min(len(x), len(y)) {
			if f, u, v, same := walk(fmt.Sprintf("%s/%d", path, i), x[i], y[i]); !same {
				return f, u, v, false
			}
		}
		if len(x) != len(y) {
			return path, fmt.Sprintf("%d of them", len(x)), fmt.Sprintf("%d of them", len(y)), false
		}
		return "", nil, nil, true
	}
	return path, a, b, a == b
}
