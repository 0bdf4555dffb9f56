package chaos

import (
	"context"
	"crypto/tls"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"frostline/edge/journal"
	"frostline/edge/uplink"
	"frostline/hub/broker"
	"frostline/proto/pb"
	"frostline/test/rig"
)

// poisoned is a journal some of whose blocks no hub can take: as after a fault
// of memory, or a mistake of a version to come.
type poisoned struct {
	*journal.Journal
	blocks map[uint64]func(raw []byte) []byte
}

func (p *poisoned) Read(epoch uint32, from uint64, maxBlocks, maxBytes int) (journal.Run, error) {
	run, err := p.Journal.Read(epoch, from, maxBlocks, maxBytes)
	run.Blocks = slices.Clone(run.Blocks)
	for i, raw := range run.Blocks {
		if spoil := p.blocks[run.First+uint64(i)]; spoil != nil {
			run.Blocks[i] = spoil(slices.Clone(raw))
		}
	}
	return run, err
}

// TestPoisonedBlocksAreQuarantinedAndTheGatewayGoesOn has blocks that cannot be
// decoded in a backlog, alone, side by side and at its ends, and among fresh
// ones. Each has to be quarantined with its reason, shown on both sides, not
// sent for ever and not forgotten; all others have to be committed.
func TestPoisonedBlocksAreQuarantinedAndTheGatewayGoesOn(t *testing.T) {
	t.Parallel()
	c := seeded(t)
	const gateway, backlog = "van-1", 600
	dir := folder(t)
	l := &liar{chance: c.fork("liar"), honest: true}
	h := openHub(t, filepath.Join(dir, "hub"), l, logTo(t, dir, "hub"))
	id := h.enrolled(t, dir, gateway)
	server, err := h.ca.Server([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	address := loopback(t)
	b, err := broker.NewEmbedded(broker.EmbeddedConfig{
		Listen: address, Dir: filepath.Join(dir, "broker"), TLS: h.ca.BrokerTLS(server), Authorizer: h.access, Log: logTo(t, dir, "broker"),
	})
	if err != nil {
		t.Fatal(err)
	}
	l.intake, l.broker = h.intake, b
	h.start(t)
	ctx, cancel := context.WithCancel(context.Background())
	running(t, cancel, func() error { return b.Run(ctx, l.handle) })
	<-b.Ready()

	j, err := journal.Open(filepath.Join(dir, "journal"), gateway, journal.Options{Log: logTo(t, dir, "journal")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	ids := series(t, j, 4)
	tick := boottime(t)
	one := func() uint64 {
		tick += 5
		keep(t, j, c, ids, tick, 5, 1)
		return j.Tip().Last
	}
	for range backlog {
		one()
	}
	last := j.Tip().Last
	garbage := func(raw []byte) []byte { return slices.Repeat([]byte{0xff}, len(raw)) }
	torn := func(raw []byte) []byte { return raw[:len(raw)/2] }
	another := func(raw []byte) []byte { return append(raw, 0xfa, 0xff, 0xff, 0xff, 0x0f, 0x7f) } // a field that ends past the block
	p := &poisoned{Journal: j, blocks: map[uint64]func([]byte) []byte{
		2: garbage, 100: torn, 101: garbage, 102: another, 333: another, last: torn, last + 20: garbage,
	}}
	signer, err := id.Signer()
	if err != nil {
		t.Fatal(err)
	}
	u, err := uplink.New(uplink.Config{
		Gateway: gateway, Address: address, TLS: func() (*tls.Config, error) { return id.TLS("127.0.0.1") }, Signer: signer,
		Journal: p, Boottime: func() int64 { return boottime(t) },
		Anchor: func() *pb.Anchor { return nil },
		Birth:  func() *pb.State { return &pb.State{Boot: j.Tip().Boot, BootId: "test", Series: j.Declared()} },
		Log:    logTo(t, dir, "uplink"),
		Timing: uplink.Timing{MinResend: 20 * time.Millisecond, MaxResend: 200 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	up, down := context.WithCancel(context.Background())
	running(t, down, func() error { return u.Run(up) }, func() error { return j.Run(up) })
	rig.Must(t, patience, "the backlog but its poison to be committed", func() (bool, error) { return h.intake.Status().Blocks == last-6, nil })
	for range 40 {
		last = one()
	}
	settled := func() {
		t.Helper()
		rig.Must(t, patience, "all but the poison to be committed, and that to be refused", func() (bool, error) {
			return h.intake.Status().Blocks == last-uint64(len(p.blocks)) && u.Status().Refused == uint64(len(p.blocks)), nil
		})
	}
	settled()

	list, err := h.intake.Quarantine(t.Context(), gateway, 1000)
	if err != nil {
		t.Fatal(err)
	}
	times, named := map[int64]uint64{}, map[uint64]bool{}
	for _, q := range list {
		times[q.ID] = q.Times
		if q.First != 0 {
			named[q.First] = true
			if q.First != q.Last || p.blocks[q.First] == nil || q.Reason == "" || q.Bytes == 0 {
				t.Errorf("in quarantine is %+v: want single poisoned blocks with their reason", q)
			}
		}
	}
	if len(named) != len(p.blocks) {
		t.Errorf("in quarantine are blocks %v: want each of %d", named, len(p.blocks))
	}
	if s := u.Status(); s.RefusedWhy == "" {
		t.Errorf("the gateway does not say why: %+v", s)
	}
	// It goes on, without sending them again, and keeps them.
	for range 40 {
		last = one()
	}
	settled()
	again, err := h.intake.Quarantine(t.Context(), gateway, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range again {
		if times[q.ID] != q.Times {
			t.Errorf("block %d came %d times, and was refused after %d", q.First, q.Times, times[q.ID])
		}
	}
	for n := range p.blocks {
		if run, err := j.Read(1, n, 1, 1<<20); err != nil || run.First != n || len(run.Blocks) != 1 {
			t.Errorf("the gateway has forgotten block %d, which the hub has refused: %v", n, err)
		}
	}
	t.Logf("%d of %d blocks refused; %d messages in quarantine", len(p.blocks), last, len(again))
}
