package bus

import (
	"fmt"
	"strconv"
	"strings"

	"periph.io/x/conn/v3/onewire"
)

// ParseROM reads the address of a 1-Wire device, either as Linux writes it,
// family and serial number, "28-0316a2794b2c", or all 64 bits with their CRC,
// highest first, "7a00000131825228".
func ParseROM(s string) (onewire.Address, error) {
	bad := func(why string) error {
		return fmt.Errorf("1-Wire address %q: %s: want it as Linux names it, such as 28-0316a2794b2c (ls /sys/bus/w1/devices), or as 16 hex digits", s, why)
	}
	family, number, linux := strings.Cut(s, "-")
	if linux {
		f, err := strconv.ParseUint(family, 16, 8)
		n, err2 := strconv.ParseUint(number, 16, 48)
		if err != nil || err2 != nil || len(family) != 2 || len(number) != 12 {
			return 0, bad("not 2 and 12 hex digits")
		}
		a := onewire.Address(n<<8 | f)
		return a | onewire.Address(onewire.CalcCRC(romBytes(a)[:7]))<<56, nil
	}
	n, err := strconv.ParseUint(s, 16, 64)
	if err != nil || len(s) != 16 {
		return 0, bad("not 16 hex digits")
	}
	if !onewire.CheckCRC(romBytes(onewire.Address(n))) {
		return 0, bad("its checksum is wrong")
	}
	return onewire.Address(n), nil
}

// FormatROM writes an address as Linux does.
func FormatROM(a onewire.Address) string {
	return fmt.Sprintf("%02x-%012x", uint8(a), uint64(a)>>8&0xffff_ffff_ffff)
}

// romBytes gives the address in the order it has on the wire.
func romBytes(a onewire.Address) []byte {
	b := make([]byte, 8)
	for i := range b {
		b[i] = byte(a >> (8 * i))
	}
	return b
}
