package bus

import (
	"bytes"
	"strings"
	"testing"

	"periph.io/x/conn/v3/physic"
	"periph.io/x/conn/v3/spi"
)

func TestSimSPI(t *testing.T) {
	s, set, name := simulator(t)
	b := set.SPI(name+"spi-0.0", physic.MegaHertz, spi.Mode1)
	if set.SPI(name+"spi-0.0", physic.MegaHertz, spi.Mode1) != b {
		t.Error("two handles for one chip: transactions would interleave")
	}
	exchange := func() error {
		r := make([]byte, 3)
		if err := b.Tx([]byte{1, 2, 3}, r); err != nil {
			return err
		}
		if !bytes.Equal(r, []byte{0xFE, 0xFD, 0xFC}) {
			t.Errorf("got % x", r)
		}
		return nil
	}
	if err := exchange(); err != nil {
		t.Fatal(err)
	}
	// A bus that was lost is opened again.
	s.stop()
	if err := exchange(); err == nil {
		t.Error("answered without a simulator")
	}
	s.start(t)
	if err := exchange(); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if err := b.Tx([]byte{1, 2}, make([]byte, 3)); err == nil {
		t.Error("more in than out was taken")
	}
	if err := b.Tx(make([]byte, 5000), make([]byte, 5000)); err == nil {
		t.Error("5000 bytes were taken")
	}
}

func TestNoSPI(t *testing.T) {
	_, set, _ := simulator(t)
	err := set.SPI("/dev/spidev9.9", physic.MegaHertz, spi.Mode1).Tx([]byte{1}, make([]byte, 1))
	if err == nil || !strings.Contains(err.Error(), "/dev/spidev9.9") {
		t.Errorf("got %v", err)
	}
}
