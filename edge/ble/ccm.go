package ble

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
)

// openCCM decrypts with AES-128 in CCM mode (RFC 3610) without associated
// data, and checks the authentication tag, whose length is the parameter M of
// the mode. The nonce has 13 bytes, so that lengths have two. The standard
// library has no CCM, and the libraries that have it bring a TLS stack along.
func openCCM(key Key, nonce, sealed, tag []byte) ([]byte, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil { // a key of sixteen bytes is always right
		return nil, err
	}
	counter := make([]byte, aes.BlockSize)
	counter[0] = 1 // L-1
	copy(counter[1:14], nonce)
	stream := cipher.NewCTR(block, counter)
	mask := make([]byte, aes.BlockSize) // block 0 is for the tag
	stream.XORKeyStream(mask, mask)
	plain := make([]byte, len(sealed))
	stream.XORKeyStream(plain, sealed)
	want := macCCM(block, nonce, plain, len(tag))
	subtle.XORBytes(want, want, mask[:len(tag)])
	if subtle.ConstantTimeCompare(want, tag) != 1 {
		return nil, ErrSecret
	}
	return plain, nil
}

// macCCM is the CBC-MAC of a message, cut to size bytes.
func macCCM(block cipher.Block, nonce, message []byte, size int) []byte {
	x := make([]byte, aes.BlockSize)
	x[0] = byte((size-2)/2<<3 | 1)
	copy(x[1:14], nonce)
	binary.BigEndian.PutUint16(x[14:], uint16(len(message)))
	block.Encrypt(x, x)
	for len(message) > 0 {
		n := min(len(message), aes.BlockSize)
		subtle.XORBytes(x[:n], x[:n], message[:n])
		block.Encrypt(x, x)
		message = message[n:]
	}
	return x[:size]
}
