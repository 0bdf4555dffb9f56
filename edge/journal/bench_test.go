package journal

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"frostline/proto/reading"
)

// bench opens a journal with defaults.
func bench(b *testing.B, dir string, series int) (*Journal, []uint32) {
	b.Helper()
	j, err := Open(filepath.Join(dir, "journal"), "van-1", Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { j.Close() })
	var ids []uint32
	for i := range series {
		id, err := j.Series(Series{Sensor: fmt.Sprint("s", i), Quantity: reading.Temperature, Interval: time.Second})
		if err != nil {
			b.Fatal(err)
		}
		ids = append(ids, id)
	}
	return j, ids
}

func sample(ids []uint32, tick int64, n int) (out []reading.Reading) {
	for range n / len(ids) {
		tick += 1000
		for i, id := range ids {
			out = append(out, reading.Reading{Series: id, Tick: tick, Value: 4000 + (tick/1000*7919+int64(i)*31)%23})
		}
	}
	return out
}

// BenchmarkAppend commits readings of 20 series, so many at a time, to an ext4
// file system of its own, and reports what reaches the block device for each
// reading, with the file system's journal. Without root it goes to the
// temporary directory, and that is left out.
func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{20, 60, 600} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dir, sectors := b.TempDir(), func() int64 { return 0 }
			if os.Getuid() == 0 {
				v := ext4(b, 256<<20)
				dir, sectors = v.dir, v.sectors
			}
			j, ids := bench(b, dir, 20)
			tick := int64(0)
			put := func() {
				r := sample(ids, tick, n)
				tick = r[len(r)-1].Tick
				if _, err := j.Append(context.Background(), r, nil); err != nil {
					b.Fatal(err)
				}
			}
			put()
			before := sectors()
			for b.Loop() {
				put()
			}
			total := float64(b.N) * float64(n)
			if before > 0 {
				b.ReportMetric(float64(sectors()-before)*512/total, "device-B/reading")
			}
			b.ReportMetric(float64(j.Stats().Bytes)/total, "kept-B/reading")
			b.ReportMetric(total/b.Elapsed().Seconds(), "readings/s")
		})
	}
}

// BenchmarkRead reads a backlog of 576,000 readings through, as the uplink does.
func BenchmarkRead(b *testing.B) {
	j, ids := bench(b, b.TempDir(), 20)
	tick, total := int64(0), 0
	for total < 576_000 {
		r := sample(ids, tick, 6000)
		tick = r[len(r)-1].Tick
		if _, err := j.Append(context.Background(), r, nil); err != nil {
			b.Fatal(err)
		}
		total += len(r)
	}
	for b.Loop() {
		for from := uint64(1); ; {
			run, err := j.Read(1, from, 1000, 1<<20)
			if err != nil {
				b.Fatal(err)
			}
			if len(run.Blocks) == 0 {
				break
			}
			from += uint64(len(run.Blocks))
		}
	}
	b.ReportMetric(float64(total)*float64(b.N)/b.Elapsed().Seconds(), "readings/s")
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapInuse)/1e6, "heap-MB")
}
