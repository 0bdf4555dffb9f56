package device

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Family codes, in the lowest byte of a ROM.
const (
	FamilyDS18B20 = 0x28
	FamilyDS18S20 = 0x10
)

// ParseROM reads a ROM code as Linux writes it, family and 48-bit serial
// number as in "28-00000a1b2c3d", and adds the checksum.
func ParseROM(s string) (uint64, error) {
	family, serial, _ := strings.Cut(s, "-")
	f, err := strconv.ParseUint(family, 16, 8)
	if err != nil || len(family) != 2 || len(serial) != 12 {
		return 0, fmt.Errorf("1-Wire ROM %q: want 2 hexadecimal digits of family, '-' and 12 of serial number, as in 28-00000a1b2c3d", s)
	}
	n, err := strconv.ParseUint(serial, 16, 48)
	if err != nil {
		return 0, fmt.Errorf("1-Wire ROM %q: the serial number is not hexadecimal", s)
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n<<8|f)
	b[7] = crcMaxim(b[:7])
	return binary.LittleEndian.Uint64(b[:]), nil
}

// FormatROM is the inverse of ParseROM.
func FormatROM(rom uint64) string {
	return fmt.Sprintf("%02x-%012x", rom&0xFF, rom>>8&(1<<48-1))
}
