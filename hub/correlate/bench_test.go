package correlate

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"frostline/hub/fact"
	"frostline/hub/history"
	"frostline/hub/intake/batch"
	"frostline/hub/store/storetest"
	"frostline/proto/thermal"
	"frostline/proto/truetime"
)

const day = 86_400_000

// fleet fills a rig with packages in compartments, each with one sensor of a
// gateway of its own, from noon on.
func fleet(r *rig, compartments, packages int) {
	p, err := thermal.Named("refrigerated")
	if err != nil {
		r.t.Fatal(err)
	}
	n := int64(0)
	tell := func(typ, stream string, data any) {
		n++
		r.journal.deliver(made(fmt.Sprint("e", n), n, noon, typ, stream, data))
	}
	tell(fact.ProfileDefined, "profile/"+p.ID, fact.ProfileRecord{Profile: p})
	for c := range compartments {
		in := ref(fmt.Sprintf("compartment/C%d", c))
		s := fmt.Sprintf("g%d/s0", c)
		tell(fact.WasAttached, "sensor/"+s, fact.Attached{ID: "s" + fmt.Sprint(c), Subject: sensorRef(s), In: &in, At: noon - 1000, Made: noon, Via: "scan"})
	}
	for i := range packages {
		in := ref(fmt.Sprintf("compartment/C%d", i%compartments))
		id := fmt.Sprintf("P%05d", i)
		at := int64(noon + i/compartments) // no two of a compartment at one instant
		tell(fact.PackageWasPacked, "package/"+id, fact.PackagePacked{ID: id, Profile: p.ID, At: at, Made: at})
		tell(fact.WasAttached, "package/"+id, fact.Attached{ID: "p" + fmt.Sprint(i), Subject: ref("package/" + id), In: &in, At: at, Made: at, Via: "scan"})
	}
}

// readings are n readings of gateway g from UTC noon+from, step ms apart.
func readings(g int, from, step int64, n int) *batch.Batch {
	c := batch.Column{}
	for i := range int64(n) {
		c.Ticks = append(c.Ticks, from+i*step)
		c.Values = append(c.Values, 4500+(from/step+i)*7%40*25)
	}
	return &batch.Batch{Gateway: fmt.Sprint("g", g), Epoch: 1, Boots: []batch.Boot{{Boot: 1, Columns: []batch.Column{c}}}}
}

func anchored(b *batch.Batch) *batch.Batch {
	b.Events = append(b.Events, anchor(1, truetime.Anchor{UTC: noon, Uncertainty: 20, Source: truetime.NTP}))
	return b
}

// merged moves all readings into chunks: what is read then is read from the
// store.
func (r *rig) merged(readings int) {
	h, err := history.New(context.Background(), history.Options{Store: r.db, Evidence: r.record, Series: names{}, Log: storetest.Logger(r.t),
		HeadReadings: max(1024, readings/64), MergeEvery: time.Second})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	for h.Status().Head > 0 {
		time.Sleep(10 * time.Millisecond) // until it has merged
	}
	stop()
	if err := <-done; err != nil {
		r.t.Fatal(err)
	}
	r.start()
}

// thirtyDays is a rig with one package of 30 days of readings every 10 s, all in
// the store.
func thirtyDays(b *testing.B, packages int) *rig {
	r := newRig(b, storetest.Open(b, storetest.SQLite(b)))
	fleet(r, 1, packages)
	r.commit(anchored(readings(0, 0, 10_000, 1)))
	for d := range int64(30) {
		bt := readings(0, d*day+10_000, 10_000, day/10_000)
		for h := range int64(24) {
			bt.Events = append(bt.Events, anchor(1, truetime.Anchor{At: d*day + h*3_600_000, UTC: noon + d*day + h*3_600_000, Uncertainty: 20, Source: truetime.NTP}))
		}
		r.commit(bt)
	}
	r.now = noon + 30*day + 15_000
	r.merged(30 * day / 10_000)
	return r
}

