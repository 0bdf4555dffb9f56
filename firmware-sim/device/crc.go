package device

// crcMaxim is the CRC of ROM codes and scratchpads: x⁸+x⁵+x⁴+1, bits
// reflected, starting at 0 (Maxim application note 27).
func crcMaxim(data []byte) byte {
	crc := byte(0)
	for _, b := range data {
		crc ^= b
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0x8C
			} else {
				crc >>= 1
			}
		}
	}
	return crc
}

// crcSensirion is the CRC after each 16-bit word: x⁸+x⁵+x⁴+1, starting at 0xFF
// (SHT4x data sheet, "Checksum Calculation").
func crcSensirion(data []byte) byte {
	crc := byte(0xFF)
	for _, b := range data {
		crc ^= b
		for range 8 {
			if crc&0x80 != 0 {
				crc = crc<<1 ^ 0x31
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
