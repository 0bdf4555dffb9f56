package sensor

import (
	"encoding/binary"

	"periph.io/x/conn/v3/i2c"
)

// registers is a part on I²C whose registers are words, high byte first.
type registers struct{ dev i2c.Dev }

// word reads a register.
func (d registers) word(register byte) (uint16, error) {
	var b [2]byte
	if err := d.dev.Tx([]byte{register}, b[:]); err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint16(b[:]), nil
}
