package ledger

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"frostline/hub/durable"
)

// keyset is the hub's two keys: one signs checkpoints and nothing else, the
// other the manifests of bundles.
type keyset struct {
	log, bundle             note.Signer
	logVerify, bundleVerify string // verifier keys, as sumdb/note writes them
}

// loadKeys reads the keys from their file, which holds two lines "SIGNER
// VERIFIER" and is made at first use with mode 0600, synced before it is
// used. With must, a missing file is an error: a log that has entries must go
// on being signed by the key that signed them.
func loadKeys(path, origin string, must bool) (*keyset, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !must {
		if raw, err = makeKeys(path, origin); err != nil {
			return nil, fmt.Errorf("make evidence key %s: %w", path, err)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("evidence key %s is missing while its log has entries: restore it from the backup; a new key would not be trusted for what was signed before", path)
	}
	if err != nil {
		return nil, fmt.Errorf("read evidence key: %w", err)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("evidence key %s has mode %#o: it may be read by others; chmod 600 it", path, info.Mode().Perm())
	}
	lines := strings.Fields(string(raw))
	if len(lines) != 4 {
		return nil, fmt.Errorf("evidence key %s has %d words: want 4, restore it from the backup", path, len(lines))
	}
	k := &keyset{logVerify: lines[1], bundleVerify: lines[3]}
	if k.log, err = note.NewSigner(lines[0]); err == nil {
		k.bundle, err = note.NewSigner(lines[2])
	}
	if err != nil {
		return nil, fmt.Errorf("evidence key %s: %w", path, err)
	}
	if k.log.Name() != origin {
		return nil, fmt.Errorf("evidence key %s is of log %q, this hub is %q: it belongs to another hub", path, k.log.Name(), origin)
	}
	return k, nil
}

func makeKeys(path, origin string) ([]byte, error) {
	var b []byte
	for _, name := range []string{origin, origin + "/bundle"} {
		private, public, err := note.GenerateKey(rand.Reader, name)
		if err != nil {
			return nil, err
		}
		b = fmt.Appendf(b, "%s %s\n", private, public)
	}
	return b, durable.WriteFile(path, b, 0o600)
}
