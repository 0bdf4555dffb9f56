package chaos

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"frostline/edge/journal"
	"frostline/hub/broker"
	"frostline/hub/history"
	"frostline/hub/intake/batch"
	"frostline/proto/block"
	"frostline/proto/pb"
	"frostline/proto/reading"
)

// TestPromise1ADayOfOperation lives through a day of a van in a minute or two:
// the gateway's own parts on a clock that jumps, on a disk whose power can fail,
// against the real hub over a link that can. Links are cut, fall silent and break
// in mid-packet; the hub is killed; a broker drops, doubles and delays; the power
// is cut; the disk is full; sensors fail; the system clock is stepped by years,
// and a source of time lies; a segment is damaged while the hub does not have it.
// Doors open, it gets too warm, packages are scanned, the configuration changes.
//
// In the end `frostline account` adds up, the journal and the chain at the hub
// verify, and a naive account of what each sensor said at each instant finds every
// reading: at the hub, once and with its value and true time, or in a declared
// gap, or not yet kept when the power went.
func TestPromise1ADayOfOperation(t *testing.T) {
	t.Parallel()
	began := time.Now()
	c := seeded(t)
	disk := filepath.Join(folder(t), "disk")
	d := &day{
		clocks: c.fork("clocks"), began: map[uint32]int64{}, broken: map[string]int{}, series: map[uint32]name{}, said: map[place]taken{}, kept: map[place]uint64{},
		held: map[place]bool{}, dark: map[place]bool{}, scans: map[string]uint64{}, tally: map[string]int{},
		wrong: time.Date(2019, 3, 1, 0, 0, 0, 0, time.UTC).UnixMilli(), now: time.Date(2026, 9, 14, 0, 0, 0, 0, time.UTC).UnixMilli(),
	}
	d.site = build(t, c, layout{gateways: 1, dirs: func(of string) string {
		if of == "hub" {
			return filepath.Join(filepath.Dir(disk), of)
		}
		d.volume = mountDisk(t, disk)
		return filepath.Join(disk, "data")
	}})
	d.gateway, d.log = d.gateways[0], logTo(t, d.dir, "gateway")
	for i := range 5 {
		d.probes = append(d.probes, &probe{d, fmt.Sprint("box-", i), reading.Temperature})
	}
	d.probes = append(d.probes, &probe{d, "door-6", reading.Door})
	midnight := d.now
	length := int64(24 * 3_600_000)
	if testing.Short() {
		length /= 4
	}
	for leg := 0; d.now < midnight+length; leg++ {
		d.leg(leg, midnight+length)
	}
	d.ends(time.Since(began))
}

// leg is the time from one start of the gateway to its end, and a while that it
// is off.
func (d *day) leg(n int, until int64) {
	d.Helper()
	d.lie = n % 3
	d.mu.Lock()
	d.warm = n%4 == 1
	d.mu.Unlock()
	interval := []time.Duration{10 * time.Second, 30 * time.Second, 20 * time.Second}[d.below(3)]
	v := d.starts(interval)
	d.must(v.tell(&pb.Event{AtMs: v.clock.Now(), Kind: &pb.Event_ConfigApplied{ConfigApplied: &pb.ConfigApplied{Version: fmt.Sprint(n), Digest: strings.Repeat("0", 64)}}}))
	lying := func() {}
	if n%4 == 2 {
		lying = d.brokerLies()
	}
	length := min(int64(d.between(2*time.Hour, 4*time.Hour)/time.Millisecond), until-d.now)
	full := filepath.Join(d.volume.dir, "fill")
	for end := v.clock.Now() + length; v.clock.Now() < end; {
		d.fault(v, full)
		d.must(v.clock.RunUntil(context.Background(), min(v.clock.Now()+600_000, end)))
		d.settled(v)
	}
	d.gateway.link.Restore()
	if err := os.Remove(full); err == nil {
		d.await("what was in memory to be kept", func() (bool, error) { d.settled(v); return len(d.held) == 0, nil })
	}
	cut := n%2 == 0
	if cut {
		d.tally["power cut"]++
		cutAt := time.AfterFunc(d.between(0, 40*time.Millisecond), func() { d.must(d.volume.cut()) })
		d.must(v.clock.RunUntil(context.Background(), v.clock.Now()+600_000))
		if cutAt.Stop() {
			d.must(d.volume.cut())
		}
	}
	d.mu.Lock()
	d.now = d.truth(v.clock.Now()) + int64(d.between(time.Minute, 20*time.Minute)/time.Millisecond)
	d.mu.Unlock()
	v.stop()
	v.offline()
	err := v.journal.Close()
	lying()
	if cut {
		// What was said in the dark, or is in memory alone, is nowhere.
		maps.Copy(d.dark, d.held)
		clear(d.held)
		d.must(d.volume.power())
	} else {
		d.must(err)
		if n%3 == 1 {
			d.damage()
		}
	}
	d.must(d.hub.start())
}

