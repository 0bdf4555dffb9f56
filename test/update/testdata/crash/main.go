// Command crash is a release of the gateway agent that ends as soon as it is
// started.
package main

import (
	"fmt"
	"os"
	"slices"
)

var version = "unknown"

func main() {
	if slices.Contains(os.Args, "--version") {
		fmt.Println("frostline-edge version", version)
		return
	}
	os.Exit(3)
}
