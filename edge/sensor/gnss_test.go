package sensor

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"frostline/proto/reading"
	"frostline/proto/truetime"
)

// tpv is a fix as gpsd reports it.
type tpv struct {
	Mode int      `json:"mode"`
	Time string   `json:"time"`
	Lat  *float64 `json:"lat"`
	Lon  *float64 `json:"lon"`
}

func readTPV(t *testing.T, name string) (out []tpv) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "gnss", "testdata", "nmea", name+".tpv.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for l := range bytes.Lines(b) {
		var v tpv
		if err := json.Unmarshal(l, &v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

func near(aLat, aLon, bLat, bLon int64) bool {
	d := func(a, b int64) int64 { return max(a-b, b-a) }
	return d(aLat, bLat) <= 1 && d(aLon, bLon) <= 1
}

// Every position we take from a recording is one that gpsd takes, and every one
// gpsd takes from sentences we know is one of ours.
func TestRecordedReceivers(t *testing.T) {
	for name, want := range map[string]struct{ fixes, bad bool }{
		"ublox-neo-m9n-nmea":           {fixes: true},
		"gps-360":                      {fixes: true},
		"telit-pls83-w":                {fixes: true},
		"gp-320fw-2019-04-07-coldboot": {fixes: true, bad: true},
		"quectel-eg25-g":               {fixes: true, bad: true},
		"bu303-moving":                 {}, // SiRF binary
		"bu303-nofix":                  {},
	} {
		t.Run(name, func(t *testing.T) {
			log, err := os.ReadFile(filepath.Join("..", "gnss", "testdata", "nmea", name+".log"))
			if err != nil {
				t.Fatal(err)
			}
			var theirs [][2]int64
			times := map[string]bool{}
			for _, v := range readTPV(t, name) {
				if v.Lat != nil && v.Lon != nil {
					theirs = append(theirs, [2]int64{int64(math.Round(*v.Lat * 1e7)), int64(math.Round(*v.Lon * 1e7))})
				}
				times[v.Time] = true
			}
			var (
				tr     track
				cutter sentences
				ours   [][2]int64
			)
			cutter.feed(log, func(s string) {
				c, ok := tr.take(s, 1000)
				if f, valid := tr.best(1000); valid {
					ours = append(ours, [2]int64{f.lat, f.lon})
				}
				if ok && !strings.HasPrefix(name, "gp-320") { // gpsd mends the week rollover there
					at := fmt.Sprintf("20%02d-%02d-%02dT%02d:%02d:%02d.%03dZ", c.date.YY, c.date.MM, c.date.DD, c.time.Hour, c.time.Minute, c.time.Second, c.time.Millisecond)
					if !times[at] {
						t.Errorf("time %s is not gpsd's", at)
					}
				}
			})
			within := func(p [2]int64, of [][2]int64) bool {
				for _, q := range of {
					if near(p[0], p[1], q[0], q[1]) {
						return true
					}
				}
				return false
			}
			for _, p := range ours {
				if !within(p, theirs) && p != ours[len(ours)-1] { // gpsd does not report the last, broken off cycle
					t.Errorf("position %v is not gpsd's", p)
				}
			}
			missed := 0
			for _, p := range theirs {
				if !within(p, ours) {
					missed++
				}
			}
			t.Logf("%d positions, gpsd %d of which %d are not ours; %+v, noise %d", len(ours), len(theirs), missed, tr.counts, cutter.noise)
			if (len(ours) > 0) != want.fixes || (tr.counts.BadChecksum > 0) != want.bad {
				t.Errorf("fixes %d, bad checksums %d, want some: %+v", len(ours), tr.counts.BadChecksum, want)
			}
			if want.fixes && missed > len(theirs)/50 {
				t.Errorf("%d of gpsd's %d positions are not ours", missed, len(theirs))
			}
		})
	}
}

const (
	rmc   = "$GPRMC,120000.00,A,4730.00000,N,00845.00000,E,10.00,0.0,191126,,,A*52\r\n"
	gga   = "$GPGGA,120000.00,4730.00000,N,00845.00000,E,1,09,1.20,400.0,M,48.0,M,,*5F\r\n"
	void  = "$GPRMC,120001.00,V,,,,,,,191126,,,N*72\r\n"
	reckn = "$GPRMC,120001.00,A,4730.00000,N,00845.00000,E,10.00,0.0,191126,,,E*57\r\n"
)

// sum puts a right checksum on a sentence.
func sum(s string) string {
	body, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(s), "$"), "*")
	var c byte
	for i := range len(body) {
		c ^= body[i]
	}
	return fmt.Sprintf("$%s*%02X\r\n", body, c)
}