// settled notes that what was in memory alone is kept.
func (d *day) settled(v *van) {
	if s := v.journal.Stats(); s.HeldReadings == 0 {
		d.mu.Lock()
		for p := range d.held {
			d.kept[p] = 0
		}
		clear(d.held)
		d.mu.Unlock()
	}
}

// fault does something to the gateway, or undoes it.
func (d *day) fault(v *van, full string) {
	d.Helper()
	link := d.gateway.link
	what := []string{"link cut", "link silent", "cut in mid-packet", "link restored", "hub killed", "disk full", "disk freed", "sensor fails", "sensors heal", "clock step", "scan", "nothing"}[d.below(12)]
	d.tally[what]++
	switch what {
	case "link cut":
		link.Cut()
	case "link silent":
		link.Stall()
	case "cut in mid-packet":
		link.CutAfter(int64(d.below(3000)))
	case "link restored":
		link.Restore()
	case "hub killed":
		d.must(d.hub.kill())
		if !d.lies {
			d.must(d.hub.start())
		}
	case "disk full":
		d.fill(full)
	case "disk freed":
		_ = os.Remove(full) // if it was full
	case "sensor fails":
		d.mu.Lock()
		d.broken[d.probes[d.below(5)].id] = 1 + d.below(3)
		d.mu.Unlock()
	case "sensors heal":
		d.mu.Lock()
		clear(d.broken)
		d.mu.Unlock()
	case "clock step":
		v.clock.StepUTC(d.between(-tenYears, tenYears))
	case "scan":
		id := fmt.Sprint("scan-", d.tally["scan"])
		k, err := v.journal.Append(context.Background(), nil, []*pb.Event{{AtMs: v.clock.Now(), Kind: &pb.Event_Scan{Scan: &pb.Scan{
			Id: id, Raw: []byte(id), Kind: 1, Value: id, Action: 1, Target: "compartment/van-1-a",
		}}}})
		if err == nil {
			d.scans[id] = k.First
		} else if !errors.Is(err, journal.ErrHeld) {
			d.Errorf("append: %v", err)
		}
	}
}

// brokerLies has a hub in this process and a broker that lies take the place of
// the real hub, until the result is called.
func (d *day) brokerLies() (ends func()) {
	d.Helper()
	d.tally["broker lies"]++
	d.await("the hub to answer", d.answers)
	d.must(d.hub.stop())
	d.lies = true
	l := &liar{chance: d.fork("liar")}
	h := openHub(d.TB, d.hubData(), l, logTo(d.TB, d.dir, "lying-hub"))
	server, err := h.ca.Server([]string{"127.0.0.1"})
	d.must(err)
	b, err := broker.NewEmbedded(broker.EmbeddedConfig{
		Listen: d.mqtt, Dir: filepath.Join(d.dir, fmt.Sprint("broker-", d.boots)), TLS: h.ca.BrokerTLS(server), Authorizer: h.access, Log: logTo(d.TB, d.dir, "broker"),
	})
	d.must(err)
	l.intake, l.broker = h.intake, b
	stopHub := h.start(d.TB)
	ctx, cancel := context.WithCancel(context.Background())
	stopBroker := running(d.TB, cancel, func() error { return b.Run(ctx, l.handle) })
	<-b.Ready()
	return func() {
		stopBroker()
		stopHub()
		h.close(d.TB)
		d.lies = false
		d.tally["messages dropped"] += l.dropped
		d.tally["messages doubled or late"] += l.doubled + l.delayed
	}
}

