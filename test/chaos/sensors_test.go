package chaos

import (
	"fmt"
	"path/filepath"
	"strings"
)

// What hangs on each gateway: five thermometers with humidity and four without,
// on two buses, read as often as they can be.
const (
	hasty  = "200ms"
	slower = "400ms"
)

var thermometers = []struct {
	name, kind, bus, address, interval string
}{
	{"air-1", "sht4x", "i2c-1", "0x44", hasty},
	{"air-2", "sht4x", "i2c-1", "0x45", hasty},
	{"air-3", "sht4x", "i2c-1", "0x46", hasty},
	{"air-4", "sht4x", "i2c-2", "0x44", hasty},
	{"air-5", "sht4x", "i2c-2", "0x45", hasty},
	{"wall-1", "mcp9808", "i2c-1", "0x18", slower},
	{"wall-2", "mcp9808", "i2c-1", "0x19", slower},
	{"wall-3", "mcp9808", "i2c-2", "0x18", slower},
	{"wall-4", "mcp9808", "i2c-2", "0x1f", slower},
}

// configuration writes a gateway's. Its journal keeps what is acknowledged, so
// that it can be compared, unless it is to forget it, in small files, so that
// many are finished.
func (s *site) configuration(g *gateway, l layout) string {
	var b strings.Builder
	fmt.Fprintf(&b, `gateway: %s
data: %s
hub: {address: "%s"}
panel: {listen: "off"}
journal:
  segment-size: 64KiB
  max-size: 256MiB
  keep-acknowledged: %s
%ssensors:
`, g.id, g.data, g.link.Addr(), map[bool]string{false: "1000h", true: "0s"}[l.forget], l.journal)
	for i, d := range thermometers {
		interval := d.interval
		if l.few {
			if i > 1 {
				break
			}
			interval = "1s"
		}
		fmt.Fprintf(&b, "  - {id: %s, driver: %s, bus: \"sim:unix:%s/%s\", address: %s, interval: %s}\n",
			d.name, d.kind, filepath.Join(s.dir, g.id+".sock"), d.bus, d.address, interval)
	}
	return b.String()
}

// scenario is the physics behind all gateways' sensors.
func (s *site) scenario() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed: %d\nboards:\n", s.below(1<<30))
	for _, g := range s.gateways {
		fmt.Fprintf(&b, `  - name: %s
    world:
      - name: room
        room:
          setpoint_c: 4.6
          cooling_w: 1500
          walls_w_per_k: 25
          door_w_per_k: 250
          air_kj_per_k: 150
          goods_kj_per_k: 3000
          goods_w_per_k: 120
          surroundings: {base_c: 17, ambient_share: 0.3}
    devices:
`, g.id)
		for _, d := range thermometers {
			more := ""
			if d.kind == "sht4x" {
				more = ", humidity: room.humidity"
			}
			fmt.Fprintf(&b, "      - {name: %s, kind: %s, bus: %s, address: %s, senses: room.air%s}\n", d.name, d.kind, d.bus, d.address, more)
		}
	}
	return b.String()
}
