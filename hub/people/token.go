package people

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strings"
)

// A token is written
//
//	frl_IIIIIIII_SSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSSCCCCCCC
//
// in base32 of lower case: an id of 40 random bits that may be shown, a secret
// of 160 random bits, and a CRC-32 of all before it. The prefix and the sum let
// a scanner find tokens that were written down where they should not be, and a
// mistyped one be told apart without a look into the store.
const (
	tokenPrefix = "frl_"
	idChars     = 8
	secretChars = 32
	sumChars    = 7
	tokenLen    = len(tokenPrefix) + idChars + 1 + secretChars + sumChars
)

const alphabet = "abcdefghijklmnopqrstuvwxyz234567"

var b32 = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

// newToken makes a token and gives its id.
func newToken() (token, id string) {
	var b [25]byte
	rand.Read(b[:])
	id = b32.EncodeToString(b[:5])
	token = tokenPrefix + id + "_" + b32.EncodeToString(b[5:])
	return token + sum(token), id
}

func sum(s string) string {
	return b32.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(s))))
}

// parseToken gives the id of a token. The error never repeats what was given.
func parseToken(s string) (id string, err error) {
	if len(s) != tokenLen || !strings.HasPrefix(s, tokenPrefix) || s[len(tokenPrefix)+idChars] != '_' {
		return "", fmt.Errorf("token: %w: want frl_ and %d more characters", ErrInvalid, tokenLen-len(tokenPrefix))
	}
	id = s[len(tokenPrefix) : len(tokenPrefix)+idChars]
	body, check := s[:tokenLen-sumChars], s[tokenLen-sumChars:]
	for _, part := range []string{id, body[len(body)-secretChars:]} {
		if strings.ContainsFunc(part, func(r rune) bool { return !strings.ContainsRune(alphabet, r) }) {
			return "", fmt.Errorf("token: %w: want a-z and 2-7 only", ErrInvalid)
		}
	}
	if sum(body) != check {
		return "", fmt.Errorf("token: %w: it was mistyped or cut", ErrInvalid)
	}
	return id, nil
}

// digest is what is kept of a token.
func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
