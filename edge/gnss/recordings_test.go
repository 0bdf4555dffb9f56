package gnss

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// report is a TPV, of gpsd or of ours.
type report struct {
	Class                                                        string
	Mode, Status                                                 int
	Time                                                         string
	Lat, Lon, AltHAE, AltMSL, Alt, Track, Speed, Climb, GeoidSep *float64
}

func decode(t testing.TB, line []byte) (r report) {
	t.Helper()
	if err := json.Unmarshal(line, &r); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return r
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "nmea", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ours gives the reports of a recording handed over in pieces.
func ours(t testing.TB, log []byte, piece int) (out []report) {
	t.Helper()
	r := NewReceiver(func(f Fix) {
		b, err := json.Marshal(f.TPV())
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, decode(t, b))
	}, nil)
	for c := range slices.Chunk(log, piece) {
		if _, err := r.Write(c); err != nil {
			t.Fatal(err)
		}
	}
	r.Flush()
	return out
}

// differ names the fields of two reports that differ. gpsd knows the geoid by a
// table, which we have not.
func differ(our, their report, tables bool) string {
	var d []string
	add := func(name string, same bool) {
		if !same {
			d = append(d, name)
		}
	}
	near := func(a, b *float64, within float64) bool {
		if a == nil || b == nil {
			return a == b
		}
		return math.Abs(*a-*b) <= within
	}
	add("mode", our.Mode == their.Mode)
	add("status", our.Status == their.Status)
	add("time", our.Time == their.Time)
	add("lat", near(our.Lat, their.Lat, 1.1e-9))
	add("lon", near(our.Lon, their.Lon, 1.1e-9))
	add("altHAE", near(our.AltHAE, their.AltHAE, 1.1e-4))
	if !tables {
		add("altMSL", near(our.AltMSL, their.AltMSL, 1.1e-4))
		add("alt", near(our.Alt, their.Alt, 1.1e-4))
	}
	add("track", near(our.Track, their.Track, 1.1e-4))
	add("speed", near(our.Speed, their.Speed, 1.1e-3))
	add("climb", near(our.Climb, their.Climb, 1.1e-3))
	return strings.Join(d, ", ")
}

// Every recording gives gpsd's fixes: as many, in its order, with its values,
// in whatever pieces it comes.
func TestRecordedReceivers(t *testing.T) {
	for _, name := range []string{"bu303-moving", "bu303-nofix", "gp-320fw-2019-04-07-coldboot", "gps-360",
		"quectel-eg25-g", "telit-pls83-w", "ublox-neo-m9n-nmea"} {
		t.Run(name, func(t *testing.T) {
			log := read(t, name+".log")
			var theirs []report
			for l := range bytes.Lines(read(t, name+".tpv.jsonl")) {
				theirs = append(theirs, decode(t, l))
			}
			whole := ours(t, log, len(log))
			if len(whole) != len(theirs) {
				t.Errorf("%d fixes, gpsd has %d", len(whole), len(theirs))
			}
			for i := range min(len(whole), len(theirs)) {
				if d := differ(whole[i], theirs[i], strings.HasPrefix(name, "bu303")); d != "" {
					t.Errorf("fix %d differs from gpsd's in %s: %+v", i, d, whole[i])
				}
			}
			for _, piece := range []int{1, 7, 1000} {
				if again := ours(t, log, piece); len(again) != len(whole) || fmt.Sprint(values(again)) != fmt.Sprint(values(whole)) {
					t.Errorf("in pieces of %d bytes there are %d fixes, other than the %d of the whole", piece, len(again), len(whole))
				}
			}
		})
	}
}

// values is what reports say, without pointers.
func values(rs []report) (out []string) {
	for _, r := range rs {
		b, _ := json.Marshal(r) // it was made by us
		out = append(out, string(b))
	}
	return out
}

// Whatever comes between sentences, and wherever one breaks off, the rest of
// them gives what it gave.
func TestNoiseBetween(t *testing.T) {
	log := read(t, "gps-360.log")
	want := values(ours(t, log, len(log)))
	ubx := []byte{0xB5, 0x62, 0x01, 0x07, 6, 0, '$', 'G', 'P', 'R', 'M', 'C', 0, 0}
	for _, c := range ubx[2:12] {
		ubx[12] += c
		ubx[13] += ubx[12]
	}
	for what, noise := range map[string]string{
		"binary": "\x00\xff\xa0\xb5\xd3\x10\x02", "ubx": string(ubx), "wrong sum": "$GPRMC,021612.949,V,,,,,,,280706,,*00\r\n",
		"text": "hello\r\n", "broken off": "$GPGGA,0216", "lone dollars": "$$$$", "correction": "\xd3\x00\x00\x47\xea\x4b",
		"ais": "!AIVDM,1,1,,B,140Ut9@P000J9DjN?1Lh0?vF0D1A,0*2A\r\n", "long line": "$GPTXT," + strings.Repeat("x", 5000) + "\r\n",
		"a sentence in one": "$GPGS",
	} {
		var noisy []byte
		for l := range bytes.Lines(log) {
			if l[0] == '$' {
				noisy = append(noisy, noise...)
			}
			noisy = append(noisy, l...)
		}
		if got := values(ours(t, noisy, 64)); !slices.Equal(got, want) {
			t.Errorf("%s between sentences: %d fixes, want the %d without it", what, len(got), len(want))
		}
	}
}

