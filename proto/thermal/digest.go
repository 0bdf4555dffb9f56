package thermal

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/gowebpki/jcs"
)

// Canonical gives the profile as canonical JSON (RFC 8785): what people and
// programs agree on when they name a version of it.
func (p *Profile) Canonical() ([]byte, error) { return canonical(p) }

// Digest is the SHA-256 of Canonical in hex.
func (p *Profile) Digest() (string, error) { return digest(p) }

// Canonical gives the verdict as canonical JSON (RFC 8785).
func (v *Verdict) Canonical() ([]byte, error) { return canonical(v) }

// Digest is the SHA-256 of Canonical in hex. Two verdicts with one digest say
// the same.
func (v *Verdict) Digest() (string, error) { return digest(v) }

func canonical(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("canonical JSON: %w", err)
	}
	if b, err = jcs.Transform(b); err != nil {
		return nil, fmt.Errorf("canonical JSON: %w", err)
	}
	return b, nil
}

func digest(v any) (string, error) {
	b, err := canonical(v)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}
