package device

import "testing"

func TestChecksumsOfTheDataSheets(t *testing.T) {
	// Maxim application note 27: ROM code A2 00 00 00 01 B8 1C 02.
	if got := crcMaxim([]byte{0x02, 0x1C, 0xB8, 0x01, 0x00, 0x00, 0x00}); got != 0xA2 {
		t.Errorf("crcMaxim = %#02x, want 0xa2", got)
	}
	// A scratchpad as published with the Linux w1_therm driver: 4b 01 4b 46 7f ff 05 10 e1.
	if got := crcMaxim([]byte{0x4B, 0x01, 0x4B, 0x46, 0x7F, 0xFF, 0x05, 0x10}); got != 0xE1 {
		t.Errorf("crcMaxim = %#02x, want 0xe1", got)
	}
	// SHT4x data sheet, "Checksum Calculation": 0xBEEF gives 0x92.
	if got := crcSensirion([]byte{0xBE, 0xEF}); got != 0x92 {
		t.Errorf("crcSensirion = %#02x, want 0x92", got)
	}
}

func TestROM(t *testing.T) {
	rom, err := ParseROM("28-000007a1b2c3")
	if err != nil {
		t.Fatal(err)
	}
	var b [8]byte
	for i := range b {
		b[i] = byte(rom >> (8 * i))
	}
	if b[0] != 0x28 || b[1] != 0xC3 || b[6] != 0x00 || crcMaxim(b[:]) != 0 {
		t.Errorf("ROM is % x", b)
	}
	if got := FormatROM(rom); got != "28-000007a1b2c3" {
		t.Errorf("FormatROM = %s", got)
	}
	for _, bad := range []string{"", "28", "28-", "28-0007a1b2c3", "2-8000007a1b2c3", "zz-000007a1b2c3", "28-00000zz1b2c3", "28-+00007a1b2c3"} {
		if _, err := ParseROM(bad); err == nil {
			t.Errorf("ParseROM(%q) was accepted", bad)
		}
	}
}
