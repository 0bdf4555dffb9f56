package intake

import (
	"context"
	"testing"

	"frostline/hub/store"
	"frostline/proto/block"
)

// decodeForTest gives the device's last block.
func decodeForTest(d *device) (*block.Block, error) { return block.Decode(d.raws[len(d.raws)-1]) }

func execForTest(t testing.TB, db *store.DB, query string, args ...any) (n int64, err error) {
	err = db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		n, err = tx.Exec(ctx, query, args...)
		return err
	})
	return n, err
}
