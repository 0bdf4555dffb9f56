// Package enrol is what a gateway and the hub say to each other so that the
// gateway becomes known: the one-time code an operator carries from one to the
// other, and the requests and answers of the hub's enrolment listener.
//
// The gateway makes its keys itself and never parts with them. It sends a
// signing request for its TLS key and the public half of its seal key, over
// TLS that it trusts because the certificate authority is the one the code
// names. The secret in the code, good once and for a short while, is what the
// hub trusts.
package enrol

import (
	"crypto/sha256"
	"fmt"
)

// Paths of the enrolment listener. Both take and answer JSON by POST. The
// second wants the gateway's present certificate as TLS client certificate.
const (
	CertificatePath = "/enrol/v1/certificate" // Request → Response
	RenewPath       = "/enrol/v1/renew"       // RenewRequest → Response
)

// MaxBody bounds a request or response body, in bytes.
const MaxBody = 64 << 10

// Request asks for a gateway's first certificate. Sent again with the same
// keys, because the answer was lost, it is answered again the same.
type Request struct {
	Gateway       string `json:"gateway"`
	Code          string `json:"code"`            // as Code.String writes it
	CSR           string `json:"csr"`             // PKCS #10 in PEM; its common name is the gateway id
	SealPublicKey []byte `json:"seal_public_key"` // Ed25519, 32 bytes
	Proof         []byte `json:"proof"`           // signature by the seal key over ProofText
}

// RenewRequest asks for another certificate of the same gateway.
type RenewRequest struct {
	CSR string `json:"csr"` // PKCS #10 in PEM; its common name is the gateway id
}

// Response brings a certificate. Times are Unix time in milliseconds by the
// hub's clock.
type Response struct {
	Gateway     string   `json:"gateway"`
	Certificate string   `json:"certificate"` // PEM
	CA          string   `json:"ca"`          // PEM
	MQTT        []string `json:"mqtt"`        // host:port of listeners, the first preferred
	// MQTTCA is the authority of those listeners' certificates, PEM, where
	// it is another than CA.
	MQTTCA     string `json:"mqtt_ca,omitempty"`
	NotAfterMs int64  `json:"not_after_ms"`
	RenewMs    int64  `json:"renew_ms"`              // when to renew
	SealKeyID  []byte `json:"seal_key_id,omitempty"` // as in pb.Seal; not in answer to a renewal
	HubMs      int64  `json:"hub_ms"`                // now
	// MandateKey is the public key by which the hub signs desired state and
	// commands, Ed25519; absent in the answer of a hub that does not.
	MandateKey []byte `json:"mandate_key,omitempty"`
}

// Kind says why the hub refused, in a way a program can act on.
type Kind string

const (
	Malformed   Kind = "malformed"       // the request makes no sense; do not send it again
	CodeUnknown Kind = "code-unknown"    // never given out, for another gateway, or replaced by a newer one
	CodeExpired Kind = "code-expired"    // too late: ask for another
	CodeUsed    Kind = "code-used"       // by another key
	Refused     Kind = "refused"         // the certificate shown is not or no longer good: enrol again
	Busy        Kind = "rate-limited"    // try again after RetryAfterMs
	Unavailable Kind = "hub-unavailable" // the hub's trouble; try again later
)

// Error is the body of every answer but success.
type Error struct {
	Kind         Kind   `json:"kind"`
	Message      string `json:"message"`
	RetryAfterMs int64  `json:"retry_after_ms,omitempty"`
}

// Error is the hub's own words.
func (e *Error) Error() string { return fmt.Sprintf("the hub says: %s (%s)", e.Message, e.Kind) }

// Temporary reports whether the same request may succeed later.
func (e *Error) Temporary() bool { return e.Kind == Busy || e.Kind == Unavailable }

// ProofText is what the seal key signs to show that who enrols holds it:
//
//	frostline enrol 1
//	GATEWAY
//	SHA-256 of the signing request's DER bytes, in hex
func ProofText(gateway string, csr []byte) []byte {
	return fmt.Appendf(nil, "frostline enrol 1\n%s\n%x\n", gateway, sha256.Sum256(csr))
}