// damage garbles pages of a segment that is closed.
func (d *day) damage() {
	d.Helper()
	names, err := filepath.Glob(filepath.Join(d.gateway.journal(), "*.db"))
	d.must(err)
	if len(names) < 2 {
		return
	}
	slices.Sort(names)
	path := names[d.below(len(names)-1)] // not the newest
	st, err := os.Stat(path)
	d.must(err)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	d.must(err)
	for range 3 {
		garbage := make([]byte, 4096)
		for i := range garbage {
			garbage[i] = byte(d.below(256))
		}
		_, err = f.WriteAt(garbage, (2+int64(d.below(int(st.Size()/4096)-2)))*4096)
		d.must(err)
	}
	d.must(f.Close())
	d.tally["segment damaged"]++
}

// ends starts the gateway once more, has it hand over what it has, and counts.
func (d *day) ends(took time.Duration) {
	d.Helper()
	d.gateway.link.Restore()
	clear(d.broken)
	d.must(d.hub.start())
	v := d.starts(10 * time.Second)
	d.must(v.clock.RunUntil(context.Background(), v.clock.Now()+600_000))
	d.await("all to be with the hub", func() (bool, error) {
		return v.journal.Stats().PendingBlocks == 0, fmt.Errorf("journal %+v", v.journal.Stats())
	})
	tip := v.journal.Tip()
	d.await("the account to add up", func() (bool, error) {
		tip = v.journal.Tip() // losses are told in blocks of their own
		as, err := d.account()
		if err != nil {
			return false, err
		}
		a := as[len(as)-1]
		return a.Last == tip.Last && a.Pending == 0 && a.Produced == tip.Readings && a.Produced == a.Committed+a.Gaps, fmt.Errorf("account %+v, tip %+v", a, tip)
	})
	as, err := d.account()
	d.must(err)
	d.Logf("a day in %v: account %+v", took.Round(time.Second), as[len(as)-1])
	v.stop()
	v.offline()
	d.must(v.journal.Close())
	_, err = d.run("frostline-edge", "journal", "verify", d.gateway.journal())
	d.must(err)
	d.exported()
	d.must(d.hub.stop())
	h := d.lookBack(d.hubData())
	h.audit(d.TB)
	if r := h.ranges(d.TB, d.gateway.id, tip.Epoch); len(r) == 0 || r[len(r)-1].last != tip.Last || r[len(r)-1].head != tip.Head {
		d.Errorf("the chain at the hub ends with %+v, the gateway's with block %d, %s", r, tip.Last, tip.Head)
	}
	d.count(h)
	d.Logf("faults: %v", d.tally)
}

