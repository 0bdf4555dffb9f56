package privacy

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"frostline/hub/durable"
)

const keyBytes = 32

// openKey reads the key from a file, or makes both.
func openKey(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		b = make([]byte, keyBytes)
		_, _ = rand.Read(b) // never fails
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, fmt.Errorf("directory of the key of patients' links: %w", err)
		}
		if err := durable.WriteFile(path, b, 0o600); err != nil {
			return nil, fmt.Errorf("keep the key of patients' links: %w", err)
		}
		return b, nil
	case err != nil:
		return nil, fmt.Errorf("read the key of patients' links: %w", err)
	case len(b) != keyBytes:
		return nil, fmt.Errorf("key of patients' links %s: %d bytes, want %d; bring it back from a copy, or move it away, which ends all links there are", path, len(b), keyBytes)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("key of patients' links: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("key of patients' links %s: mode %04o lets others read it; chmod 600 it", path, mode)
	}
	return b, nil
}

// keyID names a key without telling it.
func keyID(key []byte) string {
	sum := sha256.Sum256(append([]byte("frostline privacy key id\x00"), key...))
	return hex.EncodeToString(sum[:8])
}

// seal is a MAC over parts, of one purpose.
func (l *Links) seal(purpose string, parts ...string) []byte {
	m := hmac.New(sha256.New, l.key)
	m.Write([]byte("frostline privacy " + purpose))
	for _, p := range parts {
		m.Write([]byte{0, byte(len(p))}) // parts are short
		m.Write([]byte(p))
	}
	return m.Sum(nil)
}
