package report

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"frostline/hub/dossier"
	"frostline/hub/dossier/dossiertest"
)

var keep = flag.String("keep", "", "folder to leave the reports in, to be looked at")

func TestReportsAreTheSameWhenMadeAgain(t *testing.T) {
	hash := strings.Repeat("5a", 32)
	for name, print := range map[string]func() ([]byte, error){
		"shipment": func() ([]byte, error) { return Shipment(dossiertest.Shipment(), Evidence{SHA256: hash}) },
		"case": func() ([]byte, error) {
			s := dossiertest.Shipment()
			return Case(s, &s.Packages[0], &s.Packages[0].Cases[0], Evidence{SHA256: hash})
		},
	} {
		first, err := print()
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			again, err := print()
			if err != nil || !bytes.Equal(first, again) {
				t.Fatalf("%s: made again it differs, %v", name, err)
			}
		}
		file := filepath.Join(t.TempDir(), name+".pdf")
		if *keep != "" {
			file = filepath.Join(*keep, name+".pdf")
		}
		if err := os.WriteFile(file, first, 0o600); err != nil {
			t.Fatal(err)
		}
		text, err := exec.Command("pdftotext", "-layout", file, "-").Output()
		if err != nil {
			t.Fatalf("pdftotext (run .ci/install): %v", err)
		}
		for _, want := range []string{"sha256 " + hash, "10.87 °C", "Amélie Østergård, PharmD", "no longer matches", "1.23", "zone sodo-cold", "late reading", "Assessed range", "6.12 °C", "door.jpg"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s: %q is not in it:\n%s", name, want, text)
			}
		}
	}
}

// TestReportOfNothing: what is not known is said, not left out.
func TestReportOfNothing(t *testing.T) {
	b, err := Shipment(&dossier.Shipment{ID: "SH-2", Status: "planned", Packages: []dossier.Package{{ID: "P"}}}, Evidence{})
	if err != nil || !bytes.HasPrefix(b, []byte("%PDF-")) {
		t.Fatal(err)
	}
}

// TestHostileWords: what people typed cannot break a page.
func TestHostileWords(t *testing.T) {
	s := dossiertest.Shipment()
	k := &s.Packages[0]
	k.Cases[0].Steps[1].Why = strings.Repeat("Łódź 冷 \x00\x1b]0; \U0001F9CA ) Tj /Type /Catalog ", 400)
	k.Units[0].Product = strings.Repeat("W", 500)
	if _, err := Shipment(s, Evidence{SHA256: "x"}); err != nil {
		t.Fatal(err)
	}
}

// story is one shipment, whose bundle changes as often as told.
type story struct {
	changes int
	bundles int
	read    int
}

func (s *story) Shipment(context.Context, string) (*dossier.Shipment, error) {
	s.read++
	return dossiertest.Shipment(), nil
}

func (s *story) Case(context.Context, string) (dossier.Case, dossier.Package, error) {
	p := dossiertest.Shipment().Packages[0]
	p.Shipment = "SH-1"
	return p.Cases[0], p, nil
}

func (s *story) bundle(context.Context, string) (Evidence, error) {
	hash := strings.Repeat(string(rune('a'+min(s.bundles, s.changes))), 64)
	s.bundles++
	return Evidence{SHA256: hash}, nil
}

// A report names the bundle that says the same, and says so where it cannot.
func TestReportNamesTheBundleThatSaysTheSame(t *testing.T) {
	for _, tc := range []struct {
		changes int
		want    Evidence
	}{
		{0, Evidence{SHA256: strings.Repeat("a", 64)}},
		{1, Evidence{SHA256: strings.Repeat("b", 64)}},
		{9, Evidence{SHA256: strings.Repeat("b", 64), Moving: true}},
	} {
		s := &story{changes: tc.changes}
		d := Desk{Dossiers: s, Bundle: s.bundle}
		got, err := d.Shipment(t.Context(), "SH-1")
		want, _ := Shipment(dossiertest.Shipment(), tc.want)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d changes: not the report with %+v, %v", tc.changes, tc.want, err)
		}
		*s = story{changes: tc.changes}
		got, err = d.Case(t.Context(), "C")
		c, p, _ := s.Case(t.Context(), "C")
		want, _ = Case(dossiertest.Shipment(), &p, &c, tc.want)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d changes: not the case's report with %+v, %v", tc.changes, tc.want, err)
		}
	}
}

// What the hash cannot be relied on for is said beside it.
func TestReportSaysWhatIsNotSigned(t *testing.T) {
	for _, tc := range []struct {
		e    Evidence
		want string
	}{
		{Evidence{SHA256: "aa", Unsigned: 7}, "not signed 7 blocks"},
		{Evidence{SHA256: "aa", Moving: true}, "the bundle may end earlier than the report"},
		{Evidence{}, "none: the package belongs to no shipment"},
	} {
		b, err := Shipment(dossiertest.Shipment(), tc.e)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "report.pdf")
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		text, err := exec.Command("pdftotext", file, "-").Output()
		if err != nil {
			t.Fatalf("pdftotext (run .ci/install): %v", err)
		}
		if !strings.Contains(strings.Join(strings.Fields(string(text)), " "), tc.want) {
			t.Errorf("%+v: %q is not in it", tc.e, tc.want)
		}
	}
}
