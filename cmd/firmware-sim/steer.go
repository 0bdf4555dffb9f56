package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"sort"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"frostline/firmware-sim/control"
	"frostline/firmware-sim/fault"
)

// answerTimeout bounds a command that asks a running board.
const answerTimeout = 10 * time.Second

// ask connects to a board and does one thing.
func ask(ctx context.Context, socket string, do func(context.Context, *control.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	network, address := "unix", socket
	if tcp, ok := strings.CutPrefix(socket, "tcp:"); ok {
		network, address = "tcp", tcp
	}
	c, err := control.Dial(ctx, network, address)
	if err != nil {
		return err
	}
	defer c.Close()
	return do(ctx, c)
}

func socketFlag(c *cobra.Command, socket *string) {
	c.Flags().StringVar(socket, "socket", "", "the board's Unix socket, or tcp:HOST:PORT")
	if err := c.MarkFlagRequired("socket"); err != nil {
		panic(err) // the flag was defined a line above
	}
}

func faultCommand() *cobra.Command {
	var socket string
	var value float64
	kinds := make([]string, len(fault.Kinds))
	for i, k := range fault.Kinds {
		kinds[i] = string(k)
	}
	c := &cobra.Command{
		Use:   "fault DEVICE FAULT",
		Short: "Break a sensor, a compressor or a door of a running board, or repair it",
		Long: `Break a sensor or something of the world behind it, or repair it with "none".
DEVICE is a name that "firmware-sim status" shows.

Faults: ` + strings.Join(kinds, ", ") + `.
--value is the temperature of stuck (°C), the standard deviation of noisy (°C),
the share of frames hit by crc (0 to 1), the delay of slow (s), the slope of
drift (°C/h).`,
		Example: `  firmware-sim fault --socket /tmp/boards/sodo-cold.sock room door-open
  firmware-sim fault --socket /tmp/boards/sodo-cold.sock probe-1 drift --value 2
  firmware-sim fault --socket /tmp/boards/sodo-cold.sock probe-1 none`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var number *float64
			if cmd.Flags().Changed("value") {
				number = &value
			}
			f, err := fault.New(args[1], number)
			if err != nil {
				return err
			}
			return ask(cmd.Context(), socket, func(ctx context.Context, c *control.Client) error {
				if err := c.Fault(ctx, args[0], args[1], number); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", args[0], f)
				return nil
			})
		},
	}
	socketFlag(c, &socket)
	c.Flags().Float64Var(&value, "value", 0, "number of the fault; each has a usual one")
	return c
}

func statusCommand() *cobra.Command {
	var socket string
	var asJSON bool
	c := &cobra.Command{
		Use:     "status",
		Short:   "Show a running board: its clock, world, sensors and buses",
		Example: `  firmware-sim status --socket /tmp/boards/van-1.sock --json`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ask(cmd.Context(), socket, func(ctx context.Context, c *control.Client) error {
				s, err := c.Status(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					e := json.NewEncoder(cmd.OutOrStdout())
					e.SetIndent("", "  ")
					return e.Encode(s)
				}
				return table(cmd.OutOrStdout(), s)
			})
		},
	}
	socketFlag(c, &socket)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// table shows a status to people.
func table(out io.Writer, s control.Status) error {
	clock := s.Mode
	if s.Mode == "real" && s.Speed != 1 {
		clock = fmt.Sprintf("%g times real", s.Speed)
	}
	fmt.Fprintf(out, "board %s at %s, %d ms, clock %s\n\n", s.Board, s.UTC, s.NowMs, clock)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DEVICE\tKIND\tWHERE\tSENSES\tTRUE\tFAULT")
	for _, d := range s.Devices {
		where := strings.TrimSpace(d.Bus + " " + d.Address + d.Port)
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.3f\t%s\n", d.Name, d.Kind, where, d.Senses, d.True, d.Fault)
	}
	fmt.Fprintln(w, "\nOBJECT\tKIND\tFAULT\tSTATE")
	for _, o := range s.World {
		state := make([]string, 0, len(o.Values))
		for name, v := range o.Values {
			// Five decimals of a degree of arc are a metre.
			state = append(state, name+" "+strconv.FormatFloat(math.Round(v*1e5)/1e5, 'f', -1, 64))
		}
		sort.Strings(state)
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", o.Name, o.Kind, o.Fault, strings.Join(state, ", "))
	}
	fmt.Fprintln(w, "\nBUS\tREQUESTS\tNOT ACKNOWLEDGED\tREFUSED")
	for _, b := range s.Buses {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\n", b.Name, b.Requests, b.Nacks, b.Refused)
	}
	for _, d := range s.Devices {
		if d.Port != "" {
			fmt.Fprintf(w, "%s\t%d bursts sent, %d passed over, %d bytes unread, %d failed\n", d.Name, d.Bursts, d.Skipped, d.Lost, d.Failed)
		}
	}
	return w.Flush()
}
