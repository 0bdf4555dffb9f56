// Package topic names the MQTT topics between a gateway and the hub, and the
// NATS subjects they map to.
package topic

import (
	"fmt"
	"regexp"
	"strings"
)

// Lane is the last part of a topic: what travels on it.
type Lane string

const (
	Live    Lane = "live"    // gateway → hub: parcels of fresh blocks
	Backlog Lane = "backlog" // gateway → hub: parcels of older blocks
	Seal    Lane = "seal"    // gateway → hub: signed chain heads
	State   Lane = "state"   // gateway → hub, retained: birth and last will
	Ack     Lane = "ack"     // hub → gateway: what is committed, credit, hub time
	Config  Lane = "config"  // hub → gateway, retained: signed desired state
	Command Lane = "command" // hub → gateway
)

// Up lists the lanes a gateway may publish, Down those it may subscribe to.
var (
	Up   = []Lane{Live, Backlog, Seal, State}
	Down = []Lane{Ack, Config, Command}
)

var gatewayID = regexp.MustCompile(`^[a-z0-9-]{3,40}$`)

// CheckGateway says whether id is a gateway id: 3 to 40 of a-z, 0-9 and '-'.
func CheckGateway(id string) error {
	if !gatewayID.MatchString(id) {
		return fmt.Errorf("gateway id %q: want 3 to 40 characters of a-z, 0-9 and '-'", id)
	}
	return nil
}

// MQTT gives the topic of a gateway's lane. Gateway "+" subscribes to all.
func MQTT(gateway string, lane Lane) string { return "frost/1/" + gateway + "/" + string(lane) }

// Subject gives the NATS subject that an MQTT listener maps MQTT(…) to.
func Subject(gateway string, lane Lane) string { return "frost.1." + gateway + "." + string(lane) }

// Parse takes an MQTT topic or a NATS subject apart.
func Parse(s string) (gateway string, lane Lane, err error) {
	parts := strings.Split(strings.ReplaceAll(s, "/", "."), ".")
	if len(parts) != 4 || parts[0] != "frost" || parts[1] != "1" {
		return "", "", fmt.Errorf("topic %q: want frost/1/GATEWAY/LANE", s)
	}
	if err := CheckGateway(parts[2]); err != nil {
		return "", "", fmt.Errorf("topic %q: %w", s, err)
	}
	return parts[2], Lane(parts[3]), nil
}
