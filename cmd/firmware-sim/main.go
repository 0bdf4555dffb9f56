// Command firmware-sim runs simulated sensor boards and breaks them on demand.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run()) }

// run gives the exit status: 0 for a clean end, 1 for an error.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal ends cleanly; after it a second one kills.
	context.AfterFunc(ctx, stop)
	if err := root().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "firmware-sim:", err)
		return 1
	}
	return 0
}

func root() *cobra.Command {
	c := &cobra.Command{
		Use:   "firmware-sim",
		Short: "Run simulated sensor boards and break them on demand",
		Long: `Run simulated sensor boards: DS18B20 on 1-Wire, SHT4x and MCP9808 on I²C, a
GNSS receiver on a serial line, a door contact, with the physics of cold rooms,
insulated boxes and vans behind them. A gateway reaches them as it reaches
hardware; only the bus name differs.`,
		Example: `  firmware-sim run --demo --dir /tmp/boards
  firmware-sim status --socket /tmp/boards/sodo-cold.sock
  firmware-sim fault --socket /tmp/boards/sodo-cold.sock probe-1 unplugged`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	c.AddCommand(runCommand(), faultCommand(), statusCommand(), scenarioCommand())
	return c
}
