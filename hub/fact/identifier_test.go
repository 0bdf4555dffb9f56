package fact

import (
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestPackageID(t *testing.T) {
	for in, want := range map[string]string{
		"003401234567890121":   "!", // check digit
		"106141412345678908":   "106141412345678908",
		"00106141412345678908": "106141412345678908",
		"BOX-17":               "BOX-17",
		"12345":                "12345",
		"":                     "!", "a b": "!", "../x": "!", strings.Repeat("9", 65): "!",
	} {
		got, err := PackageID(in)
		if err != nil {
			got = "!"
		}
		if got != want {
			t.Errorf("PackageID(%q) = %q (%v), want %q", in, got, err, want)
		}
	}
}

// TestPromise9NoPatientDataInTokens: what tells of a person is refused, and not
// repeated in the error.
func TestPromise9NoPatientDataInTokens(t *testing.T) {
	for _, s := range []string{
		"Ada Lovelace", "AdaLovelace", "ada-lovelace", "lovelace", "Lovelace_Ada_1815", "Lovelace1815", "ada.lovelace@example.org",
		"a@b", "1985-12-10", "19851210", "10.12.1985", "10/12/1985", "pt-19851210", "+44 20 7946 0958", "4420794609", "078-05-1120",
		"555-0100-222", "", "short1", strings.Repeat("a1", 33), "a1 b2 c3 d4", "<script>1</script>", "tok\u202en1234567",
	} {
		err := CheckToken("patient", s)
		if err == nil {
			t.Errorf("%q is taken for a token", s)
		} else if len(s) > 5 && strings.Contains(err.Error(), s) {
			t.Errorf("the error repeats %q: %v", s, err)
		}
	}
	for _, s := range []string{"pt_7f3a9c01e2", "P7Q2M9XK4R", "tok-8f14e45fceea167a5a36dedd4bea2543", "01J9ZQ4M7T8V2X6Y3B5C1D0EFG"} {
		if err := CheckToken("patient", s); err != nil {
			t.Errorf("%q is refused: %v", s, err)
		}
	}
	for range 10_000 {
		if s := uuid.NewString(); CheckToken("patient", s) != nil {
			t.Fatalf("the UUID %s is refused", s)
		}
	}
}

func TestNotesCarryNoPatientData(t *testing.T) {
	for _, s := range []string{"call 020 7946 0958", "ada@example.org", "dob 10 Dec 1815", "a\x00b", strings.Repeat("x", 501), "\xff\xfd\ufffd"} {
		if CheckNote("note", s) == nil {
			t.Errorf("note %q is taken", s)
		}
	}
	for _, s := range []string{"", "left at dock 4, door 12", "seal number 4711 replaced on 2026-05-03", "line one\nline two", "Kühlbox übergeben, 2 °C"} {
		if err := CheckNote("note", s); err != nil {
			t.Errorf("note %q is refused: %v", s, err)
		}
	}
}

func FuzzCheckToken(f *testing.F) {
	f.Add("pt_7f3a9c01e2")
	f.Add("ada@example.org")
	f.Fuzz(func(t *testing.T, s string) {
		if CheckToken("patient", s) == nil && (strings.ContainsAny(s, "@ /.\x00") || len(s) > 64) {
			t.Fatalf("%q is taken", s)
		}
	})
}
