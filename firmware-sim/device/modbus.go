package device

import (
	"encoding/binary"
	"math"
	"time"

	"frostline/firmware-sim/fault"
)

// Modbus is a unit on Modbus, such as the controller of a cold room, with
// registers to read
// (https://modbus.org/docs/Modbus_Application_Protocol_V1_1b3.pdf). Writes are
// refused.
type Modbus struct {
	health
	unit   byte
	serial bool
	places []*ModbusRegister
}

// ModbusRegister is a value and where it is.
type ModbusRegister struct {
	Function byte // 1 coils, 2 discrete inputs, 3 holding, 4 input registers
	Address  uint16
	Kind     string // int16, uint16, int32, uint32, float32 or bit
	LowFirst bool   // of two words
	Scale    float64
	Signal   *Signal
}

// Exceptions of the protocol.
const (
	modbusIllegalFunction = 1
	modbusIllegalAddress  = 2
	modbusIllegalValue    = 3
)

// NewModbus makes a unit; serial says that its frames have checksums, which can
// be wrong.
func NewModbus(seed uint64, name string, unit byte, serial bool, places []*ModbusRegister) *Modbus {
	return &Modbus{health: newHealth(seed, name), unit: unit, serial: serial, places: places}
}

// Unit is its number on the line.
func (d *Modbus) Unit() byte { return d.unit }

// True is what its first register is exposed to.
func (d *Modbus) True() float64 { return d.places[0].Signal.True() }

// SetFault makes something go wrong, or right again. What concerns a value
// concerns that of the first register.
func (d *Modbus) SetFault(f fault.Fault, now time.Duration) error {
	possible := []fault.Kind{fault.None, fault.Unplugged, fault.Stuck, fault.Noisy, fault.NoValue, fault.Drift}
	if d.serial {
		possible = append(possible, fault.CRC)
	}
	if err := d.accept("modbus", f, possible...); err != nil {
		return err
	}
	d.places[0].Signal.setFault(f, now)
	d.fault = f
	return nil
}

// Answer gives the answer to a request, both without unit and checksum; nil
// where the unit is silent.
func (d *Modbus) Answer(now time.Duration, request []byte) []byte {
	if d.fault.Kind == fault.Unplugged || len(request) == 0 {
		return nil
	}
	function := request[0]
	refuse := func(why byte) []byte { return []byte{function | 0x80, why} }
	if function < 1 || function > 4 {
		return refuse(modbusIllegalFunction)
	}
	if len(request) != 5 {
		return refuse(modbusIllegalValue)
	}
	first, n := int(binary.BigEndian.Uint16(request[1:])), int(binary.BigEndian.Uint16(request[3:]))
	if limit := map[bool]int{true: 2000, false: 125}[function <= 2]; n < 1 || n > limit {
		return refuse(modbusIllegalValue)
	}
	words := make([]uint16, n)
	have := make([]bool, n)
	for i, p := range d.places {
		if p.Function != function {
			continue
		}
		for j, w := range p.words(now, i == 0 && d.fault.Kind == fault.NoValue) {
			if at := int(p.Address) + j - first; at >= 0 && at < n {
				words[at], have[at] = w, true
			}
		}
	}
	for _, h := range have {
		if !h {
			return refuse(modbusIllegalAddress)
		}
	}
	if function <= 2 {
		bits := make([]byte, (n+7)/8)
		for i, w := range words {
			bits[i/8] |= byte(w&1) << (i % 8)
		}
		return append([]byte{function, byte(len(bits))}, bits...)
	}
	answer := []byte{function, byte(2 * n)}
	for _, w := range words {
		answer = binary.BigEndian.AppendUint16(answer, w)
	}
	return answer
}

// Frame is an answer as it goes over a serial line, which may lose a bit.
func (d *Modbus) Frame(answer []byte) []byte {
	frame := append([]byte{d.unit}, answer...)
	frame = binary.LittleEndian.AppendUint16(frame, CRCModbus(frame))
	if d.fault.Kind == fault.CRC {
		d.flips.spoil(frame, d.fault.Value)
	}
	return frame
}

// words is the value as it is in the registers, or the code for none.
func (p *ModbusRegister) words(now time.Duration, none bool) []uint16 {
	v := math.Round(p.Signal.At(now) / p.Scale)
	var raw uint32
	switch p.Kind {
	case "bit":
		if v >= 0.5 {
			return []uint16{1}
		}
		return []uint16{0}
	case "float32":
		raw = math.Float32bits(float32(p.Signal.At(now) / p.Scale))
		if none {
			raw = math.Float32bits(float32(math.NaN()))
		}
	case "int16", "uint16":
		if none {
			return []uint16{0x7FFF}
		}
		return []uint16{uint16(int64(math.Max(-32768, math.Min(65535, v))))}
	default:
		raw = uint32(int64(math.Max(math.MinInt32, math.Min(math.MaxUint32, v))))
		if none {
			raw = 0x7FFFFFFF
		}
	}
	high, low := uint16(raw>>16), uint16(raw)
	if p.LowFirst {
		return []uint16{low, high}
	}
	return []uint16{high, low}
}

// CRCModbus is the checksum of a serial frame: x¹⁶+x¹⁵+x²+1, bits reflected,
// starting at 0xFFFF (Modbus over Serial Line, "CRC Generation").
func CRCModbus(data []byte) uint16 {
	crc := uint16(0xFFFF)
	for _, b := range data {
		crc ^= uint16(b)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0xA001
			} else {
				crc >>= 1
			}
		}
	}
	return crc
}
