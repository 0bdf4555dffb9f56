package dashboards

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"math"
	"path"
	"strings"
	"testing"
)

// TestVendored: every vendored file is the one its SHA256SUMS names, and a
// licence lies beside it.
func TestVendored(t *testing.T) {
	libs, err := fs.ReadDir(Assets, "vendor")
	if err != nil || len(libs) == 0 {
		t.Fatalf("vendor has %d libraries: %v", len(libs), err)
	}
	for _, lib := range libs {
		dir := path.Join("vendor", lib.Name())
		sums, err := fs.ReadFile(Assets, path.Join(dir, "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"SHA256SUMS": "", "ORIGIN.md": ""}
		for s := bufio.NewScanner(bytes.NewReader(sums)); s.Scan(); {
			if sum, name, ok := strings.Cut(s.Text(), "  "); ok {
				want[name] = sum
			}
		}
		if want["LICENSE"] == "" {
			t.Errorf("%s: no LICENSE in SHA256SUMS", dir)
		}
		files, err := fs.ReadDir(Assets, dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			sum, listed := want[f.Name()]
			if !listed {
				t.Errorf("%s/%s is not in SHA256SUMS", dir, f.Name())
			}
			delete(want, f.Name())
			b, err := fs.ReadFile(Assets, path.Join(dir, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if got := sha256.Sum256(b); sum != "" && hex.EncodeToString(got[:]) != sum {
				t.Errorf("%s/%s: SHA-256 is %x, SHA256SUMS says %s", dir, f.Name(), got, sum)
			}
		}
		for name := range want {
			t.Errorf("%s/%s is missing", dir, name)
		}
	}
}

// TestNoOtherHost: no page, style or module of ours names another host.
func TestNoOtherHost(t *testing.T) {
	allowed := []string{"http://www.w3.org/2000/svg"}
	for _, tree := range []fs.FS{Templates, Assets} {
		err := fs.WalkDir(tree, ".", func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasPrefix(p, "vendor/") {
				return err
			}
			b, err := fs.ReadFile(tree, p)
			if err != nil {
				return err
			}
			text := string(b)
			for _, a := range allowed {
				text = strings.ReplaceAll(text, a, "")
			}
			for _, bad := range []string{"http://", "https://", "src=\"//", "@import", "<style", " style=", "onclick="} {
				if strings.Contains(text, bad) {
					t.Errorf("%s contains %q: pages load from the hub alone, and the content security policy forbids inline style and script", p, bad)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestContrast: text has 4.5:1 on each ground it stands on, light and dark
// (WCAG 2.2, 1.4.3), so marks of the same colours have more than their 3:1.
func TestContrast(t *testing.T) {
	css, err := fs.ReadFile(Assets, "style/frostline.css")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(css), ":root {")
	colours := map[string]string{}
	for i, scheme := range []string{"light", "dark"} {
		block, _, _ := strings.Cut(blocks[i+1], "}")
		for _, decl := range strings.Split(block, ";") {
			if name, value, ok := strings.Cut(strings.TrimSpace(decl), ": #"); ok {
				colours[name] = value
			}
		}
		for ink, grounds := range map[string][]string{
			"--ink": {"--ground", "--card", "--grey-soft"}, "--muted": {"--ground", "--card", "--grey-soft"},
			"--teal": {"--ground", "--card", "--teal-soft"}, "--amber": {"--ground", "--card", "--amber-soft"},
			"--crimson": {"--ground", "--card", "--crimson-soft"}, "--grey": {"--ground", "--card", "--grey-soft"},
			"--focus": {"--ground", "--card"},
		} {
			for _, ground := range grounds {
				if c := contrast(t, colours[ink], colours[ground]); c < 4.5 {
					t.Errorf("%s: %s on %s has a contrast of %.2f, want 4.5", scheme, ink, ground, c)
				}
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	la, lb := luminance(t, a), luminance(t, b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(t *testing.T, s string) float64 {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 3 {
		t.Fatalf("colour %q is not six hexadecimal digits", s)
	}
	lin := func(c byte) float64 {
		if v := float64(c) / 255; v > 0.04045 {
			return math.Pow((v+0.055)/1.055, 2.4)
		} else {
			return v / 12.92
		}
	}
	return 0.2126*lin(b[0]) + 0.7152*lin(b[1]) + 0.0722*lin(b[2])
}

// TestCommandsAreReachedByKeys: text in the type of commands is either reached by
// the tabulator key, since it may have to be scrolled, or it wraps. Which does not
// show on a wide screen.
func TestCommandsAreReachedByKeys(t *testing.T) {
	wraps := map[string]string{"home.html": "home.css .empty pre", "packages.html": "home.css .empty pre", "trace.html": "home.css .empty pre", "dispatch.html": "dispatch.css .run pre"}
	names, err := fs.Glob(Templates, "templates/*.html")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		b, err := fs.ReadFile(Templates, name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(b, []byte("<pre>")) {
			continue
		}
		sheet, selector, ok := strings.Cut(wraps[path.Base(name)], " ")
		if !ok {
			t.Errorf("%s has a <pre>: give it tabindex=\"0\", or say here which style wraps it", name)
			continue
		}
		style, err := fs.ReadFile(Assets, "style/"+sheet)
		if err != nil {
			t.Fatal(err)
		}
		_, rule, _ := strings.Cut(string(style), "\n"+selector+" {")
		if rule, _, _ = strings.Cut(rule, "}"); !strings.Contains(rule, "pre-wrap") {
			t.Errorf("%s: %s of %s does not wrap:%s", name, selector, sheet, rule)
		}
	}
}
