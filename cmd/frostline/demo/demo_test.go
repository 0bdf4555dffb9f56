package demo

import (
	"net"
	"testing"
)

// Where the usual ports of MQTT and enrolment are in use, each gets one of its
// own.
func TestPortsAreTakenOnce(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	at := busy.Addr().(*net.TCPAddr).Port
	taken := map[int]bool{}
	first, second := pick(at, 1, taken), pick(at, 1, taken)
	if first == at || second == at || first == second {
		t.Errorf("ports %d and %d were picked while %d is in use: want two others", first, second, at)
	}
}
