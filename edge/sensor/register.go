package sensor

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"

	"frostline/edge/bus"
	"frostline/proto/reading"
)

// Register is where in a Modbus unit a quantity is, and how it is written there.
type Register struct {
	// Quantity is what is there: temperature, compressor-setpoint, voltage and
	// whatever package reading knows. Required, once each.
	Quantity string `yaml:"quantity"`
	// Table is holding (function 3), input (4), coil (1) or discrete (2).
	// Default holding.
	Table string `yaml:"table"`
	// Address is that on the wire, 0 to 65535: 0 for what manuals may call
	// 40001. Required.
	Address string `yaml:"address"`
	// Type is int16, uint16, int32, uint32, float32 or bit. Required, but for
	// coils and discrete inputs, which are bits.
	Type string `yaml:"type"`
	// Words is high-first or low-first: which half of 32 bits has the lower
	// address. Default high-first.
	Words string `yaml:"words"`
	// Mask takes some bits of a word, such as 0x0008 for the fourth; they are
	// moved down. For unsigned integers and bit. Default all.
	Mask string `yaml:"mask"`
	// Scale and Offset make °C, %, V, Pa or what else the quantity is shown in
	// of the number: number × scale + offset. Default 1 and 0.
	Scale  float64 `yaml:"scale"`
	Offset float64 `yaml:"offset"`
	// Min and Max bound what the controller's probe measures, in that unit.
	// Default: no bound.
	Min float64 `yaml:"min"`
	Max float64 `yaml:"max"`
	// Invalid are numbers that stand for no value, as the manual writes them:
	// 0x7FFF, -32768. NaN and infinities are none at any time.
	Invalid []string `yaml:"invalid"`
}

// Number types of registers.
const (
	typeBit     = "bit"
	typeFloat32 = "float32"
)

// widths are the types, and the words they take.
var widths = map[string]uint16{typeBit: 1, "int16": 1, "uint16": 1, "int32": 2, "uint32": 2, typeFloat32: 2}

// place is a register that was checked.
type place struct {
	quantity reading.Quantity
	table    bus.ModbusTable
	address  uint16
	kind     string
	lowFirst bool
	mask     uint32 // 0: all
	scale    float64
	offset   float64
	min, max float64 // both 0: no bound
	invalid  []uint32
}

// maxInvalid bounds the codes of one register.
const maxInvalid = 16

