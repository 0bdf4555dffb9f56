package panel

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"frostline/proto/reading"
)

// counted is a Source that counts how often it is asked.
type counted struct {
	switched
	asked atomic.Int64
}

func (c *counted) Snapshot(ctx context.Context) (Snapshot, error) {
	c.asked.Add(1)
	return c.switched.Snapshot(ctx)
}

// TestFeedTellsWhatChanged: a page is told everything once, then what changed, and
// nothing where nothing did.
func TestFeedTellsWhatChanged(t *testing.T) {
	source := &counted{}
	source.set(van())
	p := NewPage("van-14", source, quiet())
	var page told
	next := func() change {
		t.Helper()
		p.stale()
		f, err := p.frame(t.Context(), faces["driver"], english)
		if err != nil {
			t.Fatal(err)
		}
		return page.update(f)
	}
	if c := next(); len(c.Parts) != 6 || c.Title != "In range · van-14" || !slices.Equal(c.Order["boxes"], []string{"box-van-14-a", "box-van-14-b", "box-van-14-f"}) {
		t.Errorf("at first: %+v", c)
	}
	if b := string(event(next())); b != "data: {}\n\n" {
		t.Errorf("without a change: %s", b)
	}
	s := van()
	s.at(1, 4_900)
	source.set(s)
	if c := next(); len(c.Parts) != 1 || !strings.Contains(c.Parts["box-van-14-b"], "4.9") || c.Order != nil {
		t.Errorf("after one temperature: %+v", c)
	}
	source.set(inFace("out"))
	c := next()
	if c.Order["boxes"][0] != "box-van-14-b" || c.State != Bad || c.Class != "busy" || c.Parts["steps"] == "" || c.Parts["box-van-14-a"] != "" {
		t.Errorf("after an alarm: %+v", c)
	}
	source.set(van())
	if c := next(); !slices.Equal(c.Order["main"], []string{"verdict"}) || c.Class != "calm" {
		t.Errorf("after it: %+v", c)
	}
	bare := inFace("unwatched")
	bare.Sensors = nil
	source.set(bare)
	if c := next(); c.Order["boxes"] == nil || len(c.Order["boxes"]) != 0 {
		t.Errorf("a container that has become empty is not told: %+v", c.Order)
	}
}

// TestPagesShareOneRendering: however many look, the gateway is asked once a
// second.
func TestPagesShareOneRendering(t *testing.T) {
	source := &counted{}
	source.set(van())
	p := NewPage("van-14", source, quiet())
	h := p.Handler()
	for range 20 {
		if r := get(t, h, "/driver", nil); r.StatusCode != http.StatusOK {
			t.Fatal(r.StatusCode)
		}
	}
	if n := source.asked.Load(); n > 3 {
		t.Errorf("20 visits at once asked %d times", n)
	}
}

// TestEventIsOneLine: whatever a part has in it, an event is framed by its end.
func TestEventIsOneLine(t *testing.T) {
	b := string(event(change{Parts: map[string]string{"a": "x\n\r\n\ndata: y\u2028"}}))
	if strings.Count(b, "\n") != 2 || strings.Contains(b, "\r") || !strings.HasSuffix(b, "\n\n") {
		t.Errorf("got %q", b)
	}
	var c change
	if err := json.Unmarshal([]byte(strings.TrimPrefix(b, "data: ")), &c); err != nil {
		t.Error(err)
	}
}

// BenchmarkFrame renders the wall of 50 zones whose temperatures all change, as
// once a second while somebody looks.
func BenchmarkFrame(b *testing.B) {
	for _, name := range []string{"wall", "driver", "details"} {
		b.Run(name, func(b *testing.B) {
			s := big(50)
			p := NewPage(s.Gateway, nil, quiet())
			p.Courses(drawn(s))
			source := &switched{}
			p.source = source
			b.ReportAllocs()
			for i := range b.N {
				x := s
				x.Guard.Watches = slices.Clone(s.Guard.Watches)
				x.Sensors = slices.Clone(s.Sensors)
				for k := range x.Guard.Watches {
					v := int64(4_000 + (i*37+k*11)%3000)
					x.Guard.Watches[k].Value = temperature(v)
					l := sound(reading.Temperature, v, 400)
					l.Series = s.Sensors[k].Last[0].Series
					x.Sensors[k].Last = []Last{l}
				}
				x.Clock.BoottimeMs += int64(i) * 1000
				source.set(x)
				p.stale()
				if _, err := p.frame(context.Background(), faces[name], english); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func ExampleSettings() {
	fmt.Println(Settings{}.clock(1_789_482_123_000))
	// Output: 14:22 UTC
}