func receiver(now *int64) *GNSS {
	return NewGNSS(GNSSConfig{Name: "test", Now: func() int64 { return *now }, Log: slog.New(slog.DiscardHandler)})
}

func TestGNSSReadings(t *testing.T) {
	now := int64(5000)
	g := receiver(&now)
	read := func(what string, want ...int64) { // nil: an error; -1: no fix
		t.Helper()
		vs, err := g.Read(context.Background())
		if (err == nil) != (want != nil) {
			t.Fatalf("%s: %v %v", what, vs, err)
		}
		for i, w := range want {
			q := reading.OK
			if w == -1 {
				w, q = 0, reading.NoFix
			}
			if vs[i].Value != w || vs[i].Quality != q {
				t.Errorf("%s: got %+v, want %d %v", what, vs[i], w, q)
			}
		}
	}
	read("nothing heard")
	g.Feed([]byte(sum(rmc)+sum(gga)), now)
	read("a fix", 475_000_000, 87_500_000, 5144, 6000, 9)
	now += 3000
	read("three seconds later", 475_000_000, 87_500_000, 5144, 6000, 9)
	now++
	if _, err := g.Read(context.Background()); QualityOf(err) != reading.NoAnswer {
		t.Errorf("silence: %v", err)
	}
	g.Feed([]byte(sum(void)), now)
	read("void", -1, -1, -1, -1, -1)
	g.Feed([]byte(sum(rmc)+sum(gga)), now)
	read("a fix again", 475_000_000, 87_500_000, 5144, 6000, 9)
	g.Feed([]byte(sum(void)), now)
	read("void takes it back", -1, -1, -1, -1, 9)
	g.Feed([]byte(sum(reckn)), now)
	read("dead reckoning", -1, -1, -1, -1, 9)
	g.Feed([]byte(sum("$GPRMC,120000.00,A,0000.00000,N,00000.00000,E,0.00,0.0,191126,,,A")), now)
	read("the origin", -1, -1, -1, -1, 9)
	g.Feed([]byte(sum("$GPRMC,120000.00,A,,,,,0.00,0.0,191126,,,A")), now)
	read("no coordinates", -1, -1, -1, -1, 9)

	now += 10_000
	g.Feed([]byte("$GPRMC,120000.00,A,4730.00000,N,00845.00000,E,10.00,0.0,191126,,,A*00\r\n"), now)
	if _, err := g.Read(context.Background()); QualityOf(err) != reading.Checksum {
		t.Errorf("bad checksums only: %v", err)
	}
	g.Feed([]byte(sum("$GPRMC,noon,A,4730.00000,N,00845.00000,E,10.00,0.0,191126,,,A")+"$GPTXT,oops\r\n\x00\xff$GP\x80$$$\r\n"), now)
	read("malformed", -1, -1, -1, -1, -1)
	if c := g.Counts(); c.Malformed != 1 || c.BadChecksum != 3 || c.Noise == 0 || c.Sentences != 9 {
		t.Errorf("counted %+v", c)
	}
}

// port is a serial port that gives what a test sends and fails when it says so.
type port struct {
	data   chan []byte
	closed chan struct{}
}

func (p port) Read(b []byte) (int, error) {
	select {
	case d, ok := <-p.data:
		if !ok {
			return 0, io.ErrUnexpectedEOF
		}
		return copy(b, d), nil
	case <-p.closed:
		return 0, errors.New("port closed")
	}
}
func (p port) Write(b []byte) (int, error) { return len(b), nil }
func (p port) Close() error                { close(p.closed); return nil }

func TestGNSSReopensItsPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := int64(5000)
		g := receiver(&now)
		var p port
		var broken atomic.Bool
		opened := 0
		g.open = func() (io.ReadWriteCloser, error) {
			if broken.Load() {
				return nil, errors.New("no such port")
			}
			opened++
			p = port{make(chan []byte), make(chan struct{})}
			return p, nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { g.Run(ctx); close(ended) }()
		synctest.Wait()
		p.data <- []byte(sum(rmc))
		synctest.Wait()
		if vs, err := g.Read(ctx); err != nil || vs[0].Quality != reading.OK {
			t.Fatalf("got %v %v", vs, err)
		}
		broken.Store(true)
		close(p.data) // unplugged
		synctest.Wait()
		now += 4000
		if _, err := g.Read(ctx); err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
			t.Errorf("unplugged: %v", err)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		broken.Store(false)
		time.Sleep(time.Second)
		synctest.Wait()
		if opened != 2 {
			t.Errorf("opened %d times, want 2", opened)
		}
		p.data <- []byte(sum(rmc))
		synctest.Wait()
		if vs, err := g.Read(ctx); err != nil || vs[0].Quality != reading.OK {
			t.Errorf("plugged in again: %v %v", vs, err)
		}
		cancel()
		<-ended
	})
}

