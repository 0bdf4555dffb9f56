// Package release is what a release of the gateway agent consists of and how a
// gateway tells that it may run it: a manifest that names each program by its
// SHA-256, signed with Ed25519 by a key that is kept where releases are made.
//
// The hub chooses among releases and carries them; it can neither make nor
// change one. A hub that is broken into makes no gateway run a program that
// nobody signed, nor an older one than it has, unless the older one was signed
// as a replacement of just that version.
package release

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	"golang.org/x/mod/semver"
)

// Name is that of the program that is released.
const Name = "frostline-edge"

// Bounds.
const (
	MaxManifest = 16 << 10  // bytes
	MaxProgram  = 128 << 20 // bytes of a program
	MaxPrograms = 8         // of a release
	maxReplaces = 16
	format      = 1
)

var (
	// ErrForged is wrapped when a release was not signed by a key that is
	// trusted, or is not what was signed.
	ErrForged = errors.New("not signed by a release key that is trusted")
	// ErrMalformed is wrapped when a release cannot be read.
	ErrMalformed = errors.New("cannot be read")
	// ErrDowngrade is wrapped when a release would replace a newer one.
	ErrDowngrade = errors.New("would go back to an older version")
	// ErrPlatform is wrapped when a release has no program for a platform.
	ErrPlatform = errors.New("has no program for this platform")
	// ErrMachine is wrapped when a program is for another kind of machine than the
	// manifest says.
	ErrMachine = errors.New("is for another machine")
	// ErrJournal is wrapped when a release does not read the journal's format.
	ErrJournal = errors.New("does not read the present journal")
)

// Manifest is what is signed, as JSON.
type Manifest struct {
	Format  int    `json:"format"` // 1
	Name    string `json:"name"`   // Name
	Version string `json:"version"`
	Created int64  `json:"created"` // UTC, Unix ms
	// Journal are the formats of journals that the program reads. It writes no
	// format that the release before it does not read.
	Journal Formats `json:"journal"`
	// Replaces lists newer versions that this one may take the place of.
	Replaces []string  `json:"replaces,omitempty"`
	Programs []Program `json:"programs"`
}

// Formats is a range of formats of the journal, inclusive.
type Formats struct {
	Oldest int `json:"oldest"`
	Newest int `json:"newest"`
}

// Program is the program for one platform. It travels compressed by zstd.
type Program struct {
	OS     string `json:"os"`   // as GOOS
	Arch   string `json:"arch"` // as GOARCH
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
	Packed Packed `json:"packed"`
}

