package sensor

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"frostline/edge/gnss"
	"frostline/proto/reading"
	"frostline/proto/truetime"
)

// Recorded receivers give positions where they have a fix by satellites, and
// those that say a wrong date give no time.
func TestRecordedReceivers(t *testing.T) {
	for name, want := range map[string]struct{ fixes, dated, bad bool }{
		"ublox-neo-m9n-nmea":           {fixes: true, dated: true},
		"gps-360":                      {fixes: true},
		"telit-pls83-w":                {fixes: true, dated: true},
		"gp-320fw-2019-04-07-coldboot": {fixes: true, bad: true},
		"quectel-eg25-g":               {fixes: true, dated: true},
		"bu303-moving":                 {fixes: true}, // SiRF binary, which names no date
		"bu303-nofix":                  {},
	} {
		t.Run(name, func(t *testing.T) {
			log, err := os.ReadFile(filepath.Join("..", "gnss", "testdata", "nmea", name+".log"))
			if err != nil {
				t.Fatal(err)
			}
			now := int64(5000)
			g := receiver(&now)
			fixes, instants := 0, 0
			began := time.Time{}
			clock := gnss.NewReceiver(func(gnss.Fix) {}, func(s gnss.Sentence) {
				if utc, ok := g.track.instant(s, now); ok { // time goes on as the receiver says
					if began.IsZero() {
						began = utc
					}
					instants++
					now = 5000 + utc.Sub(began).Milliseconds()
				}
			})
			for l := range bytes.Lines(log) {
				_, _ = clock.Write(l)
				g.Feed(l, now)
				if vs, err := g.Read(t.Context()); err == nil && vs[0].Quality == reading.OK {
					fixes++
				}
			}
			if c := g.Counts(); (fixes > 0) != want.fixes || want.dated && instants < 10 || (c.BadChecksum > 0) != want.bad {
				t.Errorf("%d readings with a position, %d instants, %+v: want %+v", fixes, instants, c, want)
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
	// second gives what a receiver sends in one second, GGA last.
	clock := 120_000
	second := func(rmc, gga string) {
		clock++
		at := fmt.Sprintf(",%d.00,", clock)
		g.Feed([]byte(sum(strings.Replace(rmc, ",120000.00,", at, 1))+sum(strings.Replace(gga, ",120000.00,", at, 1))), now)
	}
	noGGA := "$GPGGA,120000.00,,,,,0,03,99.99,,,,,,"
	read("nothing heard")
	second(rmc, gga)
	read("a fix", 475_000_000, 87_500_000, 5144, 6000, 9)
	now += 3000
	read("three seconds later", 475_000_000, 87_500_000, 5144, 6000, 9)
	now++
	if _, err := g.Read(context.Background()); QualityOf(err) != reading.NoAnswer {
		t.Errorf("silence: %v", err)
	}
	second(void, noGGA)
	read("void", -1, -1, -1, -1, 3)
	second(rmc, gga)
	read("a fix again", 475_000_000, 87_500_000, 5144, 6000, 9)
	g.Feed([]byte(sum(gga)+sum(strings.Replace(gga, "120000", "120003", 1))), now)
	second(void, noGGA)
	read("void takes it back", -1, -1, -1, -1, 3)
	second(reckn, strings.Replace(gga, ",1,09,", ",6,09,", 1))
	read("dead reckoning", -1, -1, -1, -1, 9)
	second("$GPRMC,120000.00,A,0000.00000,N,00000.00000,E,0.00,0.0,191126,,,A", "$GPGGA,120000.00,0000.00000,N,00000.00000,E,1,09,1.20,0.0,M,0.0,M,,")
	read("the origin", -1, -1, -1, -1, 9)
	second("$GPRMC,120000.00,A,,,,,0.00,0.0,191126,,,A", "$GPGGA,120000.00,,,,,1,09,1.20,0.0,M,0.0,M,,")
	read("no coordinates", -1, -1, -1, -1, 9)

	now += 10_000
	g.Feed([]byte("$GPRMC,120000.00,A,4730.00000,N,00845.00000,E,10.00,0.0,191126,,,A*00\r\n"), now)
	if _, err := g.Read(context.Background()); QualityOf(err) != reading.Checksum {
		t.Errorf("bad checksums only: %v", err)
	}
	g.Feed([]byte(sum("$GPRMC,noon,A,4730.00000,N,00845.00000,E,10.00,0.0,191126,,,A")+"$GPTXT,oops\r\n\x00\xff$GP\x80$$$\r\n"), now)
	if c := g.Counts(); c.BadChecksum != 2 || c.Noise == 0 || c.Sentences != 17 {
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
