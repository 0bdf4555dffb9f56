package evidence_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"frostline/hub/evidence/verify"
)

// second is the second verifier, docs/verify/verify.py, kept running: a process
// for each of thousands of bundles would take minutes.
type second struct {
	t    testing.TB
	in   io.Writer
	out  *bufio.Reader
	path string // of the bundle that is asked about
	runs int
}

// Its verifier is imported. Signatures that were verified by openssl once are
// not again; everything else is that of the command.
const secondLoop = `
import json, sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
sys.stdout.reconfigure(encoding="utf-8", errors="replace")
import contextlib, verify
signatures = verify.Verifier().__enter__()
verify.Verifier = lambda: contextlib.nullcontext(signatures)
from frostverify import canonical, clocks, thermal
def date(rule, anchors, ticks):
    t = (clocks.Hull if rule == 1 else clocks.Majority)([tuple(a) for a in anchors])
    return json.dumps([t.conflict, [t.utc(tick) for tick in ticks]])
def evaluate(profile, history, spent):
    h = thermal.History(history["from"], history["to"])
    for s in history["stretches"]:
        h.stretches.append(thermal.Stretch(s["from"], s["to"], s["source"], [(x["at"], round(x["value"] * 1000)) for x in s["samples"]]))
    h.unmonitored = [(u["from"], u["to"], u["reason"]) for u in history["unmonitored"]]
    return canonical.dumps(thermal.evaluate(profile, h, [(s["budget"], s["ms"]) for s in spent]))
for line in sys.stdin:
    asked = json.loads(line)
    try:
        print(json.dumps(date(**asked) if "anchors" in asked else evaluate(**asked) if isinstance(asked, dict) else verify.check(verify.arguments(asked)).json()), flush=True)
    except thermal.Impossible:
        print(json.dumps("impossible"), flush=True)
    except verify.CannotCheck as e:
        print(json.dumps("cannot check: " + str(e)), flush=True)
`

func newSecond(t testing.TB) *second {
	t.Helper()
	dir, err := filepath.Abs("../../docs/verify")
	if err != nil {
		t.Fatal(err)
	}
	s := &second{t: t, path: filepath.Join(t.TempDir(), "bundle.zip")}
	cmd := exec.CommandContext(t.Context(), "python3", "-c", secondLoop, dir)
	var said bytes.Buffer
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal("the second verifier needs python3 and openssl: ", err)
	}
	s.in, s.out = in, bufio.NewReader(out)
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil && t.Context().Err() == nil || said.Len() > 0 {
			t.Errorf("the second verifier ended with %v and said: %s", err, &said)
		}
	})
	return s
}

// arguments are those that the command takes for options.
func arguments(path string, o verify.Options) []string {
	args := []string{path, "--json"}
	if o.Key != "" {
		args = append(args, "--key="+o.Key)
	}
	for _, w := range o.Witnesses {
		args = append(args, "--witness="+w)
	}
	if o.AllowUnsigned {
		args = append(args, "--allow-unsigned")
	}
	return args
}

// check verifies a bundle by both, and fails unless they say the same, in the
// same order and words.
func (s *second) check(what string, b []byte, o verify.Options) *verify.Report {
	s.t.Helper()
	r := check(s.t, b, o)
	if err := os.WriteFile(s.path, b, 0o600); err != nil {
		s.t.Fatal(err)
	}
	got := s.ask(what, arguments(s.path, o))
	if want := printed(s.t, r); got != want {
		keep := s.keep(b)
		s.t.Fatalf("%s (kept as %s): the verifiers differ.\nthe first:\n%s\nthe second:\n%s", what, keep, want, got)
	}
	return r
}

// ask asks the second verifier.
func (s *second) ask(what string, question any) (answer string) {
	s.t.Helper()
	line, err := json.Marshal(question)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.in.Write(append(line, '\n')); err != nil {
		s.t.Fatalf("%s: the second verifier ended: %v", what, err)
	}
	if line, err = s.out.ReadBytes('\n'); err != nil {
		s.t.Fatalf("%s: the second verifier ended: %v", what, err)
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		s.t.Fatalf("%s: %v: %s", what, err, line)
	}
	s.runs++
	return answer
}

// keep saves a bundle for whoever looks into it.
func (s *second) keep(b []byte) string {
	f, err := os.CreateTemp("", "differ-*.zip")
	if err != nil {
		return err.Error()
	}
	_, _ = f.Write(b)
	_ = f.Close()
	return f.Name()
}

// printed is a report as the command prints it.
func printed(t testing.TB, r *verify.Report) string {
	t.Helper()
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
