package influx

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/influxdata/influxdb-client-go/v2/api/write"
	"github.com/klauspost/compress/zstd"

	"frostline/hub/intake/batch"
	"frostline/proto/reading"
	"frostline/proto/truetime"
)

// lines adds a line for each reading of a column.
func (w *Writer) lines(to []string, b *batch.Batch, c *batch.Column, t *truetime.Timeline) []string {
	m, ok := w.o.Meaning(b.Gateway, b.Epoch, c.Series)
	if !ok {
		m = Meaning{Sensor: "series-" + strconv.FormatUint(uint64(c.Series), 10)}
	}
	tags := map[string]string{"gateway": b.Gateway, "sensor": m.Sensor}
	name := m.Quantity.String()
	if !ok {
		name = "unknown"
	}
	_, decimals := m.Quantity.Unit()
	scale := 1.0
	for range decimals {
		scale *= 10
	}
	c.Each(func(tick, value int64, q reading.Quality) {
		at, ok := t.Resolve(tick)
		if !ok {
			return // beyond any clock: nothing real has such a tick
		}
		fields := map[string]any{"uncertainty_ms": at.Uncertainty}
		if q == reading.OK {
			fields["value"] = float64(value) / scale
		} else {
			fields["flaw"] = q.String()
		}
		line := write.PointToLineProtocol(write.NewPoint(name, tags, fields, time.UnixMilli(at.UTC)), time.Millisecond)
		to = append(to, strings.TrimSuffix(line, "\n"))
	})
	return to
}

var (
	encoder, _ = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	decoder, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
)

func pack(lines []string) []byte { return encoder.EncodeAll([]byte(strings.Join(lines, "\n")), nil) }

func unpack(b []byte) ([]string, error) {
	text, err := decoder.DecodeAll(b, nil)
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return strings.Split(string(text), "\n"), nil
}
