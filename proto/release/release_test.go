package release

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
)

func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(seed)), ed25519.SeedSize)))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// packed makes a manifest of one program, and the program packed.
func packed(t testing.TB, version string, program []byte) (*Manifest, []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := Pack(&b, bytes.NewReader(program)); err != nil {
		t.Fatal(err)
	}
	return &Manifest{Format: 1, Name: Name, Version: version, Created: 5, Journal: Formats{1, 1}, Programs: []Program{
		{OS: "linux", Arch: "arm64", Size: int64(len(program)), SHA256: sum(program), Packed: Packed{int64(b.Len()), sum(b.Bytes())}},
	}}, b.Bytes()
}

func TestOnlyWhatAReleaseKeySignedIsOpened(t *testing.T) {
	m, _ := packed(t, "v1.2.3", []byte("program"))
	manifest, signature, err := Sign(m, key('r'))
	if err != nil {
		t.Fatal(err)
	}
	trusted := []ed25519.PublicKey{public(key('x')), public(key('r'))}
	if got, err := Open(manifest, signature, trusted); err != nil || got.Version != "v1.2.3" || ID(manifest) == "" {
		t.Fatalf("got %v, %v", got, err)
	}
	for name, keys := range map[string][]ed25519.PublicKey{"none": nil, "another": {public(key('x'))}, "short": {[]byte("short")}} {
		if _, err := Open(manifest, signature, keys); !errors.Is(err, ErrForged) {
			t.Errorf("key %s: %v, want %v", name, err, ErrForged)
		}
	}
	for i := range manifest {
		bad := bytes.Clone(manifest)
		bad[i] ^= 1
		if _, err := Open(bad, signature, trusted); !errors.Is(err, ErrForged) {
			t.Fatalf("byte %d of the manifest: %v", i, err)
		}
	}
	for i := range signature {
		bad := bytes.Clone(signature)
		bad[i] ^= 1
		if _, err := Open(manifest, bad, trusted); !errors.Is(err, ErrForged) {
			t.Fatalf("byte %d of the signature: %v", i, err)
		}
	}
}

func TestVersionsRise(t *testing.T) {
	m := &Manifest{Version: "v1.4.0", Replaces: []string{"v1.5.1"}}
	for present, ok := range map[string]bool{
		"": true, "2fd81c9": true, "v1.3.9": true, "v1.4.0-rc.1": true, "v1.4.0": true, "v1.5.1": true, "v1.5.0": false, "v1.5.2": false, "v2.0.0": false,
	} {
		if err := m.Follows(present); (err == nil) != ok || err != nil && !errors.Is(err, ErrDowngrade) {
			t.Errorf("from %q: %v, want allowed %v", present, err, ok)
		}
	}
	m.Journal = Formats{2, 4}
	for format, ok := range map[int]bool{1: false, 2: true, 4: true, 5: false} {
		if err := m.Reads(format); (err == nil) != ok || err != nil && !errors.Is(err, ErrJournal) {
			t.Errorf("journal %d: %v", format, err)
		}
	}
}

