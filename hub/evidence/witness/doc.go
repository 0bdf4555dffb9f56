// Package witness lets a second party vouch that a log only ever grows. It is
// both sides of the tlog-witness protocol (c2sp.org/tlog-witness): a Peer asks
// a witness for its cosignature (c2sp.org/tlog-cosignature, Ed25519) of a
// checkpoint, a Server gives it.
//
// A witness remembers, for each log, the last checkpoint that it has cosigned,
// and cosigns another only after a proof that the new tree contains the old one
// unchanged. What it remembers is synced to disk before the signature leaves:
// not even a crash lets it sign two histories.
package witness

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	maxProof = 63       // hashes of a consistency proof, by the protocol
	maxBody  = 64 << 10 // of a request; the answer of a peer is shorter
	sizeType = "text/x.tlog.size"
	path     = "/add-checkpoint"
)

// request is the body of add-checkpoint.
type request struct {
	old        uint64
	proof      [][]byte
	checkpoint []byte
}

func (r request) encode() []byte {
	b := fmt.Appendf(nil, "old %d\n", r.old)
	for _, h := range r.proof {
		b = append(base64.StdEncoding.AppendEncode(b, h), '\n')
	}
	b = append(b, '\n')
	return append(b, r.checkpoint...)
}

func decodeRequest(b []byte) (r request, err error) {
	head, checkpoint, ok := bytes.Cut(b, []byte("\n\n"))
	if !ok {
		return r, errors.New("no empty line before the checkpoint")
	}
	r.checkpoint = checkpoint
	lines := bufio.NewScanner(bytes.NewReader(head))
	lines.Scan()
	size, ok := strings.CutPrefix(lines.Text(), "old ")
	if !ok {
		return r, fmt.Errorf("first line %.40q: want old and a size", lines.Text())
	}
	if r.old, err = parseSize(size); err != nil {
		return r, err
	}
	for lines.Scan() {
		h, err := base64.StdEncoding.Strict().DecodeString(lines.Text())
		if err != nil || len(h) != 32 {
			return r, fmt.Errorf("proof line %d: want 32 bytes in base64", len(r.proof)+1)
		}
		if r.proof = append(r.proof, h); len(r.proof) > maxProof {
			return r, fmt.Errorf("more than %d hashes of proof", maxProof)
		}
	}
	return r, lines.Err()
}

// parseSize reads a decimal without leading zeros.
func parseSize(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || strconv.FormatUint(n, 10) != s {
		return 0, fmt.Errorf("size %.40q: want a decimal number", s)
	}
	return n, nil
}
