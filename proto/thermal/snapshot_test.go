package thermal

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// A history that is interrupted anywhere, its evaluator written and read again,
// ends in the same verdict, and no state is forgotten.
func TestSnapshotGoesOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := someProfile(t)
		steps := rapid.SampledFrom([]int64{900, 3000, 400_000}).Draw(t, "steps")
		if steps > 3000 {
			p.LongestGap = 300_000
		}
		h := someHistory(t, steps)
		cut := rapid.IntRange(0, 3).Draw(t, "each")
		e, err := NewEvaluator(p, h.From)
		if err != nil {
			t.Fatal(err)
		}
		pause := func() {
			if rapid.IntRange(0, cut).Draw(t, "cut") > 0 {
				return
			}
			again, err := Restore(p, e.Snapshot())
			if err != nil {
				t.Fatalf("restore: %v", err)
			}
			was := e.Clone()
			was.fast, was.lo, was.hi, was.profile = false, again.lo, again.hi, again.profile
			for i := range was.limits { // the rule is of a profile of its own
				was.limits[i].rule = again.limits[i].rule
			}
			if was.kinetic != nil {
				was.kinetic.rule = again.kinetic.rule
			}
			was.events.next, was.gaps.next = again.events.next, again.gaps.next
			if !reflect.DeepEqual(empty(was), empty(again)) {
				t.Fatalf("restored %+v\nfrom %+v", again, was)
			}
			e = again
		}
		gaps := h.Unmonitored
		for i := range h.Stretches {
			s := &h.Stretches[i]
			for len(gaps) > 0 && (gaps[0].From < s.From || gaps[0].To <= s.From) {
				if err := e.gap(gaps[0]); err != nil {
					t.Fatal(err)
				}
				gaps = gaps[1:]
			}
			pause()
			if err := errors.Join(e.Begin(s.From, s.Source), e.Until(s.To)); err != nil {
				t.Fatal(err)
			}
			for _, x := range s.Samples {
				pause()
				if err := e.Add(x); err != nil {
					t.Fatal(err)
				}
			}
			e.leave(s.To)
		}
		for _, g := range gaps {
			if err := e.gap(g); err != nil {
				t.Fatal(err)
			}
		}
		pause()
		v, err := e.Verdict(h.To)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := asJSON(t, v), asJSON(t, judge(t, p, h)); !bytes.Equal(got, want) {
			t.Fatalf("interrupted %s\nin one go %s", got, want)
		}
	})
}

// empty makes empty lists nil, which nobody can tell from them.
func empty(e *Evaluator) Evaluator {
	c := *e
	if len(c.events.list) == 0 {
		c.events.list = nil
	}
	if len(c.gaps.list) == 0 {
		c.gaps.list = nil
	}
	if k := c.kinetic.clone(); k != nil {
		if len(k.ring) == 0 {
			k.ring = nil
		}
		if len(k.due) == 0 {
			k.due = nil
		}
		c.kinetic = k
	}
	return c
}

func TestSnapshotOfAnotherProfile(t *testing.T) {
	cold, _ := Named("refrigerated")
	room, _ := Named("controlled-room")
	e, err := NewEvaluator(&cold, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(&room, e.Snapshot()); !errors.Is(err, ErrSnapshot) {
		t.Errorf("another profile: got %v, want %v", err, ErrSnapshot)
	}
	if _, err := Restore(&cold, nil); !errors.Is(err, ErrSnapshot) {
		t.Errorf("nothing: got %v, want %v", err, ErrSnapshot)
	}
}

// How rules stand agrees with what the verdict says of a history that ends
// there.
func TestStandings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := someProfile(t)
		h := someHistory(t, 900)
		e, err := NewEvaluator(p, h.From)
		if err != nil {
			t.Fatal(err)
		}
		for i := range h.Stretches {
			s := &h.Stretches[i]
			if err := e.Begin(s.From, s.Source); err != nil {
				t.Fatal(err)
			}
			for _, x := range s.Samples {
				if x.At > s.To {
					break
				}
				if err := e.Add(x); err != nil {
					t.Fatal(err)
				}
				v, err := e.Verdict(e.at)
				if err != nil {
					t.Fatal(err)
				}
				standings := e.Standings()
				for i := range p.Limits {
					s := standings[i]
					ongoing := false
					for _, x := range v.Excursions {
						if x.Limit == s.Rule && x.Ended == Ongoing {
							ongoing = true
							if s.Broken != x.Broken {
								t.Fatalf("limit %s stands as %+v, its event is %+v", s.Rule, s, x)
							}
						}
					}
					if s.Breaks != v.Limits[i].Alarms || ongoing != s.Beyond || s.Broken && !s.Beyond || s.Left > 0 && s.Broken {
						t.Fatalf("limit %s stands as %+v, the verdict says %+v", s.Rule, s, v.Excursions)
					}
				}
				for i, b := range v.Budgets {
					if s := standings[len(standings)-len(v.Budgets)+i]; s.Broken != b.Broken || s.Rule != b.Name {
						t.Fatalf("budget stands as %+v, the verdict says %+v", s, b)
					}
				}
			}
			e.leave(s.To)
		}
	})
}

func FuzzRestore(f *testing.F) {
	p, _ := Named("controlled-cold")
	e, _ := NewEvaluator(&p, 0)
	_ = e.Begin(0, "s")
	for i := range int64(40) {
		_ = e.Add(Sample{i * 60_000, Temp(4000 + 200*i)})
	}
	f.Add(e.Snapshot())
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Restore(&p, b)
		if err != nil {
			return
		}
		if err := e.Begin(e.at, "s"); err != nil {
			return
		}
		for i := range int64(4) {
			_ = e.Add(Sample{e.at + i*100_000, 9000})
		}
		_, _ = e.Verdict(e.at)
	})
}