// BenchmarkVerdict30Days judges a package of 30 days from cold: no reading is
// in memory. Evaluate is the baseline: the same by the evaluator alone.
func BenchmarkVerdict30Days(b *testing.B) {
	r := thirtyDays(b, 1)
	j, err := r.engine.Judgements(b.Context(), "P00000")
	if err != nil || j.Judgements[0].Verdict.Outcome != thermal.InRange || j.Judgements[0].Verdict.Monitored < 29*day {
		b.Fatal(j, err)
	}
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			if _, err := r.engine.Judgements(b.Context(), "P00000"); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/verdict")
	})
	b.Run("evaluate", func(b *testing.B) {
		p, _ := thermal.Named("refrigerated")
		for b.Loop() {
			if _, err := thermal.Evaluate(&p, &j.Judgements[0].History); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkChart30Days draws 30 days for a phone.
func BenchmarkChart30Days(b *testing.B) {
	r := thirtyDays(b, 1)
	size := 0
	for b.Loop() {
		c, err := r.engine.Chart(b.Context(), "P00000", "", 0, 0, 360)
		if err != nil {
			b.Fatal(err)
		}
		out, err := json.Marshal(c)
		if err != nil {
			b.Fatal(err)
		}
		size = len(out)
	}
	b.ReportMetric(float64(size), "B/chart")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/chart")
	if size > 20_000 {
		b.Errorf("chart of %d bytes, want at most 20,000", size)
	}
}

// BenchmarkLive10000Packages evaluates readings for 10,000 packages in 200
// compartments as they come, each compartment's sensor every second, 10 s in a
// block. A reading counts once, however many packages it is evaluated for.
func BenchmarkLive10000Packages(b *testing.B) {
	for _, excited := range []bool{false, true} {
		b.Run(map[bool]string{false: "calm", true: "excursion"}[excited], func(b *testing.B) {
			r := newRig(b, storetest.Open(b, storetest.SQLite(b)))
			const compartments, packages, block = 200, 10_000, 10
			fleet(r, compartments, packages)
			feed := func(i int64) {
				for g := range compartments {
					bt := readings(g, i*block*1000, 1000, block)
					if i == 0 {
						anchored(bt)
					} else if excited {
						for k := range bt.Boots[0].Columns[0].Values {
							bt.Boots[0].Columns[0].Values[k] += 6000
						}
					}
					r.commit(bt)
				}
			}
			feed(0)
			r.now = noon + block*1000
			r.settle()
			for i := int64(1); i < 3; i++ { // into the excursion
				feed(i)
				r.now += block * 1000
				r.settle()
			}
			was := r.engine.Status()
			if was.Open != packages {
				b.Fatalf("%d packages are followed", was.Open)
			}
			i := int64(3)
			b.ResetTimer()
			for b.Loop() {
				b.StopTimer()
				feed(i)
				i++
				r.now += block * 1000
				b.StartTimer()
				if err := r.engine.drain(b.Context()); err != nil {
					b.Fatal(err)
				}
				if _, err := r.engine.judgeSome(b.Context(), time.Minute); err != nil {
					b.Fatal(err)
				}
			}
			is := r.engine.Status()
			b.ReportMetric(float64(is.Readings-was.Readings)/b.Elapsed().Seconds(), "readings/s")
			b.ReportMetric(float64(is.Evaluated-was.Evaluated)/b.Elapsed().Seconds(), "package-readings/s")
			b.ReportMetric(float64(is.Judged-was.Judged)/float64(b.N), "judged/op")
		})
	}
}

// BenchmarkLateBlock revises the 50 packages of a compartment by a block of
// eight hours that comes late: from its commit until all verdicts are told.
func BenchmarkLateBlock(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		r := newRig(b, storetest.Open(b, storetest.SQLite(b)))
		fleet(r, 1, 50)
		r.commit(anchored(readings(0, 0, 10_000, 8640)))
		const hours = 8 * 360 // readings
		late := readings(0, day, 10_000, hours)
		for k := range 100 {
			late.Boots[0].Columns[0].Values[1000+k] += 9000
		}
		r.commit(readings(0, day+hours*10_000, 10_000, 6*8640))
		r.now = noon + 7*day + hours*10_000
		r.settle()
		was := r.engine.Status().Revisions
		b.StartTimer()
		r.commit(late)
		if err := r.engine.Settle(b.Context()); err != nil {
			b.Fatal(err)
		}
		if n := r.engine.Status().Revisions - was; n != 50 {
			b.Fatalf("%d verdicts were revised", n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/block")
}
