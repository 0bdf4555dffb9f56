package mandate

import (
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"

	"frostline/proto/pb"
	"frostline/proto/release"
	"frostline/proto/topic"
)

// ReleasePrefix is what the payload of a Release on the command lane begins with.
const ReleasePrefix = "release\n"

const wanted = "release"

// SignRelease makes a payload of the command lane, ReleasePrefix included.
func SignRelease(r *pb.Release, key crypto.Signer) ([]byte, error) {
	if err := checkRelease(r); err != nil {
		return nil, fmt.Errorf("sign choice of release: %w", err)
	}
	b, err := sign(wanted, r.Gateway, r, key)
	return append([]byte(ReleasePrefix), b...), err
}

// OpenRelease is OpenDesired for the choice of a release, whose payload comes
// without ReleasePrefix. It does not look at the signature of the release itself.
func OpenRelease(gateway string, payload []byte, key ed25519.PublicKey) (*pb.Release, error) {
	r := &pb.Release{}
	if err := open(wanted, gateway, payload, key, r); err != nil {
		return nil, fmt.Errorf("choice of release: %w", err)
	}
	if err := checkRelease(r); err != nil {
		return nil, fmt.Errorf("choice of release: %w: %w", ErrMalformed, err)
	}
	if r.Gateway != gateway {
		return nil, fmt.Errorf("choice of release: %w: it names gateway %q", ErrForged, r.Gateway)
	}
	return r, nil
}

func checkRelease(r *pb.Release) error {
	if err := topic.CheckGateway(r.Gateway); err != nil {
		return err
	}
	switch {
	case r.Number == 0 || r.Number > 1<<53:
		return fmt.Errorf("number %d: want 1 to 2^53", r.Number)
	case len(r.Manifest) > release.MaxManifest:
		return fmt.Errorf("manifest of %d bytes: want at most %d", len(r.Manifest), release.MaxManifest)
	case len(r.Signature) > ed25519.SignatureSize:
		return errors.New("signature: want at most 64 bytes")
	}
	return nil
}
