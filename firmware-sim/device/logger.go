package device

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"time"

	"frostline/firmware-sim/fault"
)

// Advertisement is what a logger sends over the air: data of its maker, or of
// the BTHome service.
type Advertisement struct {
	Company      uint16 // 0 for none
	Manufacturer []byte
	Service      []byte
}

// Logger is a Bluetooth logger of temperature and humidity. It measures once a
// period and sends each measurement once a second until the next, with the same
// number, as battery-powered ones do.
type Logger struct {
	health
	kind        string
	address     [6]byte
	key         []byte // of one that encrypts
	period      time.Duration
	temperature *Signal
	humidity    *Signal
	first       uint32 // number of the measurement at time 0
}

// NewRuuvi makes a RuuviTag that sends data format 5.
func NewRuuvi(seed uint64, name string, address [6]byte, period time.Duration, temperature, humidity *Signal) *Logger {
	return &Logger{health: newHealth(seed, name), kind: "ruuvi", address: address, period: period, temperature: temperature, humidity: humidity}
}

// NewBTHome makes a logger that sends BTHome version 2, encrypted where there
// is a key of 16 bytes.
func NewBTHome(seed uint64, name string, address [6]byte, key []byte, period time.Duration, temperature, humidity *Signal) *Logger {
	return &Logger{health: newHealth(seed, name), kind: "bthome", address: address, key: key, period: period, temperature: temperature, humidity: humidity}
}

// ParseMAC reads an address such as CB:B8:33:4C:88:4F.
func ParseMAC(s string) (a [6]byte, err error) {
	b, err := hex.DecodeString(strings.ReplaceAll(s, ":", ""))
	if err != nil || len(b) != 6 || len(s) != 17 {
		return a, fmt.Errorf("address %q: want six bytes such as CB:B8:33:4C:88:4F", s)
	}
	return [6]byte(b), nil
}

// True is the temperature at the element, °C.
func (d *Logger) True() float64 { return d.temperature.True() }

// Count has measurements numbered from a number on, as they go on with one that
// has run for a while; a new battery begins with 0.
func (d *Logger) Count(first uint32) { d.first = first }

// SetFault makes something go wrong, or right again. Unplugged is a battery
// that is empty.
func (d *Logger) SetFault(f fault.Fault, now time.Duration) error {
	if err := d.accept(d.kind, f, fault.None, fault.Unplugged, fault.Stuck, fault.Noisy, fault.Drift, fault.Open); err != nil {
		return err
	}
	d.temperature.setFault(f, now)
	d.humidity.setOther(f, now)
	d.fault = f
	return nil
}

// Advertise gives what the logger sends at a time; ok is false while it is
// silent.
func (d *Logger) Advertise(now time.Duration) (a Advertisement, ok bool) {
	if d.fault.Kind == fault.Unplugged {
		return a, false
	}
	n := now / d.period
	t, h := d.temperature.At(n*d.period), d.humidity.At(n*d.period)
	if d.fault.Kind == fault.Open {
		t = math.NaN()
	}
	number := d.first + uint32(n)
	if d.kind == "ruuvi" {
		return Advertisement{Company: 0x0499, Manufacturer: d.ruuvi(number, t, h)}, true
	}
	return Advertisement{Service: d.bthome(number, t, h)}, true
}

// ruuvi is data format 5, big endian: temperature in 0.005 °C, humidity in
// 0.0025 %, pressure from 50 kPa in Pa, acceleration in mg, battery from 1.6 V
// in mV with the transmitter's power from -40 dBm in 2 dBm, movements, number.
func (d *Logger) ruuvi(number uint32, t, h float64) []byte {
	b := make([]byte, 24)
	b[0] = 5
	temperature := int16(math.MinInt16) // not measured
	if !math.IsNaN(t) {
		temperature = int16(math.Round(t / 0.005))
	}
	binary.BigEndian.PutUint16(b[1:], uint16(temperature))
	binary.BigEndian.PutUint16(b[3:], uint16(math.Round(h/0.0025)))
	binary.BigEndian.PutUint16(b[5:], 101_325-50_000)
	binary.BigEndian.PutUint16(b[11:], 1000)
	binary.BigEndian.PutUint16(b[13:], (2977-1600)<<5|22)
	binary.BigEndian.PutUint16(b[16:], uint16(number%0xFFFF))
	copy(b[18:], d.address[:])
	return b
}

// bthome is version 2: number, temperature and humidity in hundredths, little
// endian, and where there is a key all of it encrypted.
func (d *Logger) bthome(number uint32, t, h float64) []byte {
	var b []byte
	if !math.IsNaN(t) { // BTHome cannot say "not measured"
		b = binary.LittleEndian.AppendUint16(append(b, 0x02), uint16(int16(math.Round(t*100))))
	}
	b = binary.LittleEndian.AppendUint16(append(b, 0x03), uint16(math.Round(h*100)))
	if d.key == nil {
		return append([]byte{0x40, 0x00, byte(number)}, b...)
	}
	const info = 0x41
	counter := binary.LittleEndian.AppendUint32(nil, number)
	nonce := append(append(append([]byte{}, d.address[:]...), 0xD2, 0xFC, info), counter...)
	sealed, tag := seal(d.key, nonce, b)
	return append(append(append([]byte{info}, sealed...), counter...), tag...)
}

// seal encrypts with AES-CCM (RFC 3610), with a tag of four bytes and a length
// of two.
func seal(key, nonce, plain []byte) (sealed, tag []byte) {
	c, err := aes.NewCipher(key)
	if err != nil { // checked before
		panic(err)
	}
	block := func(flags byte, last int) []byte {
		b := append([]byte{flags}, nonce...)
		return append(b, byte(last>>8), byte(last))
	}
	mac := make([]byte, 16)
	c.Encrypt(mac, block(0x09, len(plain)))
	for i := 0; i < len(plain); i += 16 {
		part := make([]byte, 16)
		copy(part, plain[i:])
		subtle.XORBytes(mac, mac, part)
		c.Encrypt(mac, mac)
	}
	sealed, tag = make([]byte, len(plain)), make([]byte, 4)
	cipher.NewCTR(c, block(1, 1)).XORKeyStream(sealed, plain)
	cipher.NewCTR(c, block(1, 0)).XORKeyStream(tag, mac[:4])
	return sealed, tag
}