func TestGNSSAnchors(t *testing.T) {
	now := int64(1000)
	g := receiver(&now)
	var got []truetime.Anchor
	g.onTime = func(a truetime.Anchor) { got = append(got, a) }
	began := time.Date(2026, 11, 19, 11, 55, 0, 0, time.UTC)
	send := func(d time.Duration, late int64) {
		at := began.Add(d)
		s := sum(fmt.Sprintf("$GPRMC,%s,A,4730.00000,N,00845.00000,E,10.00,0.0,%s,,,A", at.Format("150405.00"), at.Format("020106")))
		g.Feed([]byte(s), 1000+d.Milliseconds()+late)
	}
	for i := range 30 {
		send(time.Duration(i)*time.Second, 200+int64(i%10)*50)
	}
	if len(got) != 3 {
		t.Fatalf("%d anchors, want 3: %+v", len(got), got)
	}
	for _, a := range got {
		truth := began.UnixMilli() + a.At - 1000
		if d := a.UTC - truth; max(d, -d) > a.Uncertainty || a.Source != truetime.GNSS {
			t.Errorf("%+v: true time is %d", a, truth)
		}
		if a.At%1000 != 200 {
			t.Errorf("%+v is not of the soonest sentence", a)
		}
	}
	if got[0].Uncertainty != 3500 {
		t.Errorf("uncertainty %d before the almanac, want 3500", got[0].Uncertainty)
	}
	// A date that jumps is no time; and a row begins anew after it.
	g.Feed([]byte(sum("$GPRMC,000000.00,A,4730.00000,N,00845.00000,E,10.00,0.0,220899,,,A")), 31_000)
	for i := 31; i < 40; i++ {
		send(time.Duration(i)*time.Second, 200)
	}
	if len(got) != 3 {
		t.Errorf("%d anchors after a jump, want no more: %+v", len(got), got)
	}
	for i := 40; i < 15*60; i++ {
		send(time.Duration(i)*time.Second, 200)
	}
	if a := got[len(got)-1]; a.Uncertainty != 500 {
		t.Errorf("uncertainty %d with the almanac, want 500", a.Uncertainty)
	}
	n := len(got)
	for _, s := range []string{"320001", "000026", "310226"} {
		for range 20 {
			g.Feed([]byte(sum("$GPRMC,256199.00,A,4730.00000,N,00845.00000,E,10.00,0.0,"+s+",,,A")), 1_000_000)
		}
	}
	if len(got) != n {
		t.Errorf("impossible dates gave anchors: %+v", got[n:])
	}
}

// Whatever a receiver sends, readings are in range or have no value.
func FuzzNMEA(f *testing.F) {
	for _, s := range []string{rmc, gga, void, reckn} {
		f.Add([]byte(sum(s)))
	}
	logs, err := filepath.Glob("../gnss/testdata/nmea/*.log")
	if err != nil || len(logs) == 0 {
		f.Fatal("no recordings: ", err)
	}
	for _, l := range logs {
		file, err := os.Open(l)
		if err != nil {
			f.Fatal(err)
		}
		lines := bufio.NewScanner(file)
		for i := 0; lines.Scan(); i++ {
			if i%40 == 0 {
				f.Add(append(bytes.Clone(lines.Bytes()), '\n'))
			}
		}
		file.Close()
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		now := int64(5000)
		g := receiver(&now)
		g.Feed(b, now)
		if body, _, ok := strings.Cut(string(b), "*"); ok { // as if its checksum were right
			g.Feed([]byte(sum(body)), now)
		}
		vs, err := g.Read(context.Background())
		if err != nil {
			return
		}
		for i, v := range vs {
			limit := []int64{900_000_000, 1_800_000_000, 1_000_000_000, 450_000, 200}[i]
			if v.Quantity != g.Quantities()[i] || v.Value > limit || v.Value < -limit || v.Quality != reading.OK && v.Value != 0 {
				t.Errorf("value %d is %+v", i, v)
			}
		}
	})
}
