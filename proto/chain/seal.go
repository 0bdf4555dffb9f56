package chain

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"frostline/proto/pb"
)

// ErrSignature means that a seal was not signed by the key at hand.
var ErrSignature = errors.New("seal signature does not verify")

// KeyID names a public key: the first 8 bytes of its SHA-256.
func KeyID(pub ed25519.PublicKey) []byte {
	sum := sha256.Sum256(pub)
	return sum[:8]
}

// SealText is the text a seal signs, line by line; a missing anchor is an
// empty line:
//
//	frostline seal 1
//	GATEWAY
//	EPOCH NUMBER READINGS
//	HEAD in hex
//	BOOT AT_MS UTC_MS UNCERTAINTY_MS SOURCE
func SealText(gateway string, s *pb.Seal) []byte {
	b := fmt.Appendf(nil, "frostline seal 1\n%s\n%d %d %d\n%x\n", gateway, s.Epoch, s.Number, s.Readings, s.Head)
	if a := s.Anchor; a != nil {
		b = fmt.Appendf(b, "%d %d %d %d %d", a.Boot, a.AtMs, a.UtcMs, a.UncertaintyMs, a.Source)
	}
	return append(b, '\n')
}

// Sign fills in key_id and signature. The signer must hold an Ed25519 key.
func Sign(gateway string, s *pb.Seal, key crypto.Signer) error {
	pub, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return fmt.Errorf("sign seal: key is %T, want Ed25519", key.Public())
	}
	sig, err := key.Sign(rand.Reader, SealText(gateway, s), crypto.Hash(0))
	if err != nil {
		return fmt.Errorf("sign seal: %w", err)
	}
	s.KeyId, s.Signature = KeyID(pub), sig
	return nil
}

// Verify checks a seal's form and its signature by pub.
func Verify(gateway string, s *pb.Seal, pub ed25519.PublicKey) error {
	if _, err := ParseHead(s.Head); err != nil {
		return fmt.Errorf("verify seal: %w", err)
	}
	if len(pub) != ed25519.PublicKeySize || !ed25519.Verify(pub, SealText(gateway, s), s.Signature) {
		return ErrSignature
	}
	return nil
}
