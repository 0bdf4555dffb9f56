package sensor

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"frostline/edge/gnss"
	"frostline/proto/reading"
	"frostline/proto/truetime"
)

// What gpsd 3.22 says of a receiver, and of itself.
const (
	gpsdHello = `{"class":"VERSION","release":"3.22","rev":"3.22","proto_major":3,"proto_minor":14}` + "\r\n" +
		`{"class":"DEVICES","devices":[{"class":"DEVICE","path":"/dev/ttyACM0","activated":"2026-11-19T11:55:00.000Z"}]}` + "\r\n" +
		`{"class":"WATCH","enable":true,"json":true,"nmea":false,"raw":0,"scaled":true,"timing":false,"split24":false,"pps":false}` + "\r\n"
	gpsdSky = `{"class":"SKY","device":"/dev/ttyACM0","hdop":1.2,"satellites":[{"PRN":1,"used":true},{"PRN":2,"used":false},{"PRN":3,"used":true}]}` + "\r\n"
	gpsdTPV = `{"class":"TPV","device":"/dev/ttyACM0","mode":3,"time":"2026-11-19T11:55:00.000Z","lat":47.5,"lon":8.75,"altHAE":448.0,"speed":5.144,"track":0.0}` + "\r\n"
)

func gpsdReceiver(now *int64) *GNSS {
	return NewGNSS(GNSSConfig{Name: "gpsd:test", GPSD: true, Now: func() int64 { return *now }, Log: slog.New(slog.DiscardHandler)})
}

func TestGPSDReadings(t *testing.T) {
	now := int64(5000)
	g := gpsdReceiver(&now)
	g.Feed([]byte(gpsdHello), now)
	if _, err := g.Read(t.Context()); err == nil {
		t.Error("what gpsd says of itself is taken for a receiver")
	}
	all := gpsdHello + gpsdSky + gpsdTPV
	for i := range len(all) { // in pieces
		g.Feed([]byte(all[i:i+1]), now)
	}
	vs, err := g.Read(t.Context())
	want := []int64{475_000_000, 87_500_000, 5144, 6000, 2}
	for i := range want {
		if err != nil || vs[i].Value != want[i] || vs[i].Quality != reading.OK {
			t.Fatalf("got %+v %v, want %v", vs, err, want)
		}
	}
	for what, line := range map[string]string{
		"no fix":         `{"class":"TPV","mode":1,"time":"2026-11-19T11:55:01.000Z"}`,
		"mode without":   `{"class":"TPV","mode":3}`,
		"dead reckoning": `{"class":"TPV","mode":3,"status":5,"lat":47.5,"lon":8.75}`,
		"simulated":      `{"class":"TPV","mode":3,"status":8,"lat":47.5,"lon":8.75}`,
		"typed in":       `{"class":"TPV","mode":3,"status":7,"lat":47.5,"lon":8.75}`,
		"the origin":     `{"class":"TPV","mode":3,"lat":0.0,"lon":0.0}`,
		"off the earth":  `{"class":"TPV","mode":3,"lat":97.5,"lon":8.75}`,
	} {
		g.Feed([]byte(gpsdTPV+line+"\n"), now)
		if vs, err := g.Read(t.Context()); err != nil || vs[0].Quality != reading.NoFix || vs[0].Value != 0 {
			t.Errorf("%s: %+v %v", what, vs, err)
		}
	}
	g.Feed([]byte("oops\n"+strings.Repeat("x", 3*maxReport)+"\n"+gpsdTPV), now)
	if vs, err := g.Read(t.Context()); err != nil || vs[0].Quality != reading.OK {
		t.Errorf("after nonsense: %+v %v", vs, err)
	}
	if c := g.Counts(); c.BadChecksum != 1 || c.Noise < 3*maxReport {
		t.Errorf("counted %+v", c)
	}
}

