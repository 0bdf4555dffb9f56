package bus

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"frostline/edge/ble"
	edgebus "frostline/edge/bus"
	"frostline/edge/sensor"
	sim "frostline/firmware-sim"
	"frostline/firmware-sim/bluez"
	"frostline/firmware-sim/control"
	"frostline/firmware-sim/scenario"
	"frostline/proto/reading"
	"frostline/test/rig"
)

// privateBus starts a D-Bus of the test's own, and gives its address.
func privateBus(t *testing.T) string {
	t.Helper()
	daemon := program(t, "dbus-daemon")
	dir := t.TempDir()
	address := "unix:path=" + filepath.Join(dir, "bus")
	conf := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(conf, []byte(`<busconfig><listen>`+address+`</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>`), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(daemon, "--config-file="+conf, "--nofork")
	var said strings.Builder
	c.Stderr = &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill() // it runs until then
		_ = c.Wait()         // and says that it was killed
		if t.Failed() {
			t.Logf("dbus-daemon said %q", said.String())
		}
	})
	rig.Must(t, 10*time.Second, "the D-Bus", func() (bool, error) {
		_, err := os.Stat(filepath.Join(dir, "bus"))
		return err == nil, err
	})
	return address
}

const (
	tagAddress    = "CB:B8:33:4C:88:4F"
	loggerAddress = "54:48:E6:8F:80:A5"
	loggerKey     = "231d39c1d7cc1ab1aee224cd096db932"
)

// loggers is a board with one Bluetooth logger of each kind.
func loggers(t *testing.T, dbus, dir string) sim.Scenario {
	t.Helper()
	s, err := scenario.Parse(fmt.Appendf(nil, `
seed: 7
boards:
  - name: air
    dbus: %s
    world:
      - name: room
        room: {setpoint_c: 4.6, band_c: 0.9, cooling_w: 1500, walls_w_per_k: 25, air_kj_per_k: 150, surroundings: {base_c: 17, ambient_share: 0.3}}
    devices:
      - {name: tag, kind: ruuvi, mac: %q, period: 1s, senses: room.air, humidity: room.humidity}
      - {name: secret, kind: bthome, mac: %q, key: %s, period: 1s, senses: room.air, humidity: room.humidity}
`, dbus, tagAddress, loggerAddress, loggerKey))
	if err != nil {
		t.Fatal(err)
	}
	return s.In(dir)
}

// listener is the gateway's side.
type listener struct {
	t       *testing.T
	buses   *edgebus.Set
	began   time.Time
	drivers map[string]sensor.Driver
}

