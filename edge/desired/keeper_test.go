package desired

import (
	"crypto/ed25519"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"frostline/edge/disk"
	"frostline/proto/mandate"
	"frostline/proto/pb"
)

const now = int64(1_790_000_000_000)

var (
	hub    = ed25519.NewKeyFromSeed([]byte(strings.Repeat("h", 32)))
	thief  = ed25519.NewKeyFromSeed([]byte(strings.Repeat("t", 32)))
	hubKey = hub.Public().(ed25519.PublicKey)
)

func known(ms int64) func() (int64, bool) { return func() (int64, bool) { return ms, true } }

func signedBy(key ed25519.PrivateKey, version uint64, document string) []byte {
	b, err := mandate.SignDesired(&pb.Desired{Gateway: "van-1", Version: version, Document: document}, key)
	if err != nil {
		panic(err)
	}
	return b
}

func signed(version uint64, document string) []byte { return signedBy(hub, version, document) }

func command(number uint64, kind, argument string) []byte {
	b, err := mandate.SignCommand(&pb.Command{Gateway: "van-1", Number: number, Kind: kind, Argument: argument, ExpiresUtcMs: now + 60_000}, hub)
	if err != nil {
		panic(err)
	}
	return b[len(mandate.Prefix):]
}

func offer(version uint64, document string) func(*Keeper) error {
	return func(k *Keeper) error { _, err := k.Offer(signed(version, document)); return err }
}

func check(document string) error {
	if strings.Contains(document, "unfit") {
		return errors.New("there is no such sensor")
	}
	return nil
}

func options(dir string) Options {
	return Options{Dir: dir, Gateway: "van-1", Check: check, Log: slog.New(slog.DiscardHandler)}
}