// parse reads a register of the configuration, or says which field is wrong.
func (r Register) parse() (p place, field, value, remedy string) {
	var err error
	bad := func(f, v, want string) (place, string, string, string) { return place{}, f, v, want }
	if p.quantity, err = reading.ParseQuantity(r.Quantity); err != nil || p.quantity == reading.TemperatureRaw {
		return bad("quantity", r.Quantity, "want one such as temperature, humidity, compressor-setpoint, compressor-running, voltage or door")
	}
	p.table = bus.ModbusTable(r.Table)
	if r.Table == "" {
		p.table = bus.Holding
	}
	if !slices.Contains([]bus.ModbusTable{bus.Holding, bus.Input, bus.Coil, bus.Discrete}, p.table) {
		return bad("table", r.Table, "want holding, input, coil or discrete")
	}
	n, err := strconv.ParseUint(r.Address, 0, 16)
	if err != nil {
		return bad("address", r.Address, "want that on the wire, 0 to 65535: 0 for what a manual may call 40001")
	}
	p.address = uint16(n)
	p.kind = r.Type
	if p.table == bus.Coil || p.table == bus.Discrete {
		if p.kind = typeBit; r.Type != "" && r.Type != typeBit {
			return bad("type", r.Type, "a "+r.Table+" is a bit: leave it out")
		}
	}
	if widths[p.kind] == 0 {
		return bad("type", r.Type, "want int16, uint16, int32, uint32, float32 or bit")
	}
	if int(p.address)+int(widths[p.kind]) > 1<<16 {
		return bad("address", r.Address, "the second word would be beyond 65535")
	}
	if p.lowFirst = r.Words == "low-first"; r.Words != "" && !p.lowFirst && r.Words != "high-first" {
		return bad("words", r.Words, "want high-first or low-first")
	}
	if r.Mask != "" {
		m, err := strconv.ParseUint(r.Mask, 0, 32)
		if err != nil || m == 0 || m >= 1<<(16*widths[p.kind]) || p.kind[0] == 'i' || p.kind == typeFloat32 {
			return bad("mask", r.Mask, "want bits of an unsigned integer, such as 0x0008")
		}
		p.mask = uint32(m)
	}
	if p.scale, p.offset = r.Scale, r.Offset; p.scale == 0 {
		p.scale = 1
	}
	if math.Abs(p.scale) < 1e-6 || math.Abs(p.scale) > 1e6 {
		return bad("scale", fmt.Sprint(r.Scale), "want 0.000001 to 1000000, of either sign")
	}
	if math.Abs(p.offset) > 1e6 {
		return bad("offset", fmt.Sprint(r.Offset), "want -1000000 to 1000000")
	}
	if p.min, p.max = r.Min, r.Max; (p.min != 0 || p.max != 0) && !(p.min < p.max) {
		return bad("max", fmt.Sprint(r.Max), fmt.Sprintf("want more than min, which is %g", r.Min))
	}
	if len(r.Invalid) > maxInvalid {
		return bad("invalid", fmt.Sprint(len(r.Invalid), " codes"), fmt.Sprint("want at most ", maxInvalid))
	}
	for _, code := range r.Invalid {
		raw, ok := parseCode(code, 16*int(widths[p.kind]))
		if !ok {
			return bad("invalid", code, "want numbers as they are in the register, such as 0x7FFF or -32768")
		}
		p.invalid = append(p.invalid, raw)
	}
	return p, "", "", ""
}

// parseCode reads a number of so many bits, signed or not, as the bits it is.
func parseCode(s string, width int) (uint32, bool) {
	if n, err := strconv.ParseInt(s, 0, width); err == nil {
		return uint32(n) & (1<<width - 1), true
	}
	n, err := strconv.ParseUint(s, 0, width)
	return uint32(n), err == nil
}

// value is what the words say.
func (p place) value(words []uint16) Value {
	v := Value{Quantity: p.quantity}
	raw := uint32(words[0])
	if len(words) == 2 {
		if p.lowFirst {
			raw |= uint32(words[1]) << 16
		} else {
			raw = raw<<16 | uint32(words[1])
		}
	}
	if slices.Contains(p.invalid, raw) {
		v.Quality = reading.NoAnswer
		return v
	}
	number := p.number(raw)
	if math.IsNaN(number) || math.IsInf(number, 0) {
		v.Quality = reading.NoAnswer
		return v
	}
	number = number*p.scale + p.offset
	_, decimals := p.quantity.Unit()
	fine := math.Round(number * math.Pow10(decimals))
	if !(math.Abs(fine) <= 1<<53) { // NaN, or beyond where integers are exact
		v.Quality = reading.NoAnswer
		return v
	}
	v.Value = int64(fine)
	bounded := p.min != 0 || p.max != 0
	switch {
	case bounded && (number < p.min || number > p.max),
		p.quantity == reading.Temperature && v.Value < -273_150,
		p.quantity == reading.Humidity && (v.Value < 0 || v.Value > 100_000),
		twoState(p.quantity) && v.Value != 0 && v.Value != 1:
		v.Quality = reading.OutOfRange
	}
	return v
}

// number is what the bits mean.
func (p place) number(raw uint32) float64 {
	if p.mask != 0 {
		raw = raw & p.mask >> bits.TrailingZeros32(p.mask)
	}
	switch p.kind {
	case typeBit:
		return float64(min(raw, 1))
	case "int16":
		return float64(int16(raw))
	case "int32":
		return float64(int32(raw))
	case typeFloat32:
		return float64(math.Float32frombits(raw))
	}
	return float64(raw)
}

func twoState(q reading.Quantity) bool {
	return q == reading.Door || q == reading.Tamper || q == reading.CompressorRunning
}