// gpsd dates what it reports; anchors are made of that, and of no fix none.
func TestGPSDAnchors(t *testing.T) {
	now := int64(1000)
	g := gpsdReceiver(&now)
	var got []truetime.Anchor
	g.onTime = func(a truetime.Anchor) { got = append(got, a) }
	began := time.Date(2026, 11, 19, 11, 55, 0, 0, time.UTC)
	send := func(i, mode int) {
		line := fmt.Sprintf(`{"class":"TPV","mode":%d,"time":%q,"lat":47.5,"lon":8.75}`, mode, began.Add(time.Duration(i)*time.Second).Format(time.RFC3339Nano))
		g.Feed([]byte(line+"\n"), 1000+int64(i)*1000+300)
	}
	for i := range 20 {
		send(i, 1)
	}
	if len(got) != 0 {
		t.Errorf("anchors without a fix: %+v", got)
	}
	for i := 20; i < 40; i++ {
		send(i, 3)
	}
	if len(got) != 2 {
		t.Fatalf("%d anchors, want 2: %+v", len(got), got)
	}
	for _, a := range got {
		if d := a.UTC - (began.UnixMilli() + a.At - 1000); max(d, -d) > a.Uncertainty || a.Source != truetime.GNSS {
			t.Errorf("%+v does not hold the truth", a)
		}
	}
}

func TestGPSDAddress(t *testing.T) {
	for bus, right := range map[string]bool{
		"gpsd:127.0.0.1:2947": true, "gpsd:[::1]:2947": true, "gpsd:gps.local:2947": true, "gpsd:/run/gpsd.sock": true,
		"/dev/ttyUSB0": true, "gpsd:": false, "gpsd:host": false, "gpsd:host:0": false, "gpsd:host:99999": false, "gpsd::2947": false,
	} {
		p := Check(Spec{ID: "p", Driver: "gnss", Bus: bus})
		if (len(p) == 0) != right {
			t.Errorf("%s: %+v", bus, p)
		}
	}
}

// The driver asks for reports over a socket, and connects again when gpsd was
// restarted.
func TestGPSDSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gpsd.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Open(Spec{ID: "p", Driver: "gnss", Bus: "gpsd:" + path}, Env{Now: func() int64 { return 5000 }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); d.(Runner).Run(ctx) }()
	for range 2 {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		asked, err := bufio.NewReader(c).ReadString('\n')
		if err != nil || !strings.HasPrefix(asked, `?WATCH={"enable":true,"json":true`) {
			t.Fatalf("asked %q %v", asked, err)
		}
		if _, err := io.WriteString(c, gpsdHello+gpsdTPV); err != nil {
			t.Fatal(err)
		}
		for {
			if vs, err := d.Read(ctx); err == nil && vs[0].Quality == reading.OK {
				break
			}
			time.Sleep(time.Millisecond)
		}
		c.Close()
	}
	cancel()
	<-ended
	l.Close()
}

// A gpsd that is not there is one that does not answer.
func TestGPSDAbsent(t *testing.T) {
	if _, err := dialGPSD(filepath.Join(t.TempDir(), "none.sock")); err == nil || !strings.Contains(err.Error(), "is it running?") {
		t.Errorf("got %v", err)
	}
	synctest.Test(t, func(t *testing.T) { // silent for a while is no error
		a, b := net.Pipe()
		defer b.Close()
		if n, err := (gpsdConn{a}).Read(make([]byte, 9)); n != 0 || err != nil {
			t.Errorf("got %d %v", n, err)
		}
		a.Close()
	})
}

// Whatever gpsd sends, fixes are in range and little is kept.
func FuzzGPSD(f *testing.F) {
	f.Add([]byte(gpsdHello + gpsdSky + gpsdTPV))
	f.Add([]byte(`{"class":"SKY","uSat":7,"hdop":1e300}` + "\n" + `{"class":"TPV","mode":-1,"lat":1e999}` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		g := newGPSD(func(f gnss.Fix) {
			if math.Abs(f.Lat) > 90 || math.Abs(f.Lon) > 180 {
				t.Errorf("%+v", f)
			}
			var tr track
			tr.take(f, 5000)
			if tr.lat > 900_000_000 || tr.speed < 0 || tr.precision < 0 || tr.precision > 450_000 || tr.satellites < 0 || tr.satellites > 200 {
				t.Errorf("%+v", tr)
			}
		})
		_, _ = g.Write(b)
		if len(g.line) > maxReport {
			t.Error("too much is kept")
		}
	})
}
