// Package rollouttest makes releases for tests.
package rollouttest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"testing"

	"frostline/proto/release"
)

// File is a release file of a version for linux/arm64, signed by maker, and the
// SHA-256 of its packed program in hex.
func File(t testing.TB, version string, maker ed25519.PrivateKey) (file []byte, packed string) {
	t.Helper()
	var pack, out bytes.Buffer
	program := []byte("program " + version)
	if err := release.Pack(&pack, bytes.NewReader(program)); err != nil {
		t.Fatal(err)
	}
	hash := func(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }
	packed = hash(pack.Bytes())
	manifest, signature, err := release.Sign(&release.Manifest{
		Format: 1, Name: release.Name, Version: version, Created: 5, Journal: release.Formats{Oldest: 1, Newest: 1},
		Programs: []release.Program{{
			OS: "linux", Arch: "arm64", Size: int64(len(program)), SHA256: hash(program), Packed: release.Packed{Size: int64(pack.Len()), SHA256: packed},
		}},
	}, maker)
	if err == nil {
		err = release.Write(&out, manifest, signature, func(release.Program) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(pack.Bytes())), nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), packed
}
