package carrier

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
)

const leastSecret = 16 // bytes

// readSecret reads one line from a file that only its owner can read.
func readSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > 4096 {
		return "", fmt.Errorf("%s: want a file of at most 4096 bytes", path)
	}
	if m := info.Mode().Perm(); m&0o077 != 0 {
		return "", fmt.Errorf("%s: mode %04o: others can read it; chmod 0600 %s", path, m, path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	s := strings.TrimRight(string(b), "\r\n")
	if s == "" || strings.ContainsAny(s, "\r\n") {
		return "", fmt.Errorf("%s: want one line", path)
	}
	return s, nil
}

// secrets reads the secrets that the mapping names.
func (m *Mapping) secrets() error {
	if in := m.Incoming; in != nil {
		for _, path := range in.Authentication.SecretFiles {
			text, err := readSecret(path)
			if err != nil {
				return fmt.Errorf("incoming.authentication.secret-files: %w", err)
			}
			key := []byte(text)
			switch in.Authentication.SecretEncoding {
			case "hex":
				key, err = hex.DecodeString(text)
			case "base64":
				key, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
			}
			if err != nil || len(key) < leastSecret {
				return fmt.Errorf("incoming.authentication.secret-files: %s: want at least %d bytes as %s", path, leastSecret, in.Authentication.SecretEncoding)
			}
			m.in = append(m.in, key)
		}
	}
	if b := m.Booking; b != nil && b.SecretFile != "" {
		text, err := readSecret(b.SecretFile)
		if err != nil {
			return fmt.Errorf("booking.secret-file: %w", err)
		}
		m.out = [][]byte{[]byte(text)}
	}
	if t := m.Tasks; t != nil {
		text, err := readSecret(t.SecretFile)
		if err != nil {
			return fmt.Errorf("tasks.secret-file: %w", err)
		}
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_"))
		if err != nil || len(key) < 24 || len(key) > 64 {
			return fmt.Errorf("tasks.secret-file: %s: want whsec_ and base64 of 24 to 64 bytes; make one with: echo whsec_$(openssl rand -base64 32)", t.SecretFile)
		}
		m.sign = [][]byte{key}
	}
	return nil
}
