package identity

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"frostline/edge/disk/powercut"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// Cut at each step of replacing an identity, the gateway comes up as what it
// was or as what it was to become, never as nothing.
func TestPowerCutWhileReplacing(t *testing.T) {
	ca := newTestCA(t)
	former, next := ca.settings(t, "vehicle-1", time.Now()), ca.settings(t, "vehicle-1", time.Now().Add(time.Hour))
	for steps := 0; ; steps++ {
		d := powercut.New()
		i, err := open(Options{Dir: "/x", Log: quiet()}, d)
		if err != nil {
			t.Fatal(err)
		}
		if err := i.keep(former); err != nil {
			t.Fatal(err)
		}
		d.After(steps)
		err = i.keep(next)
		done := err == nil
		if !done && !errors.Is(err, powercut.ErrCut) {
			t.Fatal(err)
		}
		if got := i.get().settings.Certificate; got != next.Certificate {
			t.Error("the new identity is not in use though the disk failed")
		}
		for _, lucky := range []bool{false, true} {
			up, err := open(Options{Dir: "/x", Log: quiet()}, d.Cut(lucky))
			if err != nil {
				t.Fatalf("power cut after %v (names kept %v): %v", d.Log(), lucky, err)
			}
			c := up.get()
			switch {
			case c == nil:
				t.Fatalf("power cut after %v (names kept %v): the identity is gone", d.Log(), lucky)
			case c.settings.Certificate == next.Certificate:
			case c.settings.Certificate == former.Certificate && !done:
			default:
				t.Fatalf("power cut after %v (names kept %v): neither identity, or kept and lost again", d.Log(), lucky)
			}
		}
		if done {
			if want := "create identity.json.new, write identity.json.new, sync identity.json.new, rename identity.json.new identity.json, sync directory"; strings.Join(d.Log(), ", ") != want {
				t.Errorf("steps: %v, want %s", d.Log(), want)
			}
			return
		}
	}
}

// What the disk did not take is written when it does again.
func TestUnsavedIsWrittenLater(t *testing.T) {
	ca := newTestCA(t)
	d := powercut.New()
	i, err := open(Options{Dir: "/x", Log: quiet()}, d)
	if err != nil {
		t.Fatal(err)
	}
	d.After(0)
	if err := i.keep(ca.settings(t, "vehicle-1", time.Now())); err == nil {
		t.Fatal("kept without a disk")
	}
	if err := i.saveAgain(); err == nil {
		t.Fatal("saved without a disk")
	}
	d.After(-1)
	if err := i.saveAgain(); err != nil {
		t.Fatal(err)
	}
	up, err := open(Options{Dir: "/x", Log: quiet()}, d.Cut(false))
	if err != nil || !up.Enrolled() {
		t.Errorf("after the disk has room: enrolled %v, %v", up.Enrolled(), err)
	}
}
