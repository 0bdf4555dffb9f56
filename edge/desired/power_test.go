package desired

import (
	"errors"
	"strings"
	"testing"

	"frostline/edge/disk/powercut"
	"frostline/proto/mandate"
)

// Cut at each step of everything a gateway goes through, it comes up with a
// state that was good before or is asked for now, whole, and never with one that
// was refused; what it was told is done is still so.
func TestPowerCutAtEachStep(t *testing.T) {
	type stage struct {
		name string
		do   func(k *Keeper) error
		want []string // documents that may be there when the power goes during it
		then string   // the document that is there once it was done
	}
	stages := []stage{
		{"trust", func(k *Keeper) error { _, err := k.Trust(hubKey); return err }, []string{""}, ""},
		{"first", offer(1, "one"), []string{"", "one"}, "one"},
		{"confirm", func(k *Keeper) error { return k.Confirm(1) }, []string{"one"}, "one"},
		{"refused", func(k *Keeper) error {
			if err := offer(2, "unfit")(k); !errors.Is(err, ErrUnfit) {
				return err
			}
			return k.Trouble()
		}, []string{"one"}, "one"},
		{"second", offer(3, "three"), []string{"one", "three"}, "three"},
		{"undo", func(k *Keeper) error { k.Undo(3, "no acknowledgement"); return k.Trouble() }, []string{"three", "one"}, "one"},
		{"third", offer(4, "four"), []string{"one", "four"}, "four"},
		{"command", func(k *Keeper) error {
			_, err := k.Command(command(5, mandate.Identify, ""), known(now))
			return err
		}, []string{"four"}, "four"},
		{"good", func(k *Keeper) error { return k.Confirm(4) }, []string{"four"}, "four"},
	}
	for at := range stages {
		for steps := 0; ; steps++ {
			d := powercut.New()
			k := openOn(t, d)
			for _, s := range stages[:at] {
				if err := s.do(k); err != nil {
					t.Fatalf("%s: %v", s.name, err)
				}
			}
			s := stages[at]
			d.After(steps)
			err := s.do(k)
			done := err == nil
			if !done && !errors.Is(err, powercut.ErrCut) {
				t.Fatalf("%s: %v", s.name, err)
			}
			for _, lucky := range []bool{false, true} {
				up := openOn(t, d.Cut(lucky))
				if trouble := up.Trouble(); trouble != nil {
					t.Fatalf("%s, power cut after %v (names kept %v): %v", s.name, d.Log(), lucky, trouble)
				}
				got, _ := up.Document()
				if done && got != s.then || !done && !strings.Contains("|"+strings.Join(s.want, "|")+"|", "|"+got+"|") {
					t.Fatalf("%s, power cut after %v (names kept %v): %q runs, want one of %q", s.name, d.Log(), lucky, got, s.want)
				}
				if _, err := up.Command(command(5, mandate.Identify, ""), known(now)); at > 7 || at == 7 && done {
					if !errors.Is(err, ErrRepeated) {
						t.Fatalf("%s, power cut after %v: the command is done again, %v", s.name, d.Log(), err)
					}
				}
				// Whatever happened, the next one is taken.
				if at > 0 || done {
					if changed, err := up.Offer(signed(9, "nine")); !changed || err != nil {
						t.Fatalf("%s, power cut after %v: the next is not taken: %v", s.name, d.Log(), err)
					}
				}
			}
			if done {
				break
			}
		}
	}
}