func listen(t *testing.T, dbus string) *listener {
	t.Helper()
	key := filepath.Join(t.TempDir(), "logger.key")
	if err := os.WriteFile(key, []byte(loggerKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := &listener{t: t, buses: edgebus.NewSet("", quiet), began: time.Now(), drivers: map[string]sensor.Driver{}}
	ctx, cancel := context.WithCancel(context.Background())
	var ended []chan struct{}
	for name, s := range map[string]sensor.Spec{
		"tag":    {Driver: "ruuvi", Address: tagAddress, Options: sensor.Options{MaxAge: 4 * time.Second}},
		"secret": {Driver: "bthome", Address: loggerAddress, Options: sensor.Options{MaxAge: 4 * time.Second, KeyFile: key, Measures: "temperature,humidity"}},
	} {
		s.ID, s.Bus = name, "hci0@"+dbus
		d, err := sensor.Open(s, sensor.Env{Buses: l.buses, Now: l.now, Log: quiet})
		if err != nil {
			t.Fatal(err)
		}
		l.drivers[name] = d
		end := make(chan struct{})
		ended = append(ended, end)
		go func() { defer close(end); d.(sensor.Runner).Run(ctx) }()
	}
	t.Cleanup(func() {
		cancel()
		for _, e := range ended {
			<-e
		}
	})
	return l
}

func (l *listener) now() int64 { return time.Since(l.began).Milliseconds() + 1 }

// until waits for a reading of one logger.
func (l *listener) until(name, what string, is func([]sensor.Value, error) bool) (vs []sensor.Value) {
	l.t.Helper()
	rig.Must(l.t, 30*time.Second, name+": "+what, func() (bool, error) {
		var err error
		vs, err = l.drivers[name].Read(l.t.Context())
		return is(vs, err), err
	})
	return vs
}

func measured(vs []sensor.Value, err error) bool { return err == nil && vs[0].Quality == reading.OK }

func says(text string) func([]sensor.Value, error) bool {
	return func(_ []sensor.Value, err error) bool {
		return err != nil && sensor.QualityOf(err) == reading.NoAnswer && strings.Contains(err.Error(), text)
	}
}

// Loggers of the simulator are heard over a real D-Bus: their values are the
// truth, one that falls silent has no answer, what is broken shows, and an
// adapter that is switched off, or a simulator that ends, is told as such and
// recovers.
func TestLoggersOverBluetooth(t *testing.T) {
	dbus := privateBus(t)
	dir := t.TempDir()
	world := loggers(t, dbus, dir)
	l := listen(t, dbus)
	l.until("tag", "no BlueZ yet", says("bluetoothd"))
	ctx := t.Context()
	start := func() (*sim.Simulation, *control.Client) {
		s, err := sim.Open(world, quiet)
		if err != nil {
			t.Fatal(err)
		}
		run, cancel := context.WithCancel(context.Background())
		ran := make(chan error, 1)
		go func() { ran <- s.Run(run) }()
		t.Cleanup(func() {
			cancel()
			if err := <-ran; err != nil {
				t.Error(err)
			}
		})
		c, err := control.Dial(ctx, "unix", world.Boards[0].Socket)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return s, c
	}
	s, steer := start()
	for _, name := range []string{"tag", "secret"} {
		vs := l.until(name, "a measurement", measured)
		if v := vs[0].Value; v < 3_000 || v > 7_000 || vs[0].Quantity != reading.Temperature {
			t.Errorf("%s: %+v, want the room's 4.6 °C", name, vs[0])
		}
		if v := vs[1]; v.Quantity != reading.Humidity || v.Quality != reading.OK || v.Value < 10_000 || v.Value > 100_000 {
			t.Errorf("%s: %+v, want a humidity", name, v)
		}
	}
	fault := func(device, kind string) {
		t.Helper()
		if err := steer.Fault(ctx, device, kind, nil); err != nil {
			t.Fatal(err)
		}
	}
	fault("tag", "unplugged")
	l.until("tag", "silence", says("nothing new"))
	l.until("secret", "a measurement meanwhile", measured)
	fault("tag", "none")
	l.until("tag", "a measurement again", measured)
	fault("tag", "open")
	l.until("tag", "not measured", func(vs []sensor.Value, err error) bool {
		return err == nil && vs[0].Quality == reading.NotReady && vs[0].Value == 0 && vs[1].Quality == reading.OK
	})
	fault("tag", "none")
	board, ok := s.Board("air").(interface{ Bluetooth(on bool) error })
	if !ok {
		t.Fatal("a board has no Bluetooth")
	}
	if err := board.Bluetooth(false); err != nil {
		t.Fatal(err)
	}
	l.until("secret", "the adapter off", says("powered off"))
	if err := board.Bluetooth(true); err != nil {
		t.Fatal(err)
	}
	l.until("secret", "a measurement with the adapter on", measured)
	l.until("tag", "a measurement with the adapter on", measured)
	if c := l.drivers["secret"].(*sensor.Logger).Counts(); c.Refused != 0 {
		t.Errorf("advertisements refused: %+v", c)
	}
}

// A BlueZ without monitors is asked to scan, devices nobody hears are passed
// over, and what BlueZ remembers is not taken for news.
func TestRadioScans(t *testing.T) {
	dbus := privateBus(t)
	daemon, err := bluez.Open(bluez.Options{Bus: dbus, Adapter: "hci0"})
	if err != nil {
		t.Fatal(err)
	}
	radio, err := ble.NewRadio("hci0@"+dbus, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	device, err := ble.ParseAddress(tagAddress)
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan ble.Advertisement, 10)
	hear := func() (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			radio.Hear(ctx, device, func(a ble.Advertisement) { heard <- a })
		}()
		rig.Must(t, 20*time.Second, "the radio to listen", func() (bool, error) { return daemon.Listening(), radio.Err() })
		return func() { cancel(); <-ended }
	}
	send := func(address string, b byte) {
		t.Helper()
		if err := daemon.Advertise(bluez.Advertisement{Address: address, RSSI: -70, Manufacturer: map[uint16][]byte{0x0499: {5, b}}}); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(b byte) {
		t.Helper()
		select {
		case a := <-heard:
			if got := a.Manufacturer[0x0499]; a.Address != device || len(got) != 2 || got[1] != b {
				t.Fatalf("heard %+v, want %d", a, b)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%d is not heard: %v", b, radio.Err())
		}
	}
	stop := hear()
	send("00:11:22:33:44:55", 1)
	send(tagAddress, 2)
	send(tagAddress, 3)
	expect(2)
	expect(3)
	stop()
	rig.Must(t, 20*time.Second, "the scan to end", func() (bool, error) { return !daemon.Listening(), nil })
	send(tagAddress, 4) // nobody hears
	stop = hear()
	send(tagAddress, 5)
	expect(5)
	// BlueZ restarts.
	if err := daemon.Close(); err != nil {
		t.Fatal(err)
	}
	rig.Must(t, 20*time.Second, "the loss of BlueZ to be told", func() (bool, error) { return radio.Err() != nil, nil })
	if daemon, err = bluez.Open(bluez.Options{Bus: dbus, Adapter: "hci0"}); err != nil {
		t.Fatal(err)
	}
	rig.Must(t, 20*time.Second, "the radio to listen again", func() (bool, error) { return daemon.Listening(), radio.Err() })
	send(tagAddress, 6)
	expect(6)
	stop()
	if n := radio.Heard(); n != 4 {
		t.Errorf("%d advertisements counted, want 4", n)
	}
	if err := daemon.Close(); err != nil {
		t.Error(err)
	}
}
