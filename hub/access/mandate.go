package access

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"frostline/hub/durable"
)

// mandateFile holds the key by which the hub signs desired state and commands.
const mandateFile = "mandate.key"

// openMandate reads that key, or makes one where there is none: a hub that was
// set up before there were mandates. Gateways that trust a former one refuse
// all that is signed by this one, and say so in their State.
func (ca *CA) openMandate() error {
	path := filepath.Join(ca.dir, mandateFile)
	b, err := os.ReadFile(path)
	switch {
	case err == nil:
		if ca.mandate, err = parseMandate(b); err != nil {
			return fmt.Errorf("key of mandates %s: %w: restore it from backup; gateways trust no other", path, err)
		}
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
			ca.log.Warn("the key that instructs gateways can be read by others", "file", path, "mode", info.Mode().Perm(), "remedy", "chmod 600 "+path)
		}
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("key of mandates: %w", err)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("key of mandates: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("key of mandates: %w", err)
	}
	if err := durable.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return fmt.Errorf("key of mandates: %w", err)
	}
	ca.mandate = key
	return nil
}

func parseMandate(b []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("no PEM block PRIVATE KEY")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	ed, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("is a %T, want Ed25519", key)
	}
	return ed, nil
}

// Mandate is the key by which the hub signs desired state and commands. Its
// public half is given to gateways when they enrol or renew; it never leaves
// the authority's directory otherwise.
func (ca *CA) Mandate() ed25519.PrivateKey { return ca.mandate }
