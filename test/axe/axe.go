// Package axe asks axe-core (MPL-2.0, by Deque) whether a page that a browser
// shows can be used by everybody: the rules of WCAG 2.0, 2.1 and 2.2 at levels A
// and AA that a machine can judge. What needs a person's judgement it leaves out.
//
// axe-core is no part of this repository: .ci/install puts one version of it into
// the user's cache. Tests of every package may import this one, which knows
// nothing of ours.
package axe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// The version that .ci/install fetches. A rule that a later one has may find
// what this one does not, so it is raised by hand.
const (
	version = "4.14.1"
	digest  = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c" // SHA-256 of axe.min.js
)

// Script gives axe-core's source. Where it is not installed the test is skipped,
// except in CI, where it must be there. A file that is not the pinned one fails.
func Script(t testing.TB) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatalf("find the user's cache: %v", err)
	}
	path := filepath.Join(cache, "frostline", "axe-core-"+version+".min.js")
	b, err := os.ReadFile(path)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no axe-core on this machine: CI must install it (make install): %v", err)
		}
		t.Skip("SKIPPED: no axe-core on this machine, so the pages were NOT examined; install it with: make install")
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != digest {
		t.Fatalf("%s is not axe-core %s: its SHA-256 is %x; remove it and run make install", path, version, sum)
	}
	return string(b)
}

// finding is one broken rule and where.
type finding struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		Target  []any  `json:"target"`
		HTML    string `json:"html"`
		Summary string `json:"failureSummary"`
	} `json:"nodes"`
}

// ask runs the rules and answers with what is broken, as JSON.
const ask = `axe.run(document, {
  runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']},
  resultTypes: ['violations'], elementRef: false,
}).then((r) => JSON.stringify(r.violations))`

// Check fails t for each rule that the page in ctx's tab breaks. script is what
// Script gave; what names the page. The page is left as it was.
func Check(ctx context.Context, t testing.TB, script, what string) {
	t.Helper()
	loaded, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("typeof axe === 'object'"))
	if err == nil && !loaded {
		_, err = chromedp.Run(ctx, chromedp.Evaluate[bool](script+"; typeof axe === 'object'"))
	}
	if err != nil {
		t.Errorf("%s: load axe-core: %v", what, err)
		return
	}
	answer, err := chromedp.Run(ctx, chromedp.Evaluate[string](ask, func(p *runtime.EvaluateParams) { p.AwaitPromise = new(true) }))
	if err != nil {
		t.Errorf("%s: run axe-core: %v", what, err)
		return
	}
	var found []finding
	if err := json.Unmarshal([]byte(answer), &found); err != nil {
		t.Errorf("%s: axe-core's answer: %v", what, err)
		return
	}
	for _, f := range found {
		var where strings.Builder
		for i, n := range f.Nodes {
			if i == 4 {
				fmt.Fprintf(&where, "\n  and %d more", len(f.Nodes)-i)
				break
			}
			fmt.Fprintf(&where, "\n  %v %.200s\n    %s", n.Target, n.HTML, strings.ReplaceAll(n.Summary, "\n", "\n    "))
		}
		t.Errorf("%s: %s: %s%s", what, f.ID, f.Help, where.String())
	}
}
