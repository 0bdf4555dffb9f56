package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"

	"frostline/test/rig"
)

// journalDisk runs the journal's own benchmark, which counts the sectors that
// reach a loop device with ext4 on it, the file system's journal included.
func journalDisk(ctx context.Context, _ string, r *report) error {
	cmd := exec.CommandContext(ctx, "go", "test", "./edge/journal", "-run", "^$", "-bench", "^BenchmarkAppend$/^60$", "-benchtime", "1000x")
	cmd.Dir = rig.Root()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	for _, m := range []struct{ unit, name, aim string }{
		{"device-B/reading", "edge, written to flash, 60 readings a commit", "<= 500"},
		{"kept-B/reading", "edge, file size while 60,000 readings wait", ""},
	} {
		found := regexp.MustCompile(`([0-9.]+) ` + m.unit).FindSubmatch(out)
		if found == nil {
			fmt.Printf("{\"name\":%q,\"note\":\"not measured: it needs root and a loop device\"}\n", m.name)
			continue
		}
		v, err := strconv.ParseFloat(string(found[1]), 64)
		if err != nil {
			return err
		}
		r.add(m.name, v, "B/reading", m.aim, "sectors of the device, ext4 and its journal included")
	}
	return nil
}
