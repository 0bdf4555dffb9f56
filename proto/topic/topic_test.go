package topic

import (
	"strings"
	"testing"
)

func TestParseIsInverse(t *testing.T) {
	for _, lane := range append(append([]Lane{}, Up...), Down...) {
		for _, s := range []string{MQTT("van-1", lane), Subject("van-1", lane)} {
			if g, l, err := Parse(s); err != nil || g != "van-1" || l != lane {
				t.Errorf("Parse(%q) = %q, %q, %v", s, g, l, err)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, s := range []string{"", "frost", "frost/1/van-1", "frost/2/van-1/live", "frost/1/VAN/live", "frost/1/+/live", "frost/1/a/live", "frost/1/van-1/live/more", "frost/1/" + strings.Repeat("a", 41) + "/live"} {
		if g, l, err := Parse(s); err == nil {
			t.Errorf("Parse(%q) = %q, %q, want an error", s, g, l)
		}
	}
}
