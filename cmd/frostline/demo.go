package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"frostline/cmd/frostline/demo"
)

func init() { more = append(more, demoCommand) }

func demoCommand(*options) *cobra.Command {
	var o demo.Options
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show a whole cold chain on this machine",
		Long: `demo runs a hub, simulated sensors, and a gateway agent for each of three zones
and two vehicles: the real programs, each with files of its own. The first time
the gateways begin with eight hours recorded without a network, so that a
backlog is seen draining while live readings arrive. Ctrl-C ends it; starting it
again goes on. Remove the folder to begin anew.

On a terminal, keys 1 to 5 pull and restore the link of a gateway.`,
		Example: "  frostline demo\n  frostline demo --dir /tmp/frostline --hours 1h",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			if o.Hours < 0 || o.Hours > 31*24*time.Hour {
				return usageError{fmt.Errorf("--hours %s: want 0s to 744h", o.Hours)}
			}
			o.Bin, o.Out, o.In = filepath.Dir(self), cmd.OutOrStdout(), os.Stdin
			return demo.Run(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.Dir, "dir", ".demo", "folder that everything is kept in")
	cmd.Flags().DurationVar(&o.Hours, "hours", 8*time.Hour, "time recorded before the first start")
	return cmd
}
