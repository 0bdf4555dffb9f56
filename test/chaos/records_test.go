package chaos

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	flog "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"

	"frostline/hub/correlate"
	eventlog "frostline/hub/event"
	"frostline/hub/evidence/ledger"
	"frostline/hub/fact"
	"frostline/hub/registry"
	"frostline/hub/store"
	"frostline/proto/reading"
)

// events reads the whole log of a hub that has stopped.
func (h *hub) events(t testing.TB, l *eventlog.Log) (all []eventlog.Event) {
	t.Helper()
	for after := int64(0); ; after = all[len(all)-1].Position {
		page, err := l.Read(t.Context(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
	}
}

// recorded wants each command that was answered with success to be in the log,
// once, and those that were not, once or not at all: never half.
func (p *pharmacy) recorded(all []eventlog.Event) {
	p.Helper()
	found := map[mark]int{}
	for _, e := range all {
		if e.Type == fact.WasAttached || e.Type == fact.WasHandedOver {
			v, err := fact.Decode(e.Type, e.Data)
			p.must(err)
			switch v := v.(type) {
			case *fact.Attached:
				found[mark{v.ID, e.Type}]++
				found[mark{v.Subject.String(), e.Type}]++
			case *fact.HandedOver:
				found[mark{v.ID, e.Type}]++
			}
			continue
		}
		found[mark{e.Stream, e.Type}]++
	}
	bad := func(c deed, m mark) bool {
		n := found[m]
		late := strings.HasPrefix(m.stream, "package/") && m.typ == fact.WasAttached // scanned again later
		return n == 0 || n > 1 && !late
	}
	for _, c := range p.done {
		for _, m := range c.leaves {
			if bad(c, m) {
				p.Errorf("%s %s was done, and %s is %d times in the log of %s", c.method, c.path, m.typ, found[m], m.stream)
			}
		}
	}
	lost, whole := 0, 0
	for _, c := range p.tried {
		n := 0
		for _, m := range c.leaves {
			n += found[m]
		}
		switch n {
		case 0:
			lost++
		case len(c.leaves):
			whole++
		default:
			p.Errorf("%s %s was cut off, and %d of its %d events are in the log", c.method, c.path, n, len(c.leaves))
		}
	}
	p.Logf("%d commands done, answers %v; of %d imports that nobody repeated %d are done and %d are not", len(p.done), p.answers, len(p.tried), whole, lost)
}

// checkpoints collects what the evidence log hands out.
type checkpoints struct {
	mu    sync.Mutex
	notes map[string]bool
}

// watch asks for checkpoints until ctx ends.
func (c *checkpoints) watch(ctx context.Context, web string) {
	c.notes = map[string]bool{}
	for ctx.Err() == nil {
		if r, err := http.Get("http://" + web + "/log/checkpoint"); err == nil {
			b, err := io.ReadAll(r.Body)
			r.Body.Close()
			if err == nil && r.StatusCode == http.StatusOK {
				c.mu.Lock()
				c.notes[string(b)] = true
				c.mu.Unlock()
			}
		}
		breathe(ctx)
	}
}

// hold works out the log's tree from its entries, in one pass: at each size
// that was ever signed its root is the one that was signed, and each event is
// in it once.
func (c *checkpoints) hold(t testing.TB, h *hub, data, key string, all []eventlog.Event) {
	t.Helper()
	verifier, err := note.NewVerifier(strings.TrimSpace(key))
	if err != nil {
		t.Fatal(err)
	}
	signed := map[uint64][]byte{}
	take := func(raw []byte) {
		cp, _, _, err := flog.ParseCheckpoint(raw, verifier.Name(), verifier)
		if err != nil {
			t.Fatalf("checkpoint: %v\n%s", err, raw)
		}
		if was, ok := signed[cp.Size]; ok && !bytes.Equal(was, cp.Hash) {
			t.Errorf("two roots were signed of %d entries", cp.Size)
		}
		signed[cp.Size] = cp.Hash
	}
	for n := range c.notes {
		take([]byte(n))
	}
	handed := len(signed)
	kept := 0
	rows, err := h.store.Query(t.Context(), "SELECT note FROM evidence_checkpoint ORDER BY size")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			t.Fatal(err)
		}
		take([]byte(n))
		kept++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	rows.Close()
	files := client.FileFetcher{Root: filepath.Join(data, "evidence", "log", "log")}
	_, raw, _, err := client.FetchCheckpoint(t.Context(), files.ReadCheckpoint, verifier, verifier.Name())
	if err != nil {
		t.Fatal(err)
	}
	take(raw)
	size := uint64(0)
	for s := range signed {
		size = max(size, s)
	}
	wanted := map[string]int{}
	for _, e := range all {
		b, err := ledger.EventBytes(e)
		if err != nil {
			t.Fatal(err)
		}
		wanted[string(ledger.EventEntry(e.ID, e.Stream, e.Position, b).Leaf())] = 0
	}
	tree := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	for i := uint64(0); i*256 < size; i++ {
		bundle, err := client.GetEntryBundle(t.Context(), files.ReadEntryBundle, i, size)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range bundle.Entries {
			leaf := rfc6962.DefaultHasher.HashLeaf(entry)
			if _, ok := wanted[string(leaf)]; ok {
				wanted[string(leaf)]++
			}
			if err := tree.Append(leaf, nil); err != nil {
				t.Fatal(err)
			}
			root, err := tree.GetRootHash(nil)
			if err != nil {
				t.Fatal(err)
			}
			if want, ok := signed[tree.End()]; ok && !bytes.Equal(root, want) {
				t.Errorf("the root of %d entries is %x, and %x was signed", tree.End(), root, want)
			}
		}
	}
	if tree.End() < size {
		t.Errorf("the log has %d entries, and %d were signed", tree.End(), size)
	}
	for _, n := range wanted {
		if n != 1 {
			t.Errorf("an event is %d times in the evidence log", n)
		}
	}
	t.Logf("%d events among %d entries of the evidence log; %d checkpoints kept, %d sizes handed out", len(all), size, kept, handed)
}

// names tells what a series id means.
type names struct{ *registry.Registry }

func (m names) Measured(gateway string, epoch, series uint32) (string, reading.Quantity, bool) {
	s, ok := m.Lookup(gateway, epoch, series)
	return s.Sensor, s.Quantity, ok
}

// judgedAnew makes the verdicts of all packages from the evidence and the log
// alone, with nothing that the killed hub had worked out, and wants the last
// that was told of each to be the same.
func (p *pharmacy) judgedAnew(h *hub, l *eventlog.Log, all []eventlog.Event) {
	p.Helper()
	p.must(h.store.Write(p.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE correlate_state SET value = 0")
		return err
	}))
	engine, err := correlate.New(p.Context(), correlate.Options{
		Store: h.store, Events: l, History: h.history, Series: names{h.registry}, Evidence: h.intake, Log: logTo(p.TB, p.dir, "judging-anew"),
	})
	p.must(err)
	p.must(engine.Settle(p.Context()))
	last := map[string]fact.VerdictRevised{}
	revisions := 0
	for _, e := range all {
		if e.Type == fact.VerdictWasRevised {
			v, err := fact.Decode(e.Type, e.Data)
			p.must(err)
			last[v.(*fact.VerdictRevised).Package] = *v.(*fact.VerdictRevised)
			revisions++
		}
	}
	for _, pkg := range p.packages {
		now, err := engine.Judgements(p.Context(), pkg)
		p.must(err)
		if len(now.Judgements) != 1 || now.Judgements[0].Digest != last[pkg].Digest || last[pkg].Digest == "" {
			p.Errorf("package %s was told to have %+v; the evidence says %+v", pkg, last[pkg].Verdict, now.Judgements)
		}
	}
	if after := l.Last(); after != all[len(all)-1].Position {
		p.Errorf("a hub that was not disturbed revises %d verdicts once more", after-all[len(all)-1].Position)
	}
	p.Logf("%d packages have the verdict that an undisturbed hub gives them, after %d revisions", len(p.packages), revisions)
}

// escalated wants each excursion that nobody acknowledged for longer than its
// deadline to have been escalated, and none before it, however often the hub
// was killed.
func (p *pharmacy) escalated(all []eventlog.Event) {
	p.Helper()
	const within, slack = int64(60_000), int64(20_000) // of the policy; what a restart and a look may take
	awaits := map[string]int64{}
	n := 0
	for _, e := range all {
		since, waiting := awaits[e.Stream]
		switch e.Type {
		case fact.ExcursionWasOpened, fact.ExcursionWasRevised:
			if !waiting {
				awaits[e.Stream] = e.At
			}
			continue
		case fact.ExcursionWasEscalated:
			if n++; waiting && e.At < since+within {
				p.Errorf("%s was escalated %d ms after it was told of", e.Stream, e.At-since)
			}
			awaits[e.Stream] = e.At
		case fact.ExcursionWasAcknowledged:
			if waiting && e.At > since+within+slack {
				p.Errorf("%s was acknowledged after %d ms, and was never escalated", e.Stream, e.At-since)
			}
			delete(awaits, e.Stream)
		}
	}
	p.Logf("%d escalations", n)
}
