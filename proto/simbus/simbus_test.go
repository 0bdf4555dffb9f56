package simbus

import (
	"bytes"
	"testing"
)

func TestParseName(t *testing.T) {
	for in, want := range map[string]Name{
		"sim:unix:/run/van-1.sock/i2c-1": {"unix", "/run/van-1.sock", "i2c-1"},
		"sim:tcp:127.0.0.1:7001/w1":      {"tcp", "127.0.0.1:7001", "w1"},
	} {
		if got, err := ParseName(in); err != nil || got != want {
			t.Errorf("ParseName(%q) = %+v, %v, want %+v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "/dev/i2c-1", "sim:", "sim:unix:", "sim:unix:/run/a.sock/", "sim:udp:x/y", "sim:unix:noslash"} {
		if got, err := ParseName(in); err == nil {
			t.Errorf("ParseName(%q) = %+v, want an error", in, got)
		}
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{0, 1, 7})
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := ReadFrame(bytes.NewReader(data))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := WriteFrame(&out, b); err != nil || !bytes.HasPrefix(data, out.Bytes()) {
			t.Fatalf("read %x, wrote %x, %v", b, out.Bytes(), err)
		}
	})
}
