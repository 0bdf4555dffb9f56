package access

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"frostline/hub/store/storetest"
)

// The key that instructs gateways is made once, is its owner's alone, and a
// damaged one is not quietly replaced by another that no gateway trusts.
func TestMandateKeyIsMadeOnceAndKept(t *testing.T) {
	dir, c := filepath.Join(t.TempDir(), "ca"), newClock()
	key, path := openCA(t, dir, c).Mandate(), filepath.Join(dir, mandateFile)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
	if again := openCA(t, dir, c).Mandate(); !again.Equal(key) {
		t.Error("the second start has another key")
	}
	for _, bad := range []string{"", "garbage", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenCA(dir, c.now, storetest.Logger(t)); err == nil || !strings.Contains(err.Error(), "backup") {
			t.Errorf("file %q: got %v, want one that says restore it from backup", bad, err)
		}
		if b, _ := os.ReadFile(path); string(b) != bad {
			t.Error("the damaged file was changed")
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if anew := openCA(t, dir, c).Mandate(); anew.Equal(key) {
		t.Error("a lost key is there again")
	}
}
