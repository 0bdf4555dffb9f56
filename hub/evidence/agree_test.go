package evidence_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"frostline/hub/evidence/verify"
	"frostline/hub/store/storetest"
)

// Promise 5: the two verifiers, which share no code, say the same of a good
// bundle, in JSON and in words, and end alike.
func TestPromise5BothVerifiersAgree(t *testing.T) {
	g := newGateway("van-1")
	h := newHub(t, storetest.Open(t, storetest.SQLite(t)), nil, g)
	ship(h, g)
	b, key := h.bundleOf("S1"), h.ledger.Key()
	s := newSecond(t)
	for name, o := range map[string]verify.Options{
		"pinned": {Key: key}, "not pinned": {}, "unsigned allowed": {Key: key, AllowUnsigned: true},
		"another key": {Key: openLedger(t, storetest.Open(t, storetest.SQLite(t)), t.TempDir(), nil).Key()},
	} {
		if r := s.check(name, b, o); r.Holds == (name == "another key") {
			t.Errorf("%s: %v", name, r.Problems)
		}
	}
	if r := s.check("a witness that did not cosign", b, verify.Options{Key: key, Witnesses: []string{key, key}}); r.Holds {
		t.Error("it holds without its witness")
	}
	path := filepath.Join(t.TempDir(), "bundle.zip")
	command := func(want int, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		cmd := exec.CommandContext(t.Context(), "python3", append([]string{"../../docs/verify/verify.py", path}, args...)...)
		cmd.Stdout = &out
		err := cmd.Run()
		var ended *exec.ExitError
		if err != nil && !errors.As(err, &ended) {
			t.Fatal(err)
		}
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("%v: status %d, want %d", args, got, want)
		}
		return out.String()
	}
	write := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	words := func(b []byte) string {
		var out bytes.Buffer
		if err := check(t, b, verify.Options{Key: key}).Print(&out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	write(b)
	if got, want := command(0, "--key="+key), words(b); got != want {
		t.Errorf("in words:\n%s\nwant:\n%s", got, want)
	}
	command(2, "--key=nonsense")
	command(2, "--witness=nonsense")
	command(2, "--no-such-option")
	b[len(b)/2] ^= 1
	write(b)
	if got, want := command(1, "--key="+key), words(b); got != want {
		t.Errorf("in words:\n%s\nwant:\n%s", got, want)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	command(2)
}
