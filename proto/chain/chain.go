// Package chain is the hash chain over a gateway's blocks and the signed seals
// that fix it. Both ends compute it, so it costs nothing on the wire; a third
// party with the blocks and the public key computes it too.
package chain

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Head is the state of the chain after a block.
type Head [sha256.Size]byte

// String is the lower-case hexadecimal form.
func (h Head) String() string { return hex.EncodeToString(h[:]) }

// ParseHead takes the 32 bytes of a head from a message.
func ParseHead(b []byte) (Head, error) {
	var h Head
	if len(b) != len(h) {
		return h, fmt.Errorf("chain head of %d bytes: want %d", len(b), len(h))
	}
	copy(h[:], b)
	return h, nil
}

// Genesis is head(0) of an epoch: SHA-256 of the text
//
//	frostline chain 1 LF gateway LF epoch LF
//
// so that blocks of one gateway or epoch cannot stand in another's chain.
func Genesis(gateway string, epoch uint32) Head {
	return sha256.Sum256(fmt.Appendf(nil, "frostline chain 1\n%s\n%d\n", gateway, epoch))
}

// Next is head(n) = SHA-256(head(n-1) || SHA-256(block n)).
func Next(prev Head, block []byte) Head {
	sum := sha256.Sum256(block)
	var b [2 * sha256.Size]byte
	copy(b[:], prev[:])
	copy(b[sha256.Size:], sum[:])
	return sha256.Sum256(b[:])
}
