package rig

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// demoWithin bounds how long a demonstration may take to start, and to end.
const demoWithin = 3 * time.Minute

// Demo runs a demonstration until it has said some words, and kills it with the
// test. end ends it as Ctrl-C does.
func Demo(t *testing.T, words string, args ...string) (p *Process, end func()) {
	t.Helper()
	bin, err := Build()
	if err != nil {
		t.Fatal(err)
	}
	p, err = Start("demo", filepath.Join(t.TempDir(), "demo.log"), filepath.Join(bin, "frostline"), append([]string{"demo"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the demonstration said:\n%s", p.Tail(4000))
		}
		p.Kill()
	})
	Must(t, demoWithin, "the demonstration to run", func() (bool, error) {
		select {
		case <-p.Done():
			t.Fatalf("the demonstration ended:\n%s", p.Tail(4000))
		default:
		}
		return strings.Contains(p.Tail(1<<20), words), nil
	})
	return p, func() {
		t.Helper()
		if err := syscall.Kill(p.Pid(), syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		select {
		case <-p.Done():
		case <-time.After(demoWithin):
			t.Fatal("the demonstration did not end at Ctrl-C")
		}
		if err := p.Err(); err != nil {
			t.Errorf("the demonstration ended with %v, want exit status 0", err)
		}
	}
}
