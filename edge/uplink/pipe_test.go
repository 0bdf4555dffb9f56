package uplink

import (
	"context"
	"net"
	"strings"
	"testing"
)

// A broker that turns a gateway away says why, and that is what is told: not
// that nothing came back.
func TestRefusalIsToldInTheBrokersWords(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := c.Read(make([]byte, 1024)); err == nil {
				_, _ = c.Write([]byte{0x20, 2, 0, 5}) // CONNACK: not authorised
			}
			defer c.Close()
		}
	}()
	for range 20 { // the client's closing and its answer race
		c := &Config{Gateway: "van-1", Address: l.Addr().String(), Timing: Timing{}.withDefaults()}
		_, err := connect(context.Background(), c, []byte("gone"), &traffic{}, func(string, []byte) {})
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), "not authorized") {
			t.Fatalf("got %v, want the broker's refusal", err)
		}
	}
}
