// Package version says which build this is.
package version

import "runtime/debug"

// Version is set by the linker (see the Makefile).
var Version = ""

// String gives the version set at build time, else the revision that the Go
// tool recorded, else "unknown".
func String() string {
	if Version != "" {
		return Version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return s.Value[:12]
			}
		}
	}
	return "unknown"
}
