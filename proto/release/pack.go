package release

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/klauspost/compress/zstd"
)

// window bounds the memory that unpacking takes, in bytes.
const window = 4 << 20

// Pack compresses a program.
func Pack(w io.Writer, program io.Reader) error {
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(window))
	if err != nil {
		return err
	}
	_, err = io.Copy(z, program)
	return errors.Join(err, z.Close())
}

// Unpack decompresses a program into w, and fails where it is not the one that
// the manifest names; w has taken something then that is not to be run. The error
// wraps ErrForged or ErrMalformed, or is that of w or packed.
func Unpack(w io.Writer, packed io.Reader, p Program) error {
	z, err := zstd.NewReader(packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window), zstd.WithDecoderMaxMemory(2*window), zstd.WithDecoderLowmem(true))
	if err != nil {
		return err
	}
	defer z.Close()
	in := NewSum(z)
	n, err := io.Copy(w, io.LimitReader(in, p.Size+1))
	switch {
	case err != nil:
		return fmt.Errorf("unpack the program: %w", err)
	case n > p.Size:
		return fmt.Errorf("program: %w: it is longer than %d bytes", ErrForged, p.Size)
	}
	return in.Is(n, p.Size, p.SHA256, "program")
}

// Sum adds up what is read through it.
type Sum struct {
	r io.Reader
	h hash.Hash
}

// NewSum reads from r.
func NewSum(r io.Reader) *Sum { return &Sum{r, sha256.New()} }

// Read implements io.Reader.
func (s *Sum) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	s.h.Write(b[:n])
	return n, err
}

// Is says whether n bytes were read of size, with a digest. what begins the
// error, which wraps ErrForged.
func (s *Sum) Is(n, size int64, digest, what string) error {
	if n != size {
		return fmt.Errorf("%s: %w: it has %d bytes, and %d were signed", what, ErrForged, n, size)
	}
	if got := hex.EncodeToString(s.h.Sum(nil)); got != digest {
		return fmt.Errorf("%s: %w: its SHA-256 is %s, and %s was signed", what, ErrForged, got, digest)
	}
	return nil
}

// Verify reads all of r and says whether it has a size and a digest; the error
// wraps ErrForged, or is that of r.
func Verify(r io.Reader, size int64, digest, what string) error {
	in := NewSum(r)
	n, err := io.Copy(io.Discard, io.LimitReader(in, size+1))
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return in.Is(n, size, digest, what)
}

// machines are the processors of GOARCH.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64, "arm": elf.EM_ARM, "386": elf.EM_386, "riscv64": elf.EM_RISCV}

// CheckMachine says whether a program of Linux is for a processor, so that no
// gateway is told to run one of another. The error wraps ErrMachine.
func CheckMachine(r io.ReaderAt, arch string) error {
	f, err := elf.NewFile(r)
	if err != nil {
		return fmt.Errorf("program for linux/%s: %w: no ELF program: %w", arch, ErrMachine, err)
	}
	if want, ok := machines[arch]; ok && f.Machine != want || f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN {
		return fmt.Errorf("program for linux/%s: %w: it is %v for %v", arch, ErrMachine, f.Type, f.Machine)
	}
	return nil
}
