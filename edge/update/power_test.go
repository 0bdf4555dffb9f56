package update

import (
	"errors"
	"slices"
	"testing"

	"frostline/edge/disk/powercut"
)

// Cut at each step of everything a gateway goes through, it comes up with a
// program that is whole, signed, and the old or the new one; and it gets to the
// new one in the end, whatever happened.
func TestPowerCutAtEachStep(t *testing.T) {
	one, two := build("v1.1.0", maker, nil), build("v1.2.0", maker, nil)
	from := stock(one, two)
	from.piece = 100
	type stage struct {
		name string
		do   func(g *gateway) error
		want []string // versions that may run when the power goes during it
		then string   // the version that runs once it was done
	}
	offer := func(b *built, number uint64) func(*gateway) error {
		return func(g *gateway) error { _, err := g.Offer(b.statement(number), public(hub)); return err }
	}
	fetch := func(g *gateway) error { _, err := g.fetch(from); return err }
	start := func(g *gateway) error { g.up(); return g.cut() }
	prove := func(g *gateway) error { return g.Confirm() }
	ended := func(g *gateway) error { return g.Ended() }
	undo := func(g *gateway) error { g.Undo("nothing was acknowledged"); return g.Trouble() }
	v0, v1, v2 := "v1.0.0", "v1.1.0", "v1.2.0"
	stages := []stage{
		{"choose", offer(one, 1), []string{v0}, v0},
		{"fetch", fetch, []string{v0, v1}, v1},
		{"start", start, []string{v1}, v1},
		{"end in order", ended, []string{v1}, v1},
		{"start again", start, []string{v1}, v1},
		{"prove", prove, []string{v1}, v1},
		{"choose the second", offer(two, 2), []string{v1}, v1},
		{"fetch the second", fetch, []string{v1, v2}, v2},
		{"start the second", start, []string{v2}, v2},
		{"undo the second", undo, []string{v2, v1}, v1},
		{"start after that", start, []string{v1}, v1},
		{"choose it again", offer(two, 3), []string{v1}, v1},
		{"fetch it again", fetch, []string{v1, v2}, v2},
		{"start it again", start, []string{v2}, v2},
		{"prove the second", prove, []string{v2}, v2},
	}
	cuts := 0
	for at := range stages {
		for steps := 0; ; steps++ {
			d := powercut.New()
			g := newGateway(t, d)
			g.up()
			for _, s := range stages[:at] {
				if err := s.do(g); err != nil {
					t.Fatalf("%s: %v", s.name, err)
				}
			}
			s := stages[at]
			d.After(steps)
			err := s.do(g)
			done := err == nil
			if !done && !errors.Is(err, powercut.ErrCut) {
				t.Fatalf("%s: %v", s.name, err)
			}
			for _, lucky := range []bool{false, true} {
				cuts++
				up := newGateway(t, d.Cut(lucky))
				got := up.reboot()
				if trouble := up.Trouble(); trouble != nil {
					t.Fatalf("%s, power cut after %v (names kept %v): %v", s.name, d.Log(), lucky, trouble)
				}
				if done && got != s.then || !done && !slices.Contains(s.want, got) {
					t.Fatalf("%s, power cut after %v (names kept %v): %s runs, want one of %v", s.name, d.Log(), lucky, got, s.want)
				}
				// Whatever happened, the gateway gets to the newest.
				up.proceed(two, from)
			}
			if done {
				break
			}
		}
	}
	t.Logf("%d power cuts", cuts)
}

// cut fails once the power is gone: a launcher only logs that.
func (g *gateway) cut() error {
	if d, ok := g.d.(*powercut.Disk); ok {
		return d.Gone()
	}
	return nil
}

// proceed proves or chooses until the release runs and is confirmed.
func (g *gateway) proceed(b *built, from *shelf) {
	g.t.Helper()
	for range 4 {
		if g.Trial() {
			if err := g.Confirm(); err != nil {
				g.t.Fatal(err)
			}
		}
		if g.state.slot(g.start.Slot).id() == b.id() && !g.Trial() {
			g.is(Confirmed, "")
			return
		}
		if _, err := g.Offer(b.statement(9), public(hub)); err != nil {
			g.t.Fatal(err)
		}
		if _, err := g.fetch(from); err != nil {
			g.t.Fatal(err)
		}
		g.reboot()
	}
	g.t.Fatalf("it never came to run: %+v", g.state)
}

func (b *built) id() string { return (&choice{Manifest: b.manifest}).id() }
