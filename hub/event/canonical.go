package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/gowebpki/jcs"
)

// MaxData bounds the canonical JSON of an event's data, in bytes.
const MaxData = 256 << 10

// maxInteger is the largest integer that every reader of JSON takes for what
// it is (RFC 8785, 3.2.2.3).
const maxInteger = 1<<53 - 1

// ErrTooLarge is wrapped by errors about data or a document beyond its bound.
var ErrTooLarge = errors.New("too large")

// Canonical gives v as canonical JSON (RFC 8785). It refuses integers beyond
// ±(2^53-1), which another reader might round, and names used twice. It does
// not bound the size.
func Canonical(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if err := checkNumbers(b); err != nil {
		return nil, err
	}
	return jcs.Transform(b)
}

// canonicalData is Canonical for an event, whose data is an object of bounded
// size.
func canonicalData(v any) (string, error) {
	b, err := Canonical(v)
	switch {
	case err != nil:
		return "", fmt.Errorf("data: %w", err)
	case len(b) > MaxData:
		return "", fmt.Errorf("data: %w: %d bytes, at most %d allowed; split it into several events or keep bulk elsewhere", ErrTooLarge, len(b), MaxData)
	case b[0] != '{':
		return "", fmt.Errorf("data: %.40s: want a JSON object", b)
	}
	return string(b), nil
}

// checkNumbers refuses what would be rounded without anybody being told.
func checkNumbers(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		n, ok := t.(json.Number)
		if !ok || strings.ContainsAny(n.String(), ".eE") {
			continue
		}
		if i, err := strconv.ParseInt(n.String(), 10, 64); err != nil || i > maxInteger || i < -maxInteger {
			return fmt.Errorf("integer %s: at most %d either way, or write it as a string", n, int64(maxInteger))
		}
	}
}
