package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	sim "frostline/firmware-sim"
	"frostline/firmware-sim/scenario"
)

func runCommand() *cobra.Command {
	var file, dir string
	var demo, verbose bool
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the boards of a scenario until a signal",
		Long: `Run the boards of a scenario until SIGINT or SIGTERM, then remove their
sockets and serial lines. Each board has one Unix socket for its buses and its
control; a gateway names a bus as sim:unix:SOCKET/BUS.

Without --scenario the demonstration runs: a site of three zones and two vans.`,
		Example: `  firmware-sim run --demo --dir /tmp/boards
  firmware-sim scenario > mine.yaml && firmware-sim run --scenario mine.yaml --dir /tmp/boards`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			level := slog.LevelInfo
			if verbose {
				level = slog.LevelDebug
			}
			log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
			s := scenario.Demo()
			switch {
			case file != "":
				var err error
				if s, err = scenario.Load(file); err != nil {
					return err
				}
			case !demo:
				log.Info("no --scenario given, running the demonstration")
			}
			if !cmd.Flags().Changed("dir") {
				log.Info("no --dir given", "dir", dir)
			}
			s = s.In(dir)
			boards, err := sim.Open(s, log)
			if err != nil {
				return err
			}
			show(cmd.OutOrStdout(), s)
			if err := boards.Run(cmd.Context()); err != nil {
				return err
			}
			log.Info("stopped")
			return nil
		},
	}
	c.Flags().StringVar(&file, "scenario", "", "YAML file that describes the boards")
	c.Flags().BoolVar(&demo, "demo", false, "run the demonstration")
	c.Flags().StringVar(&dir, "dir", filepath.Join(os.TempDir(), "firmware-sim"), "folder for relative socket and serial line paths")
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "log connections that end as well")
	c.MarkFlagsMutuallyExclusive("scenario", "demo")
	return c
}

// show lists what there is to connect to.
func show(w io.Writer, s sim.Scenario) {
	for _, b := range s.Boards {
		var buses []string
		seen := map[string]bool{}
		ports := ""
		for _, d := range b.Devices {
			if d.Bus != "" && !seen[d.Bus] {
				seen[d.Bus] = true
				buses = append(buses, d.Bus)
			}
			if d.Pty != "" {
				ports += "  gnss " + d.Pty
			}
		}
		fmt.Fprintf(w, "%s  %s  %s%s\n", b.Name, b.Socket, strings.Join(buses, " "), ports)
	}
}

func scenarioCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "scenario",
		Short:   "Print the scenario of the demonstration, to start one's own from",
		Example: `  firmware-sim scenario > mine.yaml`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(scenario.DemoYAML())
			return err
		},
	}
}
