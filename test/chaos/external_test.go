package chaos

import (
	"testing"
	"time"
)

// TestPromise1AccountedWithMosquitto is the storm again with a broker that is
// killed too. The hub has printed its configuration.
func TestPromise1AccountedWithMosquitto(t *testing.T) { t.Parallel(); stormOver(t, "mosquitto") }

// TestPromise1AccountedWithNATS is the storm again with a NATS server between
// gateways and hub.
func TestPromise1AccountedWithNATS(t *testing.T) { t.Parallel(); stormOver(t, "nats") }

func stormOver(t *testing.T, kind string) {
	if testing.Short() {
		t.Skip("left out by -short: the same as TestPromise1Accounted with another broker")
	}
	began := time.Now()
	s := build(t, seeded(t), layout{gateways: 2, broker: kind})
	w := weather{kills: 12, rounds: 2, up: 2500 * time.Millisecond, down: 600 * time.Millisecond, victims: s.machines()}
	s.startAll()
	s.settle()
	for round := range w.rounds {
		s.storm(w, round)
		s.settle()
		s.blackout()
		s.startAll()
	}
	s.settle()
	s.finish()
	s.must(s.broker.kill())
	s.tell(began)
}
