package device_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/adrianmo/go-nmea"

	"frostline/firmware-sim/device"
	"frostline/firmware-sim/fault"
)

// parse takes a burst apart and insists on each sentence.
func parse(t *testing.T, burst []byte) (rmc nmea.RMC, vtg nmea.VTG, gga nmea.GGA, gsa nmea.GSA) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSuffix(string(burst), "\r\n"), "\r\n") {
		s, err := nmea.Parse(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if len(line) > 80 {
			t.Errorf("%s: %d characters, NMEA 0183 allows 80 and line end", line, len(line))
		}
		switch s := s.(type) {
		case nmea.RMC:
			rmc = s
		case nmea.VTG:
			vtg = s
		case nmea.GGA:
			gga = s
		case nmea.GSA:
			gsa = s
		case nmea.GSV:
			if len(s.Info) == 0 || len(s.Info) > 4 || s.MessageNumber > s.TotalMessages {
				t.Errorf("satellites in view: %s", line)
			}
		default:
			t.Errorf("sentence %s", line)
		}
	}
	return
}

func TestSentencesCarryPositionAndUTC(t *testing.T) {
	for _, at := range []device.Position{
		{Lat: 47.57985, Lon: -122.3344, Speed: 26.5, Course: 91.25},
		{Lat: -33.99999999, Lon: 151.00001, Speed: 3, Course: 359.99},
		{Lat: 0.00001, Lon: 9.5},
	} {
		d := device.NewGNSS(1, "gnss", func(time.Duration) device.Position { return at })
		utc := time.Date(2025, 12, 31, 23, 59, 58, 0, time.UTC)
		rmc, vtg, gga, gsa := parse(t, d.Burst(0, utc))
		near(t, "RMC latitude", rmc.Latitude, at.Lat, 3e-5)
		near(t, "RMC longitude", rmc.Longitude, at.Lon, 3e-5)
		near(t, "GGA latitude", gga.Latitude, rmc.Latitude, 1e-9)
		near(t, "GGA longitude", gga.Longitude, rmc.Longitude, 1e-9)
		near(t, "RMC speed", rmc.Speed*1852/3600, at.Speed, 0.25)
		near(t, "VTG speed", vtg.GroundSpeedKPH/3.6, rmc.Speed*1852/3600, 0.01)
		if at.Speed > 0 {
			near(t, "course", rmc.Course, at.Course, 0.01)
		}
		if rmc.Validity != nmea.ValidRMC || gga.FixQuality != nmea.GPS || gsa.FixType != nmea.Fix3D {
			t.Errorf("validity %s, quality %s, fix %s", rmc.Validity, gga.FixQuality, gsa.FixType)
		}
		if got := nmea.DateTime(2000, rmc.Date, rmc.Time); !got.Equal(utc) {
			t.Errorf("RMC says %s, want %s", got, utc)
		}
		if gga.NumSatellites < 8 || gga.HDOP < 0.7 || gga.HDOP > 1.4 || len(gsa.SV) != int(gga.NumSatellites) {
			t.Errorf("%d satellites, %d listed, HDOP %.2f", gga.NumSatellites, len(gsa.SV), gga.HDOP)
		}
	}
}

func TestGNSSFaults(t *testing.T) {
	at := device.Position{Lat: 47.6, Lon: -122.3, Speed: 10, Course: 90}
	d := device.NewGNSS(1, "gnss", func(time.Duration) device.Position { return at })
	utc := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	began := time.Now()

	set(t, d, began, fault.FixLoss)
	rmc, _, gga, gsa := parse(t, d.Burst(0, utc))
	if rmc.Validity != nmea.InvalidRMC || gga.FixQuality != nmea.Invalid || gsa.FixType != nmea.FixNone {
		t.Errorf("fix loss: validity %s, quality %s, fix %s", rmc.Validity, gga.FixQuality, gsa.FixType)
	}
	if got := nmea.DateTime(2000, rmc.Date, rmc.Time); !got.Equal(utc) {
		t.Errorf("fix loss: the time is %s, want it to go on", got)
	}

	set(t, d, began, fault.Unplugged)
	if b := d.Burst(0, utc); b != nil {
		t.Errorf("unplugged: %q", b)
	}
	if err := d.SetFault(fault.Clear, time.Minute); err != nil {
		t.Fatal(err)
	}
	if rmc, _, _, _ := parse(t, d.Burst(time.Minute+2*time.Second, utc)); rmc.Validity != nmea.InvalidRMC {
		t.Error("a fix at once after power-up")
	}
	if rmc, _, _, _ := parse(t, d.Burst(time.Minute+3*time.Second, utc)); rmc.Validity != nmea.ValidRMC {
		t.Error("no fix after the hot start")
	}

	set(t, d, began, fault.Stuck)
	at.Lat = 48
	if rmc, _, _, _ := parse(t, d.Burst(time.Hour, utc)); math.Abs(rmc.Latitude-47.6) > 1e-4 {
		t.Errorf("stuck: latitude %.5f", rmc.Latitude)
	}

	set(t, d, began, fault.Noisy, 200)
	far := 0
	for s := range 100 {
		_, _, gga, _ := parse(t, d.Burst(time.Hour, utc.Add(time.Duration(s)*time.Second)))
		if math.Abs(gga.Latitude-48)*111_195 > 100 {
			far++
		}
		if gga.HDOP < 10 {
			t.Fatalf("noisy: HDOP %.2f", gga.HDOP)
		}
	}
	if far < 40 {
		t.Errorf("noisy by 200 m: %d of 100 off by more than 100 m", far)
	}

	set(t, d, began, fault.Slow, 1.5)
	if d.Delay() != 1500*time.Millisecond {
		t.Errorf("slow: delay %s", d.Delay())
	}

	set(t, d, began, fault.CRC, 0.5)
	bad, all := 0, 0
	for s := range 100 {
		for _, line := range strings.Split(strings.TrimSpace(string(d.Burst(time.Hour, utc.Add(time.Duration(s)*time.Second)))), "\r\n") {
			all++
			if _, err := nmea.Parse(line); err != nil {
				bad++
			}
		}
	}
	if bad < all*3/10 || bad > all*7/10 || uint64(bad) > d.FlippedFrames() {
		t.Errorf("crc 0.5: %d of %d sentences bad, %d hit", bad, all, d.FlippedFrames())
	}
	if f, err := fault.New("drift", nil); err != nil || d.SetFault(f, 0) == nil {
		t.Error("a receiver drifts in °C/h")
	}
}
