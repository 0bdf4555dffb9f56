package release

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"time"
)

// A release file is a tar archive: manifest.json, manifest.sig (64 bytes), then
// each program packed, named by the SHA-256 of what is packed, in the order of
// the manifest.
const (
	manifestName  = "manifest.json"
	signatureName = "manifest.sig"
)

// Write writes a release file. program gives each packed program in turn.
func Write(w io.Writer, manifest, signature []byte, program func(Program) (io.ReadCloser, error)) error {
	m, err := Parse(manifest)
	if err != nil {
		return err
	}
	t := tar.NewWriter(w)
	at := time.UnixMilli(m.Created)
	for _, f := range []struct {
		name string
		b    []byte
	}{{manifestName, manifest}, {signatureName, signature}} {
		if err := t.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.b)), ModTime: at}); err != nil {
			return err
		}
		if _, err := t.Write(f.b); err != nil {
			return err
		}
	}
	for _, p := range m.Programs {
		if err := t.WriteHeader(&tar.Header{Name: p.Packed.SHA256, Mode: 0o644, Size: p.Packed.Size, ModTime: at}); err != nil {
			return err
		}
		r, err := program(p)
		if err != nil {
			return err
		}
		_, err = io.Copy(t, r)
		if err := errors.Join(err, r.Close()); err != nil {
			return err
		}
	}
	return t.Close()
}

// Read reads a release file to its end. begin is given manifest and signature,
// and may refuse them; program each packed program, which it reads to its end:
// Verify tells whether it is the one that was signed. The error wraps
// ErrMalformed, or is that of r or of a function.
func Read(r io.Reader, begin func(m *Manifest, manifest, signature []byte) error, program func(Program, io.Reader) error) error {
	t := tar.NewReader(r)
	small := func(name string, most int64) ([]byte, error) {
		h, err := t.Next()
		if err != nil {
			return nil, fmt.Errorf("release file: %w: %w", ErrMalformed, err)
		}
		if h.Name != name || h.Typeflag != tar.TypeReg || h.Size > most {
			return nil, fmt.Errorf("release file: %w: it has %q with %d bytes where %s should be", ErrMalformed, h.Name, h.Size, name)
		}
		return io.ReadAll(t)
	}
	manifest, err := small(manifestName, MaxManifest)
	if err != nil {
		return err
	}
	signature, err := small(signatureName, 64)
	if err != nil {
		return err
	}
	m, err := Parse(manifest)
	if err != nil {
		return err
	}
	if err := begin(m, manifest, signature); err != nil {
		return err
	}
	for _, p := range m.Programs {
		h, err := t.Next()
		if err != nil {
			return fmt.Errorf("release file: %w: it ends before the program for %s/%s: %w", ErrMalformed, p.OS, p.Arch, err)
		}
		if h.Name != p.Packed.SHA256 || h.Typeflag != tar.TypeReg || h.Size != p.Packed.Size {
			return fmt.Errorf("release file: %w: it has %q with %d bytes where the program for %s/%s should be", ErrMalformed, h.Name, h.Size, p.OS, p.Arch)
		}
		if err := program(p, t); err != nil {
			return err
		}
	}
	if _, err := t.Next(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("release file: %w: there is more than the manifest says", ErrMalformed)
	}
	return nil
}