// exported checks the journal as a file that travels.
func (d *day) exported() {
	d.Helper()
	file := filepath.Join(d.dir, "day.journal")
	o, err := journal.LookAt(d.gateway.journal())
	d.must(err)
	f, err := os.Create(file)
	d.must(err)
	_, err = o.Export(f, "test", ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	d.must(err)
	d.must(f.Close())
	_, err = d.run("frostline-edge", "journal", "verify", file)
	d.must(err)
}

// count compares the hub's evidence with what the sensors said.
func (d *day) count(h *hub) {
	d.Helper()
	const show = 8
	bad := 0
	wrong := func(format string, a ...any) {
		d.Helper()
		if bad++; bad <= show {
			d.Errorf(format, a...)
		}
	}
	gaps, scans, alarms, lost := []*pb.Gap{}, map[string]int{}, 0, uint64(0)
	d.must(h.intake.Replay(d.Context(), 0, func(b *batch.Batch) error {
		for _, e := range b.Events {
			switch {
			case e.Event.GetGap() != nil:
				gaps = append(gaps, e.Event.GetGap())
			case e.Event.GetScan() != nil:
				scans[e.Event.GetScan().Id]++
			case e.Event.GetAlarm() != nil:
				alarms++
			}
		}
		return nil
	}))
	for i, g := range gaps { // of those stated again the widest counts
		if g.First == 0 || !slices.ContainsFunc(gaps[i+1:], func(o *pb.Gap) bool { return o.First > 0 && o.First <= g.First && g.Last <= o.Last }) {
			lost += g.Readings
		}
	}
	declared := func(number uint64) bool {
		return slices.ContainsFunc(gaps, func(g *pb.Gap) bool { return g.First <= number && number <= g.Last })
	}
	have := map[place]taken{}
	for p, x := range h.evidence(d.TB, d.gateway.id) { // which wants none twice
		p.epoch = 0
		have[p] = x
		if want, ok := d.said[p]; !ok {
			wrong("the hub has %+v at %+v, and no sensor has said that", x, p)
		} else if x != want && (want.quality.HasValue() || x.quality != want.quality) {
			wrong("the hub has %+v at %+v; the sensor said %+v", x, p, want)
		}
	}
	var missing, dark uint64
	for p := range d.said {
		number, kept := d.kept[p]
		switch _, there := have[p]; {
		case there:
		case kept && (number == 0 || declared(number)):
			missing++
		case !kept && d.dark[p]:
			dark++
		default:
			wrong("%+v is not at the hub: kept %v, in block %d", p, kept, number)
		}
	}
	for _, g := range gaps { // less what the hub had taken, and could not say in time
		for _, r := range h.ranges(d.TB, d.gateway.id, 1) {
			d.must(h.intake.Blocks(d.Context(), d.gateway.id, 1, max(g.First, r.first), min(g.Last, r.last), func(_ uint64, raw []byte) error {
				b, err := block.Decode(raw)
				if err == nil {
					lost -= uint64(len(b.Readings))
				}
				return err
			}))
		}
	}
	if missing != lost {
		wrong("%d readings are missing, %d are declared lost: %v", missing, lost, gaps)
	}
	for id, number := range d.scans {
		if scans[id] != 1 && !(scans[id] == 0 && declared(number)) {
			wrong("scan %s was kept in block %d, and is at the hub %d times", id, number, scans[id])
		}
	}
	if alarms == 0 {
		wrong("it was too warm, and nobody was alarmed")
	}
	dated := d.dates(h, wrong)
	d.Logf("%d readings said: %d at the hub, %d of them dated, %d declared lost, %d not kept yet in %d power cuts; %d scans, %d steps of alarms",
		len(d.said), len(have), dated, missing, dark, d.tally["power cut"], len(d.scans), alarms)
}

// dates wants true time inside what history says, and order.
func (d *day) dates(h *hub, wrong func(string, ...any)) (dated int) {
	for _, p := range d.probes {
		last := int64(math.MinInt64)
		key := history.Key{Gateway: d.gateway.id, Sensor: p.id, Quantity: p.quantity}
		d.must(h.history.Readings(d.Context(), key, earliest, latest, func(r history.Reading) error {
			dated++
			truth := d.began[r.Boot] + r.Tick + r.Tick*60/1_000_000
			if off := max(r.UTC-truth, truth-r.UTC); off > r.Uncertainty || r.Conflict && r.Uncertainty < 1000 {
				wrong("%s, boot %d, tick %d is dated %d ms off, and claims %d", p.id, r.Boot, r.Tick, off, r.Uncertainty)
			}
			if r.UTC < last {
				wrong("%s, boot %d, tick %d comes before an earlier one", p.id, r.Boot, r.Tick)
			}
			last = r.UTC
			return nil
		}))
	}
	return dated
}