func openOn(t testing.TB, d disk.Disk) *Keeper {
	t.Helper()
	k, err := open(options("/x"), d)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func fresh(t testing.TB, dir string) *Keeper {
	t.Helper()
	k, err := Open(options(dir))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func trusting(t testing.TB, dir string) *Keeper {
	t.Helper()
	k := fresh(t, dir)
	if _, err := k.Trust(hubKey); err != nil {
		t.Fatal(err)
	}
	return k
}

func runs(t *testing.T, k *Keeper, document string, version uint64) {
	t.Helper()
	if d, v := k.Document(); d != document || v != version {
		t.Errorf("%q version %d runs, want %q version %d", d, v, document, version)
	}
}

// What was not signed by this gateway's hub, is older or is unfit changes
// nothing, however often it comes.
func TestOnlyTheNextOneOfTheHubIsTaken(t *testing.T) {
	dir := t.TempDir()
	k := fresh(t, dir)
	if _, err := k.Offer(signed(1, "one")); !errors.Is(err, ErrKey) {
		t.Errorf("before a key is known: %v", err)
	}
	k = trusting(t, dir)
	if changed, err := k.Offer(signed(5, "five")); !changed || err != nil {
		t.Fatal(changed, err)
	}
	if err := k.Confirm(5); err != nil {
		t.Fatal(err)
	}
	elsewhere, err := mandate.SignDesired(&pb.Desired{Gateway: "van-2", Version: 9, Document: "nine"}, hub)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, x := range []struct {
			name    string
			payload []byte
			want    error
		}{
			{"the same", signed(5, "five"), nil}, {"an older one", signed(4, "four"), ErrOld}, {"another of the same version", signed(5, "other"), ErrOld},
			{"another hub's", signedBy(thief, 9, "nine"), mandate.ErrForged}, {"another gateway's", elsewhere, mandate.ErrForged},
			{"a command", command(9, mandate.Restart, ""), mandate.ErrForged}, {"nothing", nil, mandate.ErrForged}, {"garbage", []byte("garbage"), mandate.ErrMalformed},
		} {
			if changed, err := k.Offer(x.payload); changed || !errors.Is(err, x.want) {
				t.Errorf("%s: changed %v, %v, want %v", x.name, changed, err, x.want)
			}
			runs(t, k, "five", 5)
		}
	}
	if changed, err := k.Offer(signed(6, "unfit")); changed || !errors.Is(err, ErrUnfit) {
		t.Errorf("unfit: changed %v, %v", changed, err)
	}
	if changed, err := k.Offer(signed(6, "unfit")); changed || err != nil {
		t.Errorf("the unfit one again: changed %v, %v", changed, err)
	}
	for _, k := range []*Keeper{k, fresh(t, dir)} {
		runs(t, k, "five", 5)
		if r := k.Report(); r.Running != 5 || r.Trial || r.Refused != 6 || !strings.Contains(r.Reason, "no such sensor") || len(r.KeyId) != 8 {
			t.Errorf("reports %v", r)
		}
	}
	if changed, err := k.Offer(signed(7, "seven")); !changed || err != nil {
		t.Error(changed, err)
	}
	if r := k.Report(); r.Running != 7 || !r.Trial || r.Refused != 0 {
		t.Errorf("reports %v", r)
	}
	info, err := os.Stat(filepath.Join(dir, stateFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
}

// A state that did not prove itself is gone for good, also when the broker
// keeps offering it; the former runs.
func TestUndone(t *testing.T) {
	dir := t.TempDir()
	k := trusting(t, dir)
	if k.Offer(signed(1, "one")); k.Confirm(1) != nil {
		t.Fatal("not confirmed")
	}
	// A second on trial replaces the first on trial; the good one stays.
	k.Offer(signed(2, "two"))
	k.Offer(signed(3, "three"))
	if k.Undo(2, "late") {
		t.Error("undid what no longer runs")
	}
	if !k.Undo(3, "no block was acknowledged within 10m") {
		t.Error("not undone")
	}
	for _, k := range []*Keeper{k, fresh(t, dir)} {
		runs(t, k, "one", 1)
		if r := k.Report(); r.Refused != 3 || r.Trial || !strings.Contains(r.Reason, "undone: no block") {
			t.Errorf("reports %v", r)
		}
		if changed, err := k.Offer(signed(3, "three")); changed || err != nil {
			t.Errorf("offered again: %v, %v", changed, err)
		}
		if _, err := k.Offer(signed(2, "two")); !errors.Is(err, ErrOld) {
			t.Errorf("an older one: %v", err)
		}
	}
}

func TestAgentThatDoesNotLast(t *testing.T) {
	dir := t.TempDir()
	k := trusting(t, dir)
	k.Offer(signed(1, "one"))
	for range maxStarts {
		runs(t, fresh(t, dir), "one", 1)
	}
	k = fresh(t, dir)
	runs(t, k, "", 0)
	if r := k.Report(); r.Refused != 1 || !strings.Contains(r.Reason, "3 starts") {
		t.Errorf("reports %v", r)
	}
}

// A file of the gateway that changes can make a good state unfit, and fit again.
func TestUnfitAfterTheFileChanged(t *testing.T) {
	dir := t.TempDir()
	k := trusting(t, dir)
	k.Offer(signed(1, "one"))
	k.Confirm(1)
	o := options(dir)
	o.Check = func(string) error { return errors.New("sensors[fridge] is gone") }
	k, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	runs(t, k, "", 0)
	if r := k.Report(); r.Running != 0 || r.Refused != 1 || !strings.Contains(r.Reason, "fridge") {
		t.Errorf("reports %v", r)
	}
	runs(t, fresh(t, dir), "one", 1)
}

func TestAnotherHub(t *testing.T) {
	dir := t.TempDir()
	k := trusting(t, dir)
	k.Offer(signed(5, "five"))
	if changed, err := k.Trust(nil); changed || err != nil {
		t.Errorf("no key: %v, %v", changed, err)
	}
	if changed, err := k.Trust(thief.Public().(ed25519.PublicKey)); !changed || err != nil {
		t.Errorf("another key: %v, %v", changed, err)
	}
	runs(t, k, "", 0)
	if changed, err := k.Offer(signedBy(thief, 1, "one")); !changed || err != nil {
		t.Errorf("the new hub's first: %v, %v", changed, err)
	}
	if _, err := k.Offer(signed(6, "six")); !errors.Is(err, mandate.ErrForged) {
		t.Errorf("the former hub's: %v", err)
	}
}

// A damaged file is set aside and never wiped; the last good state runs.
func TestDamagedFile(t *testing.T) {
	dir := t.TempDir()
	k := trusting(t, dir)
	k.Offer(signed(1, "one"))
	k.Confirm(1)
	k.Offer(signed(2, "two"))
	path := filepath.Join(dir, stateFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, 10, len(whole) / 2, len(whole) - 3} {
		bad := append([]byte(nil), whole...)
		bad[at] ^= 1
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		k = fresh(t, dir)
		runs(t, k, "one", 1)
		if k.Trouble() == nil || !strings.Contains(k.Trouble().Error(), "version 1") {
			t.Errorf("trouble is %v", k.Trouble())
		}
		if b, _ := os.ReadFile(filepath.Join(dir, damagedFile)); string(b) != string(bad) {
			t.Error("the damaged file is gone")
		}
	}
	for _, name := range []string{stateFile, goodFile} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k = fresh(t, dir)
	runs(t, k, "", 0)
	if k.Trouble() == nil {
		t.Error("nobody is told")
	}
}

func TestCommandsAreDoneOnceAndInTime(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		k := trusting(t, dir)
		take := func(payload []byte, utc func() (int64, bool), want error) {
			t.Helper()
			c, err := k.Command(payload, utc)
			if !errors.Is(err, want) || (err == nil) != (c != nil) {
				t.Errorf("got %v, %v, want %v", c, err, want)
			}
		}
		take(command(5, mandate.Diagnostics, ""), known(now), nil)
		k.Finish(5, "all is well", []byte(strings.Repeat("r", mandate.MaxReport+1)), nil)
		if o := k.Outcomes(); len(o) != 1 || !o[0].Done || o[0].Detail != "all is well" || len(o[0].Report) != mandate.MaxReport {
			t.Errorf("outcomes %v", o)
		}
		take(command(5, mandate.Diagnostics, ""), known(now), ErrRepeated)
		take(command(4, mandate.Restart, ""), known(now), ErrRepeated)
		take(command(6, mandate.Identify, ""), known(now+60_000), ErrExpired)
		take(command(7, mandate.Identify, ""), func() (int64, bool) { return 0, false }, ErrExpired)
		take(signed(8, "one"), known(now), mandate.ErrForged)
		if _, err := k.Command(command(8, "erase", ""), known(now)); err == nil || !strings.Contains(err.Error(), "want one of") {
			t.Errorf("unknown kind: %v", err)
		}
		take(command(9, mandate.Restart, ""), known(now), nil)
		k = fresh(t, dir)
		take(command(9, mandate.Restart, ""), known(now), ErrRepeated)
		o := k.Outcomes()
		if len(o) != maxOutcomes || !o[3].Done || o[3].Kind != mandate.Restart || o[2].Done || !strings.Contains(o[0].Detail, "expired") {
			t.Errorf("outcomes %v", o)
		}
	})
}

// A report is told for a while only: it goes into each State.
func TestReportIsForgotten(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		k := trusting(t, dir)
		if _, err := k.Command(command(5, mandate.Diagnostics, ""), known(now)); err != nil {
			t.Fatal(err)
		}
		k.Finish(5, "see the report", []byte("report"), nil)
		if o := k.Outcomes(); string(o[0].Report) != "report" {
			t.Errorf("outcomes %v", o)
		}
		time.Sleep(reportFor)
		synctest.Wait()
		if o := k.Outcomes(); o[0].Report != nil || o[0].Detail != "see the report" {
			t.Errorf("outcomes %v", o)
		}
	})
}

func FuzzParse(f *testing.F) {
	s := &state{Format: format, Key: hubKey, Running: &entry{Payload: signed(1, "one")}}
	b, err := disk.Encode(s)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("{}\n44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parse("van-1", b)
		if err != nil {
			return
		}
		if s.Running != nil && s.Running.desired == nil {
			t.Error("an unchecked entry")
		}
	})
}
