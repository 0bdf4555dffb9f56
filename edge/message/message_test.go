package message

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"frostline/proto/mandate"
)

func told(n int) mandate.Argument {
	return mandate.Argument{ID: fmt.Sprintf("m%02d", n), Route: "R1", Text: fmt.Sprintf("text %d", n)}
}

// TestMessagesOutliveTheAgent: what was taken and confirmed is there after a
// start, once, with its times.
func TestMessagesOutliveTheAgent(t *testing.T) {
	dir, now := t.TempDir(), int64(0)
	utc := func() int64 { return now }
	k := Open(dir, utc)
	for _, n := range []int{1, 2, 1} {
		if err := k.Take(told(n)); err != nil {
			t.Fatal(err)
		}
		now = 1_790_000_000_000
	}
	if err := k.Confirm("m01"); err != nil {
		t.Fatal(err)
	}
	now += 1000
	k = Open(dir, utc)
	if err := errors.Join(k.Trouble(), k.Confirm("m01")); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(k.List()), "[{m01 R1 text 1 0 true 1790000000000} {m02 R1 text 2 1790000000000 false 0}]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := k.Confirm("m03"); !errors.Is(err, ErrUnknown) {
		t.Errorf("confirmed what never came: %v", err)
	}
	if r := k.Report(); len(r) != 2 || !r[0].Confirmed || r[0].ConfirmedUtcMs != 1_790_000_000_000 || r[1].Confirmed {
		t.Errorf("reported %v", r)
	}
}

// TestWhatWaitsIsKeptLongest: of too many, those that were confirmed go first.
func TestWhatWaitsIsKeptLongest(t *testing.T) {
	k := Open(t.TempDir(), func() int64 { return 0 })
	for n := range Most + 2 {
		if err := k.Take(told(n)); err != nil {
			t.Fatal(err)
		}
		if n == 5 {
			if err := k.Confirm("m05"); err != nil {
				t.Fatal(err)
			}
		}
	}
	list := k.List()
	if len(list) != Most || list[0].ID != "m01" || list[4].ID != "m06" {
		t.Errorf("%d are kept: %v", len(list), list)
	}
}

func TestADamagedFileIsSetAside(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, file), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	k := Open(dir, func() int64 { return 0 })
	if k.Trouble() == nil || k.Take(told(1)) != nil || k.Trouble() != nil {
		t.Errorf("trouble %v", k.Trouble())
	}
	if _, err := os.Stat(filepath.Join(dir, damaged)); err != nil {
		t.Error(err)
	}
}

// TestADiskThatFailsLosesNothing: what could not be kept is not shown as kept.
func TestADiskThatFailsLosesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // no directory
		t.Fatal(err)
	}
	k := Open(dir, func() int64 { return 0 })
	if err := k.Take(told(1)); err == nil || len(k.List()) != 0 || k.Trouble() == nil {
		t.Errorf("%v, %v, %v", err, k.List(), k.Trouble())
	}
}
