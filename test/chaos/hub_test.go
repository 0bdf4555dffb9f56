package chaos

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"frostline/hub/access"
	"frostline/hub/history"
	"frostline/hub/intake"
	"frostline/hub/registry"
	"frostline/hub/store"
	"frostline/proto/chain"
	"frostline/proto/topic"
)

// hub is the hub's parts from the store to history, in this process: for tests
// that stand where the broker does, and to look at what a hub has left behind.
type hub struct {
	store    *store.DB
	ca       *access.CA
	access   *access.Registrar
	intake   *intake.Intake
	registry *registry.Registry
	history  *history.History
}

// nobody is who a hub that only looks back tells of it.
type nobody struct{}

func (nobody) Publish(string, topic.Lane, []byte) error { return nil }

// openHub opens what frostline-hub keeps in a directory, or begins it there.
func openHub(t testing.TB, dir string, to intake.Publisher, log *slog.Logger) *hub {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	h := &hub{}
	must(os.MkdirAll(dir, 0o700))
	var err error
	h.store, err = store.Open(ctx, "sqlite:"+filepath.Join(dir, "frostline.db"), log)
	must(err)
	t.Cleanup(func() { h.close(t) })
	h.ca, err = access.OpenCA(filepath.Join(dir, "authority"), time.Now, log)
	must(err)
	h.access, err = access.Open(ctx, access.Config{CA: h.ca, Repository: access.NewSQL(h.store), Addresses: func() []string { return []string{"127.0.0.1:1"} }, Log: log})
	must(err)
	h.intake, err = intake.New(ctx, intake.Options{Store: h.store, Publisher: to, Gateways: h.access, Log: log})
	must(err)
	h.registry, err = registry.New(ctx, h.store, h.intake, log)
	must(err)
	h.history, err = history.New(ctx, history.Options{Store: h.store, Evidence: h.intake, Series: h.registry, Log: log})
	must(err)
	h.intake.Follow(h.history, h.registry)
	return h
}

// close gives the store back; it may be called again.
func (h *hub) close(t testing.TB) {
	if err := h.store.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
		t.Error(err)
	}
}

// start runs intake, registry and history until stop, which waits for their
// orderly end.
func (h *hub) start(t testing.TB) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	return running(t, cancel,
		func() error { return h.intake.Run(ctx) },
		func() error { return h.registry.Run(ctx) },
		func() error { return h.history.Run(ctx) })
}

// running runs parts until stop or the test's end, whichever is first.
func running(t testing.TB, cancel context.CancelFunc, parts ...func() error) (stop func()) {
	done := make(chan error, len(parts))
	for _, part := range parts {
		go func() { done <- part() }()
	}
	left := len(parts)
	stop = func() {
		cancel()
		for ; left > 0; left-- {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(stop)
	return stop
}

// heads gives the committed ranges of an epoch.
func (h *hub) ranges(t testing.TB, gateway string, epoch uint32) (out []committed) {
	t.Helper()
	rows, err := h.store.Query(t.Context(), `SELECT first, last, head_after FROM intake_range WHERE gateway = $1 AND epoch = $2 ORDER BY first`, gateway, int64(epoch))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var c committed
		var head []byte
		if err := rows.Scan(&c.first, &c.last, &head); err != nil {
			t.Fatal(err)
		}
		if c.head, err = chain.ParseHead(head); err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// committed is a range of blocks that the hub has.
type committed struct {
	first, last uint64
	head        chain.Head // after last
}