// Packed is how a program travels.
type Packed struct {
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

var (
	digest  = regexp.MustCompile(`^[0-9a-f]{64}$`)
	word    = regexp.MustCompile(`^[a-z0-9]{2,16}$`)
	version = regexp.MustCompile(`^v[0-9A-Za-z.+-]{1,63}$`)
)

// CheckVersion says whether a version can be compared: v1.2.3, or v1.2.3-rc.1.
func CheckVersion(v string) error {
	if !version.MatchString(v) || !semver.IsValid(v) || semver.Canonical(v) == "" {
		return fmt.Errorf("version %q: want a semantic version such as v1.4.0", v)
	}
	return nil
}

// Check says what is wrong with a manifest.
func (m *Manifest) Check() error {
	if err := CheckVersion(m.Version); err != nil {
		return err
	}
	switch {
	case m.Format != format:
		return fmt.Errorf("format %d: this program knows %d", m.Format, format)
	case m.Name != Name:
		return fmt.Errorf("name %q: want %q", m.Name, Name)
	case m.Created <= 0 || m.Created > 1<<53:
		return fmt.Errorf("created %d: want a time after 1970, Unix ms", m.Created)
	case m.Journal.Oldest < 0 || m.Journal.Newest < m.Journal.Oldest || m.Journal.Newest > 1<<20:
		return fmt.Errorf("journal %d to %d: want formats, the oldest first", m.Journal.Oldest, m.Journal.Newest)
	case len(m.Replaces) > maxReplaces:
		return fmt.Errorf("replaces: %d versions: want at most %d", len(m.Replaces), maxReplaces)
	case len(m.Programs) == 0 || len(m.Programs) > MaxPrograms:
		return fmt.Errorf("programs: got %d, want 1 to %d", len(m.Programs), MaxPrograms)
	}
	for _, v := range m.Replaces {
		if err := CheckVersion(v); err != nil {
			return fmt.Errorf("replaces: %w", err)
		}
	}
	for i, p := range m.Programs {
		switch {
		case !word.MatchString(p.OS) || !word.MatchString(p.Arch):
			return fmt.Errorf("programs[%d]: platform %q/%q: want words such as linux/arm64", i, p.OS, p.Arch)
		case p.Size <= 0 || p.Size > MaxProgram || p.Packed.Size <= 0 || p.Packed.Size > MaxProgram:
			return fmt.Errorf("programs[%d]: %d bytes, packed %d: want 1 to %d", i, p.Size, p.Packed.Size, MaxProgram)
		case !digest.MatchString(p.SHA256) || !digest.MatchString(p.Packed.SHA256):
			return fmt.Errorf("programs[%d]: want SHA-256 as 64 hexadecimal digits", i)
		case slices.ContainsFunc(m.Programs[:i], func(q Program) bool { return q.OS == p.OS && q.Arch == p.Arch }):
			return fmt.Errorf("programs[%d]: %s/%s is there twice", i, p.OS, p.Arch)
		}
	}
	return nil
}

// For gives the program for a platform. The error wraps ErrPlatform.
func (m *Manifest) For(os, arch string) (Program, error) {
	for _, p := range m.Programs {
		if p.OS == os && p.Arch == arch {
			return p, nil
		}
	}
	return Program{}, fmt.Errorf("release %s %w, %s/%s", m.Version, ErrPlatform, os, arch)
}

// Follows says why a release may not take the place of a version: nil where it
// is newer, or was signed to replace that version. A version that cannot be
// compared, such as that of a build outside of releases, is older than all. The
// error wraps ErrDowngrade.
func (m *Manifest) Follows(present string) error {
	if semver.Compare(m.Version, present) >= 0 || slices.Contains(m.Replaces, present) {
		return nil
	}
	return fmt.Errorf("release %s %w: %s is here, and it was not signed to replace that", m.Version, ErrDowngrade, present)
}

// Reads says why a release may not be run on a journal of a format; the error
// wraps ErrJournal.
func (m *Manifest) Reads(journal int) error {
	if journal < m.Journal.Oldest || journal > m.Journal.Newest {
		return fmt.Errorf("release %s %w: it is of format %d, and the release reads %d to %d", m.Version, ErrJournal, journal, m.Journal.Oldest, m.Journal.Newest)
	}
	return nil
}

// ID names a release by its manifest: the first 16 bytes of its SHA-256, hex.
func ID(manifest []byte) string {
	s := sha256.Sum256(manifest)
	return hex.EncodeToString(s[:16])
}

// KeyID names a release key: the first 8 bytes of its SHA-256.
func KeyID(key ed25519.PublicKey) []byte {
	s := sha256.Sum256(key)
	return s[:8]
}

// text is what is signed:
//
//	frostline release 1
//	SHA-256 of the manifest, hex
func text(manifest []byte) []byte {
	return fmt.Appendf(nil, "frostline release 1\n%x\n", sha256.Sum256(manifest))
}

// Sign encodes a manifest and signs it. The key is Ed25519.
func Sign(m *Manifest, key crypto.Signer) (manifest, signature []byte, err error) {
	if _, ok := key.Public().(ed25519.PublicKey); !ok {
		return nil, nil, fmt.Errorf("sign release: key is %T, want Ed25519", key.Public())
	}
	if err := m.Check(); err != nil {
		return nil, nil, fmt.Errorf("sign release: %w", err)
	}
	if manifest, err = json.Marshal(m); err != nil {
		return nil, nil, fmt.Errorf("sign release: %w", err)
	}
	if len(manifest) > MaxManifest {
		return nil, nil, fmt.Errorf("sign release: manifest of %d bytes: want at most %d", len(manifest), MaxManifest)
	}
	signature, err = key.Sign(rand.Reader, text(manifest), crypto.Hash(0))
	return manifest, signature, err
}

// Open checks a manifest against the keys that are trusted, and reads it. The
// error wraps ErrForged or ErrMalformed.
func Open(manifest, signature []byte, keys []ed25519.PublicKey) (*Manifest, error) {
	if len(manifest) > MaxManifest {
		return nil, fmt.Errorf("release: %w: manifest of %d bytes, at most %d allowed", ErrMalformed, len(manifest), MaxManifest)
	}
	if !slices.ContainsFunc(keys, func(k ed25519.PublicKey) bool {
		return len(k) == ed25519.PublicKeySize && ed25519.Verify(k, text(manifest), signature)
	}) {
		return nil, fmt.Errorf("release %s: %w", ID(manifest), ErrForged)
	}
	return Parse(manifest)
}

// Parse reads a manifest, whoever signed it. The error wraps ErrMalformed.
func Parse(manifest []byte) (*Manifest, error) {
	if len(manifest) > MaxManifest {
		return nil, fmt.Errorf("release: %w: manifest of %d bytes, at most %d allowed", ErrMalformed, len(manifest), MaxManifest)
	}
	m := &Manifest{}
	d := json.NewDecoder(bytes.NewReader(manifest))
	d.DisallowUnknownFields() // what this program does not know it cannot heed
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("release: %w: %w", ErrMalformed, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("release: %w: more than one manifest", ErrMalformed)
	}
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("release: %w: %w", ErrMalformed, err)
	}
	return m, nil
}

// Path is where a hub's enrolment listener gives packed programs, by the SHA-256
// of what is packed, to gateways that show their certificate. It answers ranges.
const Path = "/release/"
