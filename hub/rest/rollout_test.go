package rest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"testing"

	"frostline/proto/release"
)

// aRelease is a release file of version v1.1.0.
func aRelease(t testing.TB) io.Reader {
	t.Helper()
	var packed, out bytes.Buffer
	program := []byte("program")
	if err := release.Pack(&packed, bytes.NewReader(program)); err != nil {
		t.Fatal(err)
	}
	hash := func(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }
	m := &release.Manifest{Format: 1, Name: release.Name, Version: "v1.1.0", Created: 5, Programs: []release.Program{{
		OS: "linux", Arch: "arm64", Size: int64(len(program)), SHA256: hash(program), Packed: release.Packed{Size: int64(packed.Len()), SHA256: hash(packed.Bytes())}}}}
	manifest, signature, err := release.Sign(m, ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	if err := release.Write(&out, manifest, signature, func(release.Program) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(packed.Bytes())), nil
	}); err != nil {
		t.Fatal(err)
	}
	return &out
}
