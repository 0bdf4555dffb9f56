package story

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"frostline/test/rig"
)

// runReadme runs the README's commands as they stand, in a folder where bin,
// docs and .demo are what they are after make demo.
func runReadme(t *testing.T, demo string) {
	t.Helper()
	bin, err := rig.Build()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, at := range map[string]string{"bin": bin, "docs": filepath.Join(rig.Root(), "docs"), ".demo": demo} {
		if err := os.Symlink(at, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	commands, err := rig.ReadmeCommands()
	if err != nil {
		t.Fatal(err)
	}
	if len(commands) < 10 {
		t.Errorf("found %d commands in the README, want those about the hub, the evidence and the thermal engine: %q", len(commands), commands)
	}
	for _, line := range commands {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		shell := line
		if strings.Contains(line, "frostline tail ") { // it goes on until it is interrupted
			shell = "read first < <(exec " + line + ") && echo \"$first\""
		}
		cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", shell)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		cancel()
		if err != nil || len(out) == 0 && !strings.Contains(line, " > ") {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
}
