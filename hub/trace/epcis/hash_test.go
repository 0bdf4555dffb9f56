package epcis

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The vectors are those of the reference implementation of the event hash.
func TestHashOfReferenceVectors(t *testing.T) {
	dir := os.Getenv("EPCIS_VECTORS")
	if dir == "" {
		dir = "testdata/hash"
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, file := range files {
		ext := filepath.Ext(file)
		if ext != ".jsonld" && ext != ".xml" && ext != ".json" {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			d, err := Parse(b, "")
			if err != nil {
				t.Fatal(err)
			}
			want := lines(t, strings.TrimSuffix(file, ext)+".hashes")
			pre := lines(t, strings.TrimSuffix(file, ext)+".prehashes")
			if len(want) != len(d.Events) {
				t.Fatalf("%d events, want %d", len(d.Events), len(want))
			}
			for i, e := range d.Events {
				if got := e.HashIDWithout(d.Ignored); got != want[i] {
					t.Errorf("event %d: got %s, want %s\ngot  %s", i, got, want[i], e.Prehash(d.Ignored))
					if i < len(pre) {
						t.Errorf("want %s", pre[i])
					}
				}
			}
		})
	}
}

func lines(t *testing.T, file string) []string {
	b, err := os.ReadFile(file)
	if os.IsNotExist(err) && strings.HasSuffix(file, ".prehashes") {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}
