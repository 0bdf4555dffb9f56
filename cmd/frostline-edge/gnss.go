package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"frostline/edge/gnss"
)

func gnssCommand() *cobra.Command {
	var counts bool
	cmd := &cobra.Command{
		Use:   "gnss FILE|-",
		Short: "Print the fixes of a recorded satellite receiver as JSON lines",
		Long: `gnss reads what a satellite receiver sent, from a file or, given -, from
standard input: NMEA 0183 of any talker and SiRF binary, with noise, other
binary protocols and broken sentences between. It prints what gpsd would report
of it, one JSON object a line, under the names that gpsd uses:

  class     TPV: time, position, velocity
  mode      0 nothing said yet, 1 no fix, 2 latitude and longitude, 3 and altitude
  status    left out for unknown and for satellites alone; 2 with differential
            corrections, 3 and 4 RTK fixed and floating, 5 dead reckoning, 6 that
            and satellites, 7 typed in, 8 simulated, 9 precise
  time      UTC, with the date the receiver gives
  lat, lon  degrees, WGS 84, north and east positive
  altHAE    metres above the ellipsoid
  altMSL    metres above mean sea level, as far as the receiver tells the geoid
  alt       altMSL, or altHAE where that is not known
  track     degrees clockwise from true north; magtrack from magnetic north
  magvar    degrees of magnetic north east of true north, where the receiver says
  speed     metres a second over ground
  climb     metres a second upwards
  geoidSep  metres of the geoid above the ellipsoid, where the receiver says

What is not known is left out, and without a fix all but mode and time. There is
a line for each report of gpsd: once a second as soon as it is known which
sentence ends the second, and until then for each that changes position or mode.

In a recording that says "# Date: 2010-10-16" dates are taken as the receiver
gave them. Elsewhere a date before 2017 is 1024 weeks old, and moved on.

The exit status is 0 whatever the receiver sent, 1 when FILE cannot be read.`,
		Example: "  frostline-edge gnss receiver.log\n  frostline-edge gnss - < /dev/ttyUSB0",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in := cmd.InOrStdin()
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return fmt.Errorf("recording: %w", err)
				}
				defer f.Close() // it was only read
				in = f
			}
			return printFixes(in, cmd.OutOrStdout(), cmd.ErrOrStderr(), counts)
		},
	}
	cmd.Flags().BoolVar(&counts, "counts", false, "say on standard error what was read and what was not")
	return cmd
}

// printFixes prints a line for each fix, as it comes.
func printFixes(in io.Reader, out, errOut io.Writer, counts bool) error {
	w := bufio.NewWriter(out)
	e := json.NewEncoder(w)
	var failed error
	r := gnss.NewReceiver(func(f gnss.Fix) {
		failed = errors.Join(failed, e.Encode(f.TPV()))
	}, nil)
	buf := make([]byte, 64<<10)
	for {
		n, err := in.Read(buf)
		_, _ = r.Write(buf[:n]) // it never fails
		if err == io.EOF {
			r.Flush()
		}
		if failed = errors.Join(failed, w.Flush()); failed != nil {
			return fmt.Errorf("write fixes: %w", failed)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("read recording: %w", err)
		}
	}
	if counts {
		c := r.Counts()
		fmt.Fprintf(errOut, "%d sentences and %d SiRF packets read, %d of other kinds, %d with a bad checksum, %d bytes of noise\n",
			c.Sentences, c.SiRF, c.Other, c.BadChecksum, c.Noise)
	}
	return nil
}
