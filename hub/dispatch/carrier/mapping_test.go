package carrier_test

import (
	"os"
	"strings"
	"testing"

	"frostline/hub/dispatch/carrier"
)

func TestTheExampleIsAMapping(t *testing.T) {
	m, err := carrier.Parse([]byte(carrier.Example))
	if err != nil {
		t.Fatal(err)
	}
	if m.Carrier != "swift" || len(m.Tasks.Triggers) != 5 {
		t.Errorf("%+v", m)
	}
}

func TestAFileWithAMistakeIsRefusedWhole(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"carrier: swift", "carrier: Swift Inc", "carrier:"},
		{"party: swift-couriers", "party: a/b", "party:"},
		{"scheme: hmac-sha256", "scheme: md5", "incoming.authentication.scheme"},
		{"shipment: /delivery/reference", "shipment: delivery", "incoming.fields.shipment"},
		{"time: /occurred_at", "", "incoming.fields.time"},
		{"DELIVERED: {stop: completed}", "DELIVERED: {stop: finished}", "incoming.statuses.DELIVERED.stop"},
		{"DELIVERED: {stop: completed}", "DELIVERED: {}", "incoming.statuses.DELIVERED"},
		{"ASSIGNED: {ignore: true}", "ASSIGNED: {ignore: true, stop: arrived}", "incoming.statuses.ASSIGNED.ignore"},
		{"{format: rfc3339}", "{format: 'DD.MM.YYYY hh:mm'}", "incoming.time.zone"},
		{"{format: rfc3339}", "{format: 'MM/DD', zone: UTC}", "incoming.time.format"},
		{"assumed-accuracy: 50", "", "incoming.fields.assumed-accuracy"},
		{"https://api.swift.example/v2/deliveries\n", "http://api.swift.example/v2\n", "booking.url"},
		{`"{load}"`, `"{weight}"`, "booking.body.weight_g"},
		{"eta-within: 15m", "eta-within: 15h", "tasks.eta-within"},
		{"timestamp: X-Swift-Timestamp", "", "incoming.authentication.timestamp"},
		{"events: /events", "event: /events", "unknown field"},
	} {
		if !strings.Contains(carrier.Example, c.old) {
			t.Fatalf("%q is not in the example", c.old)
		}
		_, err := carrier.Parse([]byte(strings.Replace(carrier.Example, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s for %s: %v; want %s", c.new, c.old, err, c.want)
		}
	}
	if _, err := carrier.Parse(nil); err == nil {
		t.Error("an empty file is taken")
	}
}

func TestSecretsAreOnlyForTheirOwner(t *testing.T) {
	path := mapping(t, "swift", "http://127.0.0.1:1")
	if _, err := carrier.Load(path); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(b), "secret-files: [")
	file, _, _ := strings.Cut(after, "]")
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := carrier.Load(path); err == nil || !strings.Contains(err.Error(), "chmod 0600") {
		t.Errorf("a secret that others can read: %v", err)
	}
	if err := os.WriteFile(file, []byte("short"), 0o600); err != nil || os.Chmod(file, 0o600) != nil {
		t.Fatal(err)
	}
	if _, err := carrier.Load(path); err == nil || !strings.Contains(err.Error(), "at least 16 bytes") {
		t.Errorf("a short secret: %v", err)
	}
}