// A receiver outside a recording whose week counter has begun anew is 1024
// weeks back, and gpsd mends that.
func TestWeekBegunAnew(t *testing.T) {
	var got []Fix
	r := NewReceiver(func(f Fix) { got = append(got, f) }, nil)
	_, _ = r.Write([]byte(sum("GPRMC,120000.00,A,4730.00000,N,00845.00000,E,10.00,0.0,070407,,,A")))
	if len(got) != 1 || got[0].Time.Format("2006-01-02 15:04") != "2026-11-21 12:00" {
		t.Errorf("got %+v", got)
	}
	if !got[0].Status.Satellite() || StatusDead.Satellite() || StatusSimulated.Satellite() {
		t.Error("what is measured by satellites is told wrongly")
	}
}

// sum makes a sentence of a body.
func sum(body string) string {
	var c byte
	for i := range len(body) {
		c ^= body[i]
	}
	return fmt.Sprintf("$%s*%02X\r\n", body, c)
}

func TestCounts(t *testing.T) {
	r := NewReceiver(func(Fix) {}, nil)
	_, _ = r.Write([]byte("xx" + sum("GPVTG,1,T,2,M,3,N,4,K,A") + sum("GPXYZ,1") + "$GPGGA,1*00\r\n"))
	_, _ = r.Write([]byte(sum("GPRMC," + strings.Repeat("1", 130))))
	if c := r.Counts(); c != (Counts{Sentences: 1, Other: 2, BadChecksum: 1, Noise: 2}) {
		t.Errorf("got %+v", c)
	}
}

// Whatever a receiver sends, fixes are in range, their reports are JSON, and
// what is kept stays small.
func FuzzReceiver(f *testing.F) {
	logs, err := filepath.Glob("testdata/nmea/*.log")
	if err != nil || len(logs) == 0 {
		f.Fatal("no recordings: ", err)
	}
	for _, l := range logs {
		b := read(f, filepath.Base(l))
		for i := 0; i < len(b); i += 1500 {
			f.Add(b[i:min(i+700, len(b))])
		}
	}
	for _, s := range []string{"PSTI,030,120000.000,A,4730.0,N,00845.0,E,1,2,3,4,191126,A,1,2", "PASHR,POS,0,9,120000,4730.0,N,00845.0,E,1,,2,3,4,5,6,7,8",
		"PGRMF,290,293895,160305,093802,13,5213.1439,N,02100.6511,E,A,2,0,226,2,1", "GPGSV,1,1,01,1,,,", "GPGSA,A,3,1,2,3,4,,,,,,,,,1,1,1,2"} {
		f.Add([]byte(sum(s)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReceiver(func(f Fix) {
			if f.Mode < Unseen || f.Mode > Fix3D || math.Abs(f.Lat) > 90 || math.Abs(f.Lon) > 180 || f.Track < 0 || f.Track >= 360 || math.Abs(f.Speed) > fastest || math.Abs(f.Climb) > fastest {
				t.Errorf("%+v", f)
			}
			if !f.Time.IsZero() && f.Time.Unix() <= 0 {
				t.Errorf("time %v", f.Time)
			}
			if _, err := json.Marshal(f.TPV()); err != nil {
				t.Errorf("%+v: %v", f, err)
			}
		}, nil)
		_, _ = r.Write(b)
		for l := range bytes.Lines(b) { // as if its checksum were right
			if body, _, ok := strings.Cut(strings.TrimPrefix(string(l), "$"), "*"); ok {
				_, _ = r.Write([]byte(sum(body)))
			}
		}
		if len(r.lexer.buf) > 2*maxBinary || len(r.lexer.stash) > maxLine || len(r.sky.using) > maxSatellites || len(r.cycle.enders) > len(readers)+1 {
			t.Error("too much is kept")
		}
		r.Flush()
	})
}
