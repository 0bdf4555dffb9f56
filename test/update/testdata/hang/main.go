// Command hang is a release of the gateway agent that does nothing at all, and
// does not end when it is asked to.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

var version = "unknown"

func main() {
	if slices.Contains(os.Args, "--version") {
		fmt.Println("frostline-edge version", version)
		return
	}
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT)
	for {
		time.Sleep(time.Hour)
	}
}
