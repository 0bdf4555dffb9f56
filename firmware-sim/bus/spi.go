package bus

import (
	"time"

	"frostline/proto/simbus"
)

// SPIDevice is a chip on an SPI bus.
type SPIDevice interface {
	// Transfer is one transaction with the chip selected: as many bytes come
	// back as go out. A line that nobody drives reads as ones.
	Transfer(now time.Duration, w []byte) []byte
}

// SPI is an SPI bus with one chip select, and so with one chip.
type SPI struct {
	device SPIDevice
	counts Counts
}

// NewSPI makes a bus with its chip.
func NewSPI(d SPIDevice) *SPI { return &SPI{device: d} }

// Attach gives a client its access. A transaction is one request, so that no
// state is kept between them.
func (b *SPI) Attach() Master { return b }

// Counts says what has happened on the bus so far.
func (b *SPI) Counts() Counts { return b.counts }

// Do executes one request.
func (b *SPI) Do(now time.Duration, request []byte) ([]byte, time.Duration) {
	b.counts.Requests++
	if len(request) < 1 || simbus.Op(request[0]) != simbus.OpSPI {
		return b.counts.refuse("an SPI bus takes operation %d alone", simbus.OpSPI), 0
	}
	if len(request)-1 > maxRead {
		return b.counts.refuse("SPI transaction of %d bytes: the limit is %d", len(request)-1, maxRead), 0
	}
	return ok(b.device.Transfer(now, request[1:])...), 0
}
