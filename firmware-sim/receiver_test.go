package sim_test

import (
	"bufio"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/adrianmo/go-nmea"

	sim "frostline/firmware-sim"
)

func TestReceiverOnItsTerminal(t *testing.T) {
	_, s := start(t, sim.Demo)
	b := only(s, "van-1")
	c := steer(t, b)
	ctx := t.Context()
	if err := c.Drive(ctx, july.Add(300*time.Millisecond), 0); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(filepath.Dir(b.Socket), "van-1.gnss"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	// Only seconds of driven time are of interest, not what came before.
	rmcs := make(chan nmea.RMC, 1000)
	go func() {
		defer close(rmcs)
		for in := bufio.NewScanner(f); in.Scan(); {
			if s, err := nmea.Parse(in.Text()); err == nil {
				if rmc, ok := s.(nmea.RMC); ok {
					rmcs <- rmc
				}
			}
		}
	}()
	next := func() nmea.RMC {
		select {
		case r := <-rmcs:
			return r
		case <-time.After(20 * time.Second):
			t.Fatal("no sentence")
			panic("unreachable")
		}
	}
	until := func(want time.Time) nmea.RMC {
		for {
			r := next()
			if at := nmea.DateTime(2000, r.Date, r.Time); at.Equal(want) {
				return r
			} else if at.Nanosecond() != 0 {
				t.Fatalf("sentence of %s", at)
			}
		}
	}

	// 300 ms past the second: 700 ms later is the next, and each 1 s after it.
	moved := false
	for n := int64(1); n <= 600; n++ {
		if err := c.Advance(ctx, n*1000); err != nil {
			t.Fatal(err)
		}
		r := until(july.Add(time.Duration(n) * time.Second))
		between(t, "latitude", r.Latitude, 47.57, 47.63)
		between(t, "longitude", r.Longitude, -122.34, -122.18)
		moved = moved || r.Speed > 10
	}
	if !moved {
		t.Error("the van did not move in ten minutes")
	}
	// A long advance sends its last second alone.
	if err := c.Advance(ctx, 3_600_000); err != nil {
		t.Fatal(err)
	}
	until(july.Add(time.Hour))
	status, err := c.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range status.Devices {
		if d.Name == "gnss" && d.Skipped != 2999 {
			t.Errorf("%d bursts passed over, want 2999", d.Skipped)
		}
	}
	if err := c.Fault(ctx, "gnss", "fix-loss", nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Advance(ctx, 3_601_000); err != nil {
		t.Fatal(err)
	}
	if r := until(july.Add(time.Hour + time.Second)); r.Validity != nmea.InvalidRMC {
		t.Error("fix lost, but the sentence is valid")
	}
	slow := 3.0
	if err := c.Fault(ctx, "gnss", "slow", &slow); err != nil {
		t.Fatal(err)
	}
	for ms := int64(3_602_000); ms <= 3_605_000; ms += 1000 {
		if err := c.Advance(ctx, ms); err != nil {
			t.Fatal(err)
		}
	}
	if r := next(); !nmea.DateTime(2000, r.Date, r.Time).Equal(july.Add(time.Hour + 2*time.Second)) {
		t.Errorf("slow by 3 s: first sentence of %s", r.Time)
	}

	// Real time: the present, once a second.
	if err := c.Fault(ctx, "gnss", "none", nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Run(ctx, 1); err != nil {
		t.Fatal(err)
	}
	last := time.Time{}
	for seen := 0; seen < 2; {
		r := next()
		at := nmea.DateTime(2000, r.Date, r.Time)
		if at.Year() == 2025 && at.Month() == time.July {
			continue // left over
		}
		if off := time.Since(at); off < -time.Second || off > time.Minute {
			t.Errorf("real time: sentence is %s old", off)
		}
		// One a second, unless this machine stood still.
		if gap := at.Sub(last); seen == 1 && (gap < time.Second || gap%time.Second != 0) {
			t.Errorf("%s after %s, want a whole second or more", at, last)
		}
		last = at
		seen++
	}
}
