package report

import (
	"bytes"
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
		"shipment": func() ([]byte, error) { return Shipment(dossiertest.Shipment(), hash) },
		"case": func() ([]byte, error) {
			s := dossiertest.Shipment()
			return Case(s, &s.Packages[0], &s.Packages[0].Cases[0], hash)
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
		for _, want := range []string{"sha256 " + hash, "10.87 °C", "Amélie Østergård, PharmD", "no longer matches", "1.23", "zone sodo-cold", "late reading"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s: %q is not in it:\n%s", name, want, text)
			}
		}
	}
}

// TestReportOfNothing: what is not known is said, not left out.
func TestReportOfNothing(t *testing.T) {
	b, err := Shipment(&dossier.Shipment{ID: "SH-2", Status: "planned", Packages: []dossier.Package{{ID: "P"}}}, "")
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
	if _, err := Shipment(s, "x"); err != nil {
		t.Fatal(err)
	}
}
