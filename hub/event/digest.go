package event

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"

	"frostline/hub/store"
)

// Digester is a Model other than a Table that can say in short what it says.
type Digester interface {
	// Digest is the same for the same answers and differs for others.
	Digest(ctx context.Context, q store.Querier) (string, error)
}

var errNeverBuilt = errors.New("was never built")

// Digest is a digest over all documents and keys of a model, in hex: the same
// for the same answers, in whichever store and order they are kept. It is the
// sum modulo 2^256 of the SHA-256 of each row, and so shows differences that
// came about by mistake; nobody should sign it.
func (l *Log) Digest(ctx context.Context, name string) (sum string, err error) {
	models, err := l.choose([]string{name})
	if err != nil {
		return "", err
	}
	err = l.store.Snapshot(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		var generation int64
		err = tx.QueryRow(ctx, "SELECT generation FROM event_model WHERE name = $1 AND live = 1", name).Scan(&generation)
		if errors.Is(err, sql.ErrNoRows) {
			return errNeverBuilt
		}
		if err != nil {
			return err
		}
		if _, ok := models[0].Model.(generational); ok {
			sum, err = digest(ctx, tx, generation)
			return err
		}
		d, ok := models[0].Model.(Digester)
		if !ok {
			return errors.New("gives no digest")
		}
		sum, err = d.Digest(ctx, tx)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("digest of read model %s: %w", name, err)
	}
	return sum, nil
}

// rowSum adds up rows.
type rowSum struct {
	total [4]uint64
	buf   []byte
}

// add adds a row of fields, each with its length before it.
func (s *rowSum) add(kind byte, fields ...[]byte) {
	s.buf = append(s.buf[:0], kind)
	for _, f := range fields {
		s.buf = binary.BigEndian.AppendUint64(s.buf, uint64(len(f)))
		s.buf = append(s.buf, f...)
	}
	h := sha256.Sum256(s.buf)
	var carry uint64
	for i := 3; i >= 0; i-- {
		s.total[i], carry = bits.Add64(s.total[i], binary.BigEndian.Uint64(h[8*i:]), carry)
	}
}

func (s *rowSum) String() string {
	var b [32]byte
	for i, v := range s.total {
		binary.BigEndian.PutUint64(b[8*i:], v)
	}
	return hex.EncodeToString(b[:])
}

func digest(ctx context.Context, q store.Querier, generation int64) (string, error) {
	var sum rowSum
	var a, b, c sql.RawBytes
	for _, part := range []struct {
		kind  byte
		query string
	}{
		{'d', "SELECT id, position, body FROM event_document WHERE model = $1"},
		{'k', "SELECT name, value, id FROM event_key WHERE model = $1"},
	} {
		rows, err := q.Query(ctx, part.query, generation)
		if err != nil {
			return "", err
		}
		defer rows.Close()
		for rows.Next() {
			if err := rows.Scan(&a, &b, &c); err != nil {
				return "", err
			}
			sum.add(part.kind, a, b, c)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return "", err
		}
	}
	return sum.String(), nil
}
