package access

import (
	"context"
	"crypto/ed25519"
	"fmt"
)

// Gateway is a gateway that was enrolled. Times here and below are Unix time
// in milliseconds by the hub's clock.
type Gateway struct {
	ID         string
	Enrolled   int64 // first enrolment
	Revoked    int64 // 0 while it is trusted
	RevokedFor string
}

// Certificate is a certificate issued to a gateway.
type Certificate struct {
	Serial     string // hex
	Gateway    string
	NotBefore  int64
	NotAfter   int64
	Revoked    int64  // 0 while it is good
	RevokedFor string // "superseded" where the gateway was enrolled again
	DER        []byte
}

// SealKey is a public key by which seals of a gateway verify. Keys are never
// removed: what was sealed before a gateway was enrolled again still verifies.
type SealKey struct {
	Gateway string
	ID      string // chain.KeyID, hex
	Public  ed25519.PublicKey
	From    int64
}

// CodeState is a one-time code as the hub remembers it: without its secret.
type CodeState struct {
	Digest  string // enrol.Code.Digest
	Gateway string
	Created int64
	Expires int64
	Void    int64 // replaced by a newer one or withdrawn; 0 when not
	// Used says when, by which keys, and which certificate came of it, so that
	// a gateway that lost the answer can ask again; 0 while unused.
	Used       int64
	UsedKeys   string // SHA-256 over public TLS key and seal key, hex
	UsedSerial string
}

// Action is what happened, in the trail.
type Action string

// Actions of the trail.
const (
	ActCode      Action = "code created"
	ActEnrolled  Action = "enrolled"
	ActRepeated  Action = "enrolment answered again"
	ActRenewed   Action = "certificate renewed"
	ActRevoked   Action = "revoked"
	ActRefused   Action = "enrolment refused"
	ActRenewal   Action = "renewal refused"
	ActAuthority Action = "authority taken into use"
)

// Event is an entry of the trail, which is only ever added to.
type Event struct {
	ID      int64 // from 1, ascending; given by the Repository
	At      int64
	Actor   string // who: an operator's name, or a gateway and its address
	Action  Action
	Gateway string // "" where it is about none
	Detail  string
}

// ErrNotFound is wrapped where a Repository has no such record.
var ErrNotFound = fmt.Errorf("no such record")

// Repository keeps what the Registrar knows. Its methods may be called from
// any goroutine.
type Repository interface {
	// Update runs do in a transaction. When it returns nil, what do saved is
	// synced to disk. When it returns the error of do, nothing has changed;
	// after any other error that is not known. Transactions run one at a time.
	Update(ctx context.Context, do func(context.Context, Tx) error) error

	// Load reads, all as of one moment: authorities (fingerprints), gateways,
	// their seal keys, and the certificates that expire after the given time.
	Load(ctx context.Context, after int64) (Known, error)

	// Events reads the trail, newest first, at most limit entries with ids
	// below before (0: from the newest). Empty gateway means all.
	Events(ctx context.Context, gateway string, before int64, limit int) ([]Event, error)
}

// Known is what Load reads.
type Known struct {
	Authorities  []string
	Gateways     []Gateway
	Certificates []Certificate // without DER
	SealKeys     []SealKey
}

// Tx is a transaction of a Repository, valid until do returns. Save methods
// insert a record or replace the one of the same key; AddEvent only adds.
type Tx interface {
	// Gateway, Code and Certificate fail with ErrNotFound where there is none.
	Gateway(ctx context.Context, id string) (Gateway, error)
	SaveGateway(ctx context.Context, g Gateway) error

	Code(ctx context.Context, digest string) (CodeState, error)
	SaveCode(ctx context.Context, c CodeState) error
	// VoidCodes withdraws the gateway's unused codes.
	VoidCodes(ctx context.Context, gateway string, at int64) error
	// DropCodes forgets codes that expired before a time, used or not.
	DropCodes(ctx context.Context, before int64) error

	Certificate(ctx context.Context, serial string) (Certificate, error)
	SaveCertificate(ctx context.Context, c Certificate) error
	// RevokeCertificates marks the gateway's certificates that are not yet.
	RevokeCertificates(ctx context.Context, gateway string, at int64, reason string) error

	// SealKeyOwner names the gateway that has the key already; "" when none.
	SealKeyOwner(ctx context.Context, public ed25519.PublicKey) (gateway string, err error)
	SaveSealKey(ctx context.Context, k SealKey) error

	SaveAuthority(ctx context.Context, fingerprint string, at int64) error
	AddEvent(ctx context.Context, e Event) error
}
