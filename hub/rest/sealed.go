package rest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// Replies are kept encrypted (AES-256-GCM) under a key that is made of the
// request's idempotency key, of which the store has only another hash: what is
// given once, such as the address of a patient's link, is in the store for nobody
// but whoever repeats the request.

// sealedBy begins what is encrypted; no reply begins so by itself.
var sealedBy = []byte{0x01, 's', 'e', 'a', 'l'}

var errSealed = errors.New("kept reply: it cannot be decrypted")

func sealer(actor, operation, key string) cipher.AEAD {
	sum := sha256.Sum256(fmt.Appendf(nil, "frostline reply %q %q %q", actor, operation, key))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		panic(err) // the key has 32 bytes
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has blocks of 16 bytes
	}
	return gcm
}

func seal(c cipher.AEAD, body []byte) []byte {
	nonce := make([]byte, c.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return c.Seal(append(bytes.Clone(sealedBy), nonce...), nonce, body, nil)
}

// unseal gives a body that was sealed; one that was kept before replies were
// sealed is as it is.
func unseal(c cipher.AEAD, kept []byte) ([]byte, error) {
	rest, sealed := bytes.CutPrefix(kept, sealedBy)
	if !sealed {
		return kept, nil
	}
	if len(rest) < c.NonceSize() {
		return nil, errSealed
	}
	body, err := c.Open(nil, rest[:c.NonceSize()], rest[c.NonceSize():], nil)
	if err != nil {
		return nil, errSealed
	}
	return body, nil
}
