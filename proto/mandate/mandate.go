// Package mandate is how the hub tells a gateway what to be and do, so that the
// gateway can tell that it was the hub: desired state and commands, signed by a
// key that a gateway is given when it enrols.
//
// A broker carries these statements and can hold them back, repeat them and
// swap them; it can neither make nor change one. A statement names its gateway,
// its kind and its number, so that it serves for nothing else.
package mandate

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/topic"
)

// Bounds on what is signed, in bytes.
const (
	MaxDocument = 64 << 10 // of a desired state
	MaxArgument = 512      // of a command
	MaxReport   = 16 << 10 // of an outcome
	MaxDetail   = 300      // of an outcome

	maxPayload = MaxDocument + 1<<10
)

// Prefix is what a command's payload on the wire begins with: the kind by which
// an uplink knows it, and a line feed.
const Prefix = "signed\n"

// Kinds of commands.
const (
	Identify    = "identify"    // argument: for how long, such as 30s
	Restart     = "restart"     // no argument
	Diagnostics = "diagnostics" // no argument
	LogLevel    = "log-level"   // argument: level and for how long, such as "debug 1h"
	// Message shows something to whoever drives. Argument: id, route and text, a
	// line each.
	Message = "message"
)

// Kinds lists the kinds of commands that people ask for by name. A Message is
// dispatch's.
var Kinds = []string{Identify, Restart, Diagnostics, LogLevel}

var (
	// ErrForged is wrapped when a statement was not signed by the key that is
	// trusted, or says something else than what was signed.
	ErrForged = errors.New("not signed by the hub of this gateway")
	// ErrMalformed is wrapped when a statement cannot be read.
	ErrMalformed = errors.New("cannot be read")
)

// kinds of statements, which stand in the text that is signed.
const (
	desired = "desired state"
	command = "command"
)

// text is what is signed, line by line:
//
//	frostline KIND 1
//	GATEWAY
//	SHA-256 of the body, hex
func text(kind, gateway string, body []byte) []byte {
	return fmt.Appendf(nil, "frostline %s 1\n%s\n%x\n", kind, gateway, sha256.Sum256(body))
}

// SignDesired makes the payload of the config lane. The key is Ed25519.
func SignDesired(d *pb.Desired, key crypto.Signer) ([]byte, error) {
	if err := checkDesired(d); err != nil {
		return nil, fmt.Errorf("sign desired state: %w", err)
	}
	return sign(desired, d.Gateway, d, key)
}

// OpenDesired checks a payload of the config lane against the key that is
// trusted, and reads it. The error wraps ErrForged or ErrMalformed.
func OpenDesired(gateway string, payload []byte, key ed25519.PublicKey) (*pb.Desired, error) {
	d := &pb.Desired{}
	if err := open(desired, gateway, payload, key, d); err != nil {
		return nil, fmt.Errorf("desired state: %w", err)
	}
	if err := checkDesired(d); err != nil {
		return nil, fmt.Errorf("desired state: %w: %w", ErrMalformed, err)
	}
	if d.Gateway != gateway {
		return nil, fmt.Errorf("desired state: %w: it names gateway %q", ErrForged, d.Gateway)
	}
	return d, nil
}

// SignCommand makes the payload of the command lane, Prefix included.
func SignCommand(c *pb.Command, key crypto.Signer) ([]byte, error) {
	if err := checkCommand(c); err != nil {
		return nil, fmt.Errorf("sign command: %w", err)
	}
	b, err := sign(command, c.Gateway, c, key)
	return append([]byte(Prefix), b...), err
}

// OpenCommand is OpenDesired for a command, whose payload comes without Prefix.
func OpenCommand(gateway string, payload []byte, key ed25519.PublicKey) (*pb.Command, error) {
	c := &pb.Command{}
	if err := open(command, gateway, payload, key, c); err != nil {
		return nil, fmt.Errorf("command: %w", err)
	}
	if err := checkCommand(c); err != nil {
		return nil, fmt.Errorf("command: %w: %w", ErrMalformed, err)
	}
	if c.Gateway != gateway {
		return nil, fmt.Errorf("command: %w: it names gateway %q", ErrForged, c.Gateway)
	}
	return c, nil
}

func sign(kind, gateway string, m proto.Message, key crypto.Signer) ([]byte, error) {
	pub, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("sign %s: key is %T, want Ed25519", kind, key.Public())
	}
	body, err := proto.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", kind, err)
	}
	signature, err := key.Sign(rand.Reader, text(kind, gateway, body), crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("sign %s: %w", kind, err)
	}
	return proto.Marshal(&pb.Signed{Body: body, KeyId: chain.KeyID(pub), Signature: signature})
}

func open(kind, gateway string, payload []byte, key ed25519.PublicKey, m proto.Message) error {
	if len(payload) > maxPayload {
		return fmt.Errorf("%w: %d bytes, at most %d allowed", ErrMalformed, len(payload), maxPayload)
	}
	var s pb.Signed
	if err := proto.Unmarshal(payload, &s); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if len(key) != ed25519.PublicKeySize || !bytes.Equal(s.KeyId, chain.KeyID(key)) || !ed25519.Verify(key, text(kind, gateway, s.Body), s.Signature) {
		return ErrForged
	}
	if err := proto.Unmarshal(s.Body, m); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

func checkDesired(d *pb.Desired) error {
	if err := topic.CheckGateway(d.Gateway); err != nil {
		return err
	}
	switch {
	case d.Version == 0 || d.Version > 1<<53:
		return fmt.Errorf("version %d: want 1 to 2^53", d.Version)
	case len(d.Document) > MaxDocument:
		return fmt.Errorf("document of %d bytes: want at most %d", len(d.Document), MaxDocument)
	case !utf8.ValidString(d.Document):
		return errors.New("document: want UTF-8")
	}
	return nil
}

func checkCommand(c *pb.Command) error {
	if err := topic.CheckGateway(c.Gateway); err != nil {
		return err
	}
	switch {
	case c.Number == 0 || c.Number > 1<<53:
		return fmt.Errorf("number %d: want 1 to 2^53", c.Number)
	case c.Kind == "" || len(c.Kind) > 32:
		return fmt.Errorf("kind of %d bytes: want 1 to 32", len(c.Kind))
	case len(c.Argument) > MaxArgument:
		return fmt.Errorf("argument of %d bytes: want at most %d", len(c.Argument), MaxArgument)
	case c.ExpiresUtcMs <= 0:
		return fmt.Errorf("expiry %d: want a time after 1970", c.ExpiresUtcMs)
	}
	return nil
}