func TestSignRefusesWhatNobodyWouldOpen(t *testing.T) {
	for want, spoil := range map[string]func(*Manifest){
		"version":     func(m *Manifest) { m.Version = "1.2.3" },
		"name":        func(m *Manifest) { m.Name = "sh" },
		"created":     func(m *Manifest) { m.Created = 0 },
		"journal":     func(m *Manifest) { m.Journal = Formats{2, 1} },
		"programs":    func(m *Manifest) { m.Programs = nil },
		"twice":       func(m *Manifest) { m.Programs = append(m.Programs, m.Programs[0]) },
		"platform":    func(m *Manifest) { m.Programs[0].Arch = "../x" },
		"hexadecimal": func(m *Manifest) { m.Programs[0].SHA256 = "00" },
		"bytes":       func(m *Manifest) { m.Programs[0].Size = MaxProgram + 1 },
		"replaces":    func(m *Manifest) { m.Replaces = []string{"*"} },
	} {
		m, _ := packed(t, "v1.2.3", []byte("program"))
		spoil(m)
		if _, _, err := Sign(m, key('r')); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestUnpackGivesWhatWasSignedOrFails(t *testing.T) {
	program := bytes.Repeat([]byte("the program of a gateway "), 9000)
	m, b := packed(t, "v1.0.0", program)
	var out bytes.Buffer
	if err := Unpack(&out, bytes.NewReader(b), m.Programs[0]); err != nil || !bytes.Equal(out.Bytes(), program) {
		t.Fatalf("unpacked %d bytes, %v", out.Len(), err)
	}
	longer, shorter, other := m.Programs[0], m.Programs[0], m.Programs[0]
	longer.Size++
	shorter.Size--
	other.SHA256 = sum([]byte("x"))
	for name, p := range map[string]Program{"longer": longer, "shorter": shorter, "other": other} {
		if err := Unpack(io.Discard, bytes.NewReader(b), p); !errors.Is(err, ErrForged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Unpack(io.Discard, bytes.NewReader(b[:len(b)/2]), m.Programs[0]); err == nil {
		t.Error("half of it was unpacked")
	}
}

func TestFileHasEachProgramOnce(t *testing.T) {
	m, b := packed(t, "v1.0.0", []byte("program"))
	manifest, signature, err := Sign(m, key('r'))
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	give := func(Program) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
	if err := Write(&file, manifest, signature, give); err != nil {
		t.Fatal(err)
	}
	read := func(file []byte) error {
		return Read(bytes.NewReader(file), func(got *Manifest, mb, sig []byte) error {
			if !bytes.Equal(mb, manifest) || !bytes.Equal(sig, signature) || got.Version != "v1.0.0" {
				t.Errorf("begins with %s", mb)
			}
			return nil
		}, func(p Program, r io.Reader) error { return Verify(r, p.Packed.Size, p.Packed.SHA256, "program") })
	}
	if err := read(file.Bytes()); err != nil {
		t.Error(err)
	}
	for n := 0; n < file.Len()-1024-512+len(b); n += 13 { // the end marks are two blocks, and what fills the last one
		if err := read(file.Bytes()[:n]); err == nil {
			t.Fatalf("%d of %d bytes are a whole release", n, file.Len())
		}
	}
}

func TestProgramOfAnotherMachine(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the test's own program is no ELF")
	}
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	other := map[bool]string{true: "arm64", false: "amd64"}[runtime.GOARCH == "amd64"]
	if err := CheckMachine(self, runtime.GOARCH); err != nil {
		t.Error(err)
	}
	if err := CheckMachine(self, other); !errors.Is(err, ErrMachine) {
		t.Errorf("this program for %s: %v", other, err)
	}
	if err := CheckMachine(strings.NewReader("#!/bin/sh\n"), runtime.GOARCH); !errors.Is(err, ErrMachine) {
		t.Errorf("a script: %v", err)
	}
}

func TestKeysAsText(t *testing.T) {
	k := key('r')
	if got, err := ParsePublic(PublicText(public(k))); err != nil || !got.Equal(public(k)) {
		t.Errorf("got %v, %v", got, err)
	}
	b, err := SecretText(k)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseSecret(b); err != nil || !got.Equal(k) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, s := range []string{"", "frostline-release:", PublicText(public(k))[:30], PublicText(public(k)) + "A"} {
		if _, err := ParsePublic(s); err == nil {
			t.Errorf("read %q", s)
		}
	}
}

func FuzzParse(f *testing.F) {
	m, _ := packed(f, "v1.2.3", []byte("program"))
	manifest, _, err := Sign(m, key('r'))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(manifest)
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := Parse(b); err == nil && m.Check() != nil {
			t.Error("parsed what is not sound")
		}
	})
}
