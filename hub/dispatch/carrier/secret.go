package carrier

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"frostline/hub/durable"
)

const leastSecret = 16 // bytes

// secrets reads the secrets that the mapping names.
func (m *Mapping) secrets() error {
	if in := m.Incoming; in != nil {
		for _, path := range in.Authentication.SecretFiles {
			text, err := durable.ReadSecret(path)
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
		text, err := durable.ReadSecret(b.SecretFile)
		if err != nil {
			return fmt.Errorf("booking.secret-file: %w", err)
		}
		m.out = [][]byte{[]byte(text)}
	}
	if t := m.Tasks; t != nil {
		text, err := durable.ReadSecret(t.SecretFile)
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
