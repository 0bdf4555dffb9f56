package workflow

import (
	"fmt"
	"slices"
	"time"
)

// Validate fills in defaults and fails for what cannot be, naming field and
// value.
func (c *Config) Validate() error {
	if len(c.Severities) == 0 {
		c.Severities = []string{"alarm", "critical"}
	}
	for _, s := range c.Severities {
		if known := []string{"warning", "alarm", "critical"}; !slices.Contains(known, s) {
			return fmt.Errorf("severities: %q: want some of %v", s, known)
		}
	}
	if c.Stop == "" {
		c.Stop = StopHold
	}
	if known := []string{StopHold, StopRecall, StopAsk}; !slices.Contains(known, c.Stop) {
		return fmt.Errorf("stop %q: want one of %v", c.Stop, known)
	}
	if c.Remind == 0 {
		c.Remind = 4 * time.Hour
	}
	if c.Remind < time.Minute || c.Remind > 168*time.Hour {
		return fmt.Errorf("remind %s: want 1m to 168h", c.Remind)
	}
	if c.Tries == 0 {
		c.Tries = 8
	}
	if c.Tries < 1 || c.Tries > 20 {
		return fmt.Errorf("tries %d: want 1 to 20", c.Tries)
	}
	return nil
}
