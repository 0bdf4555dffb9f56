package device_test

import (
	"encoding/hex"
	"testing"
	"time"

	"frostline/firmware-sim/device"
	"frostline/firmware-sim/fault"
)

// still is a signal that stays where it is.
func still(v float64, name string) *device.Signal {
	return device.NewSignal(func() float64 { return v }, 1, name, 0)
}

// The examples of the two specifications, sent.
func TestLoggersAdvertise(t *testing.T) {
	tag, err := device.ParseMAC("CB:B8:33:4C:88:4F")
	if err != nil {
		t.Fatal(err)
	}
	r := device.NewRuuvi(1, "tag", tag, 5*time.Second, still(24.3, "t"), still(53.49, "h"))
	r.Count(205)
	a, ok := r.Advertise(4 * time.Second)
	if got := hex.EncodeToString(a.Manufacturer); !ok || a.Company != 0x0499 || got[:10] != "0512fc5394" || got[32:] != "00cdcbb8334c884f" {
		t.Errorf("ruuvi: %s", got)
	}
	if a, _ = r.Advertise(5 * time.Second); a.Manufacturer[17] != 206 {
		t.Errorf("the next measurement is number %d", a.Manufacturer[17])
	}
	address, err := device.ParseMAC("54:48:E6:8F:80:A5")
	if err != nil {
		t.Fatal(err)
	}
	key, err := hex.DecodeString("231d39c1d7cc1ab1aee224cd096db932")
	if err != nil {
		t.Fatal(err)
	}
	b := device.NewBTHome(1, "logger", address, key, time.Second, still(25.06, "t"), still(50.55, "h"))
	b.Count(0x33221100)
	if a, _ = b.Advertise(0); hex.EncodeToString(a.Service) != "41a47266c95f730011223378237214" {
		t.Errorf("bthome, encrypted: %x", a.Service)
	}
	b = device.NewBTHome(1, "logger", address, nil, time.Second, still(25.06, "t"), still(50.55, "h"))
	if a, _ = b.Advertise(7 * time.Second); hex.EncodeToString(a.Service) != "40000702ca0903bf13" {
		t.Errorf("bthome: %x", a.Service)
	}
	f, err := fault.New("unplugged", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.SetFault(f, 0); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.Advertise(0); ok {
		t.Error("a logger without battery sends")
	}
	if _, err := device.ParseMAC("CB:B8:33:4C:88"); err == nil {
		t.Error("five bytes are an address")
	}
}
