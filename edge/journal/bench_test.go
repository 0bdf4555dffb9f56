package journal

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"frostline/proto/reading"
)

// bench opens a journal in b's directory, with defaults.
func bench(b *testing.B, series int) (*Journal, []uint32) {
	b.Helper()
	j, err := Open(b.TempDir(), "van-1", Options{})
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

// written is what this process has sent to block devices, in bytes.
func written(b *testing.B) (n int64) {
	b.Helper()
	io, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Skip("no /proc/self/io: ", err)
	}
	var rchar, wchar, syscr, syscw, read int64
	if _, err := fmt.Sscanf(string(io), "rchar: %d\nwchar: %d\nsyscr: %d\nsyscw: %d\nread_bytes: %d\nwrite_bytes: %d", &rchar, &wchar, &syscr, &syscw, &read, &n); err != nil {
		b.Fatal(err)
	}
	return n
}

// BenchmarkAppend commits readings of 20 series, so many at a time, and reports
// what goes to the disk for each, without the file system's own journal.
func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{20, 60, 600} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			j, ids := bench(b, 20)
			tick, before := int64(0), written(b)
			for b.Loop() {
				r := sample(ids, tick, n)
				tick = r[len(r)-1].Tick
				if _, err := j.Append(context.Background(), r, nil); err != nil {
					b.Fatal(err)
				}
			}
			total := float64(b.N) * float64(n)
			b.ReportMetric(float64(written(b)-before)/total, "disk-B/reading")
			b.ReportMetric(float64(j.Stats().Bytes)/total, "kept-B/reading")
			b.ReportMetric(total/b.Elapsed().Seconds(), "readings/s")
		})
	}
}

// BenchmarkRead reads a backlog of 576,000 readings through, as the uplink does.
func BenchmarkRead(b *testing.B) {
	j, ids := bench(b, 20)
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
}
