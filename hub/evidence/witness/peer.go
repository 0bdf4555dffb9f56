package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

// Peer is a witness as a log sees it. It is immutable.
type Peer struct {
	URL string // under which it answers /add-checkpoint
	Key string // its verifier key
	v   note.Verifier
}

// NewPeer checks the address and verifier key of a witness.
func NewPeer(address, key string) (Peer, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return Peer{}, fmt.Errorf("witness address %q: want https://HOST[/PATH]", address)
	}
	v, err := fnote.NewVerifierForCosignatureV1(key)
	if err != nil {
		return Peer{}, fmt.Errorf("witness key %q: want NAME+HASH+KEY as the witness prints it: %w", key, err)
	}
	return Peer{URL: strings.TrimSuffix(u.String(), "/"), Key: key, v: v}, nil
}

// Name is the name in the witness's key.
func (p Peer) Name() string { return p.v.Name() }

// Verifier checks the witness's cosignatures.
func (p Peer) Verifier() note.Verifier { return p.v }

// State is how a witness has answered.
type State struct {
	Name    string
	Size    uint64 // of the last checkpoint it cosigned
	Refused bool   // it says that the log contradicts what it has seen
	Error   string // of the last attempt; "" when it cosigned
}

// ErrRefused is wrapped where a witness refuses because the log contradicts
// what the witness has cosigned before: it was forked or rolled back.
var ErrRefused = errors.New("the witness refuses to cosign")

// Cosign asks for a cosignature of a signed checkpoint of size, given that the
// witness is thought to have cosigned old last. prove gives a consistency
// proof. The line that comes back is verified.
func (p Peer) Cosign(ctx context.Context, c *http.Client, checkpoint []byte, old, size uint64, prove func(ctx context.Context, old, size uint64) ([][]byte, error)) (line string, err error) {
	for range 3 {
		if old > size {
			return "", fmt.Errorf("%w: witness %s has cosigned %d entries, and this log has %d: it was rolled back", ErrRefused, p.Name(), old, size)
		}
		var proof [][]byte
		if old > 0 && old < size {
			if proof, err = prove(ctx, old, size); err != nil {
				return "", fmt.Errorf("prove to witness %s that %d entries follow %d: %w", p.Name(), size, old, err)
			}
		}
		status, body, isSize, err := p.post(ctx, c, request{old, proof, checkpoint}.encode())
		if err != nil {
			return "", err
		}
		switch {
		case status == http.StatusOK:
			return p.take(checkpoint, body)
		case status == http.StatusConflict && isSize:
			was := old
			if old, err = parseSize(strings.TrimSuffix(string(body), "\n")); err != nil {
				return "", fmt.Errorf("witness %s: %w", p.Name(), err)
			}
			if old == was {
				return "", fmt.Errorf("witness %s does not take %d as the size it asked for", p.Name(), old)
			}
		case status == http.StatusConflict || status == http.StatusUnprocessableEntity:
			return "", fmt.Errorf("%w: witness %s: %s", ErrRefused, p.Name(), text(status, body))
		default:
			return "", fmt.Errorf("witness %s: %s", p.Name(), text(status, body))
		}
	}
	return "", fmt.Errorf("witness %s keeps changing the size it has", p.Name())
}

func (p Peer) post(ctx context.Context, c *http.Client, body []byte) (status int, answer []byte, isSize bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, false, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, nil, false, fmt.Errorf("ask witness %s: %w", p.Name(), err)
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return 0, nil, false, fmt.Errorf("answer of witness %s: %w", p.Name(), err)
	}
	return resp.StatusCode, answer, resp.Header.Get("Content-Type") == sizeType, nil
}

// take verifies the cosignature and gives its line.
func (p Peer) take(checkpoint, body []byte) (string, error) {
	n, err := note.Open(append(bytes.Clone(checkpoint), body...), note.VerifierList(p.v))
	if err != nil || len(n.Sigs) != 1 {
		return "", fmt.Errorf("witness %s answers with a signature that does not verify by its key", p.Name())
	}
	return fmt.Sprintf("— %s %s\n", n.Sigs[0].Name, n.Sigs[0].Base64), nil
}

func text(status int, body []byte) string {
	return fmt.Sprintf("%d %s: %.200s", status, http.StatusText(status), strings.TrimSpace(string(body)))
}
