package release

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// publicPrefix begins the text of a public key.
const publicPrefix = "frostline-release:"

// PublicText is a public key as it stands in a gateway's configuration.
func PublicText(key ed25519.PublicKey) string {
	return publicPrefix + base64.RawStdEncoding.EncodeToString(key)
}

// ParsePublic reads PublicText.
func ParsePublic(s string) (ed25519.PublicKey, error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), publicPrefix)
	b, err := base64.RawStdEncoding.Strict().DecodeString(rest)
	if !ok || err != nil || len(b) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("release key %q: want %s and 43 characters, as frostline release key prints it", s, publicPrefix)
	}
	return b, nil
}

// SecretText is a private key as PEM, PKCS #8.
func SecretText(key ed25519.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// ParseSecret reads SecretText.
func ParseSecret(b []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("release key: no PEM block PRIVATE KEY: make one with frostline release key")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("release key: %w", err)
	}
	ed, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("release key: it is a %T, want Ed25519", key)
	}
	return ed, nil
}
