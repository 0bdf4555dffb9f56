package people

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/secure/precis"
)

// cost is what a hash costs: the second recommended choice of OWASP's Password
// Storage Cheat Sheet, 19 MiB and two passes, some 30 ms of one core.
type cost struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
}

var usual = cost{19 << 10, 2, 1}

const (
	saltBytes   = 16
	hashBytes   = 32
	leastRunes  = 12 // of a password
	mostBytes   = 512
	hashesAtAll = 2 // at once, so that guessing cannot take the hub's memory
)

var b64 = base64.RawStdEncoding.Strict()

// prepare gives a password the form that is hashed, so that it is the same
// whichever keyboard it is typed on (RFC 8265, OpaqueString).
func prepare(password string) ([]byte, error) {
	if len(password) > mostBytes {
		return nil, fmt.Errorf("password of %d bytes: %w: want at most %d", len(password), ErrInvalid, mostBytes)
	}
	b, err := precis.OpaqueString.Bytes([]byte(password))
	if err != nil || !utf8.ValidString(password) {
		return nil, fmt.Errorf("password: %w: want UTF-8 without control characters", ErrInvalid)
	}
	return b, nil
}

// checkPassword says whether a password may be chosen.
func checkPassword(id, password string) error {
	b, err := prepare(password)
	switch {
	case err != nil:
		return err
	case utf8.RuneCount(b) < leastRunes:
		return fmt.Errorf("password: %w: want at least %d characters; several words are fine", ErrInvalid, leastRunes)
	case strings.Contains(strings.ToLower(string(b)), id) && len(id) > 2:
		return fmt.Errorf("password: %w: it contains the id", ErrInvalid)
	}
	for i := 1; i < len(b); i++ {
		if b[i] != b[0] {
			return nil
		}
	}
	return fmt.Errorf("password: %w: it is one character over and over", ErrInvalid)
}

// hashing bounds how many hashes are made at once.
type hashing chan struct{}

func (h hashing) do(ctx context.Context, password, salt []byte, c cost, n uint32) ([]byte, error) {
	select {
	case h <- struct{}{}:
		defer func() { <-h }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey(password, salt, c.passes, c.memory, c.lanes, n), nil
}

// hash makes the PHC string of a password.
func (h hashing) hash(ctx context.Context, password string, c cost) (string, error) {
	b, err := prepare(password)
	if err != nil {
		return "", err
	}
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	key, err := h.do(ctx, b, salt, c, hashBytes)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.passes, c.lanes, b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// verify says whether a password is the one of a PHC string, in a time that
// does not depend on how much of it is right.
func (h hashing) verify(ctx context.Context, password, phc string) (bool, error) {
	c, salt, want, err := parsePHC(phc)
	if err != nil {
		return false, err
	}
	b, err := prepare(password)
	if err != nil {
		b = nil // as wrong as any; takes as long
	}
	got, hashErr := h.do(ctx, b, salt, c, uint32(len(want)))
	if hashErr != nil {
		return false, hashErr
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && err == nil, nil
}

// parsePHC reads $argon2id$v=19$m=…,t=…,p=…$SALT$HASH.
func parsePHC(s string) (c cost, salt, hash []byte, err error) {
	parts := strings.Split(s, "$")
	bad := func(what string) error { return fmt.Errorf("stored password: %s", what) }
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, bad("no argon2id string of this version")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.lanes); err != nil {
		return c, nil, nil, bad("its cost cannot be read")
	}
	if c.memory < 8 || c.memory > 256<<10 || c.passes < 1 || c.passes > 16 || c.lanes < 1 || c.lanes > 16 {
		return c, nil, nil, bad("its cost is out of bounds")
	}
	salt, err1 := b64.DecodeString(parts[4])
	hash, err2 := b64.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(salt) < 8 || len(hash) < 16 || len(salt) > 64 || len(hash) > 64 {
		return c, nil, nil, bad("its salt or hash cannot be read")
	}
	return c, salt, hash, nil
}
