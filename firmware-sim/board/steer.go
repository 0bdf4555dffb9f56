package board

import (
	"context"
	"fmt"
	"strings"
	"time"

	"frostline/firmware-sim/control"
	"frostline/firmware-sim/device"
	"frostline/firmware-sim/fault"
	"frostline/firmware-sim/scenario"
)

// longestAdvance is how far one request may drive the clock.
const longestAdvance = 7 * 24 * time.Hour

// longestCatchUp is how far the world lives on at once when the clock returns
// to real mode.
const longestCatchUp = 24 * time.Hour

// Time gives the board's time.
func (b *Board) Time() (nowMs, utcMs int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.clock.Now()
	return (now - b.origin).Milliseconds(), b.world.UTC(now).UnixMilli()
}

// SetFault makes something go wrong with a device or an object of the world,
// or right again.
func (b *Board) SetFault(name string, f fault.Fault) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.catchUp(0)
	return b.setFault(name, f, b.clock.Now())
}

func (b *Board) setFault(name string, f fault.Fault, now time.Duration) error {
	for _, d := range b.devices {
		if d.spec.Name == name {
			if err := d.sensor.SetFault(f, now); err != nil {
				return err
			}
			b.showFolders(now)
			b.log.Info("fault set", "device", name, "fault", f.String())
			return nil
		}
	}
	names := make([]string, 0, len(b.devices))
	for _, s := range b.world.States() {
		if s.Name == name {
			if err := b.world.SetFault(name, f); err != nil {
				return err
			}
			b.log.Info("fault set", "object", name, "fault", f.String())
			return nil
		}
		names = append(names, s.Name)
	}
	for _, d := range b.devices {
		names = append(names, d.spec.Name)
	}
	return fmt.Errorf("board %s has no device or object %q: want one of %s", b.name, name, strings.Join(names, ", "))
}

// Advance moves a driven clock on to toMs and everything with it.
func (b *Board) Advance(_ context.Context, toMs int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.clock.Driven() {
		return fmt.Errorf("advance to %d ms: the clock runs by itself, set mode driven first", toMs)
	}
	now := b.clock.Now()
	nowMs := (now - b.origin).Milliseconds()
	if toMs < nowMs || toMs-nowMs > longestAdvance.Milliseconds() {
		return fmt.Errorf("advance to %d ms from %d ms: want a later time, at most %s later", toMs, nowMs, longestAdvance)
	}
	b.clock.Skip(b.origin + time.Duration(toMs)*time.Millisecond)
	b.catchUp(readerWait)
	return nil
}

// SetClock changes mode, speed or date, as package control describes.
func (b *Board) SetClock(c control.Clock) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.poke()
	b.catchUp(0)
	b.clock.Drive() // time stands while it is being set
	// Whole milliseconds, so that the counts of clients are exact.
	b.clock.Skip((b.clock.Now() + time.Millisecond - 1).Truncate(time.Millisecond))
	now := b.clock.Now()
	switch {
	case c.UTCms != nil:
		b.setUTC(now, time.UnixMilli(*c.UTCms))
	case !c.Driven:
		wall := b.wall()
		if ahead := wall.Sub(b.world.UTC(now)); ahead > 0 && ahead <= longestCatchUp {
			b.clock.Skip(now + ahead)
			b.catchUp(0)
		} else {
			b.setUTC(now, wall)
		}
	}
	if c.Driven {
		if c.ToMs != nil {
			b.origin = now - time.Duration(*c.ToMs)*time.Millisecond
			b.taken = 0
		}
		b.log.Info("clock driven", "now_ms", (now - b.origin).Milliseconds(), "utc", b.world.UTC(now))
		return nil
	}
	b.clock.Run(c.Speed)
	b.log.Info("clock runs", "speed", c.Speed, "utc", b.world.UTC(b.clock.Now()))
	return nil
}

// setUTC sets the date and what follows from it.
func (b *Board) setUTC(now time.Duration, utc time.Time) {
	b.world.SetUTC(now, utc)
	b.second = b.nextSecond(now)
}

// Status shows everything there is to see.
func (b *Board) Status() control.Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.catchUp(0)
	now := b.clock.Now()
	s := control.Status{
		Board: b.name, Mode: "real", Speed: b.clock.Speed(), Seed: b.seed,
		NowMs: (now - b.origin).Milliseconds(),
		UTC:   b.world.UTC(now).Format("2006-01-02T15:04:05.000Z07:00"),
	}
	if b.clock.Driven() {
		s.Mode, s.Speed = "driven", 0
	}
	for _, o := range b.world.States() {
		s.World = append(s.World, control.Object{Name: o.Name, Kind: o.Kind, Fault: o.Fault.String(), Values: o.Values})
	}
	for _, d := range b.devices {
		s.Devices = append(s.Devices, b.deviceStatus(d))
	}
	for _, w := range b.wirings {
		c := w.bus.Counts()
		s.Buses = append(s.Buses, control.Traffic{Name: w.name, Requests: c.Requests, Nacks: c.Nacks, Refused: c.Refused})
	}
	return s
}

func (b *Board) deviceStatus(d *installed) control.Device {
	s := control.Device{
		Name: d.spec.Name, Kind: d.spec.Kind, Bus: d.spec.Bus, Senses: d.spec.Senses,
		True: d.sensor.True(), Fault: d.sensor.Fault().String(), Flipped: d.sensor.FlippedFrames(),
	}
	if i, ok := d.sensor.(*device.Indicator); ok {
		s.Rises = i.Rises()
	}
	switch {
	case d.spec.ROM != "":
		s.Address = d.spec.ROM
		if rom, err := device.ParseROM(d.spec.ROM); err == nil {
			s.Address = device.FormatROM(rom)
		}
	case d.spec.Address != 0:
		s.Address = fmt.Sprintf("0x%02x", d.spec.Address)
	case d.spec.Kind == scenario.GNSS:
		for _, r := range b.receivers {
			if sensor(r.gnss) == d.sensor {
				s.Port, s.Bursts, s.Sentences, s.Skipped, s.Lost, s.Failed = r.path, r.sent, r.sentences, r.skipped, r.lost, r.failed
			}
		}
	}
	return s
}
