package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"frostline/edge/agent"
	"frostline/edge/config"
	"frostline/edge/identity"
	"frostline/edge/systemd"
	"frostline/firmware-sim/control"
	"frostline/proto/simbus"
)

func runCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Run the agent until SIGINT or SIGTERM; a second signal stops at once",
		Long: `run reads the sensors, keeps every reading and sends it to the hub, until it is
told to stop. It needs no network and no enrolment to begin: what it keeps goes
to the hub when there is one. Without a configuration file it reads the sensors
it finds, and says so.`,
		Example: `  frostline-edge run --config /etc/frostline/gateway.yaml
  frostline-edge run --data ./gateway-data`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			program, err := ownProgram()
			if err != nil {
				return err
			}
			log, level, err := variableLogger(o.level, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if err := o.launch(program, log); err != nil {
				return err
			}
			own, err := o.read(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			c := own.Config()
			if err := actAsOwner(c.Data, cmd.ErrOrStderr()); err != nil {
				return err
			}
			a, err := agentConfig(c, log)
			if err != nil {
				return err
			}
			source := &hubPieces{}
			if a.Update, err = updateOf(c, source, log); err != nil {
				return err
			}
			if a.Mandate, err = mandateOf(own, level, log); err != nil {
				return err
			}
			if a.Manager, err = systemd.New(os.Getenv("NOTIFY_SOCKET"), os.Getenv("WATCHDOG_USEC"), os.Getenv("WATCHDOG_PID"), os.Getpid()); err != nil {
				return err
			}
			ctx, hurry, stop := signals()
			defer stop()
			reap(ctx)
			log.Info("starting", "version", a.Version, "gateway", c.Gateway, "sensors", len(c.Sensors), "data", c.Data)
			err = agent.Run(ctx, hurry, a, func(now func() time.Time) (agent.Identity, error) {
				id, err := openIdentity(c.Data, now, log)
				if err != nil {
					return nil, err
				}
				source.Pieces = id.Pieces()
				return id, nil
			})
			if errors.Is(err, agent.ErrRestart) {
				log.Info("starting again; everything taken is kept")
				return startAgain(launcher(program))
			}
			if err == nil {
				log.Info("stopped; everything taken is kept")
			}
			return err
		},
	}
}

// ownProgram is the path of this program, also after another took its place
// there.
func ownProgram() (string, error) {
	path, err := exec.LookPath(os.Args[0])
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	return path, nil
}

// startAgain has a fresh run of the program take the place of this one, under
// the same process id, so that a service manager need not know. It comes back
// only where that failed.
func startAgain(program string) error {
	if err := syscall.Exec(program, os.Args, launcherEnvironment()); err != nil {
		return fmt.Errorf("start %s again: %w", program, err)
	}
	return nil
}

// hubPieces are the hub's, once the agent knows who it is.
type hubPieces struct{ *identity.Pieces }

func recordCommand(o *options) *cobra.Command {
	var span time.Duration
	var socket string
	cmd := &cobra.Command{
		Use:   "record",
		Short: "Live through a span of time at high speed, against firmware-sim",
		Long: `record runs the sampler, drivers and journal on a clock that jumps, so that
hours are recorded in seconds, ending now. It is for demonstrations and tests:
every sensor must be a simulated one. In the journal the time is marked as
recorded.`,
		Example: "  frostline-edge record --config van-1.yaml --for 8h --simulator run/van-1.sock",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := logger(o.level, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if span <= 0 || span > 31*24*time.Hour {
				return usageError{fmt.Errorf("--for %s: want a span above zero, up to 744h", span)}
			}
			c, err := o.act(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if err := onlySimulated(c, socket); err != nil {
				return err
			}
			a, err := agentConfig(c, log)
			if err != nil {
				return err
			}
			ctx, _, stop := signals()
			defer stop()
			return record(ctx, a, socket, span, cmd.OutOrStdout().Write)
		},
	}
	cmd.Flags().DurationVar(&span, "for", 8*time.Hour, "span of time to record, ending now")
	cmd.Flags().StringVar(&socket, "simulator", "", "socket of the board that simulates the sensors")
	_ = cmd.MarkFlagRequired("simulator")
	return cmd
}

// onlySimulated refuses to hurry real sensors.
func onlySimulated(c config.Config, socket string) error {
	for _, s := range c.Sensors {
		if s.Driver != "gnss" && !simbus.IsSim(s.Bus) {
			return fmt.Errorf("sensor %s is on bus %q: only simulated sensors can be recorded from at high speed", s.ID, s.Bus)
		}
	}
	if filepath.Ext(socket) == "" {
		return usageError{fmt.Errorf("--simulator %q: want the socket of a board, such as run/van-1.sock", socket)}
	}
	return nil
}

// record drives the board's clock along and gives it back to real time.
func record(ctx context.Context, a agent.Config, socket string, span time.Duration, write func([]byte) (int, error)) (err error) {
	board, err := control.Dial(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("simulator %s: %w", socket, err)
	}
	defer board.Close()
	begin := time.Now().Add(-span)
	if err := board.Drive(ctx, begin, 0); err != nil {
		return fmt.Errorf("simulator: %w", err)
	}
	defer func() {
		back, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if e := board.Run(back, 1); e != nil && err == nil {
			err = fmt.Errorf("give the simulator its own clock again: %w", e)
		}
	}()
	last := -1
	return agent.Record(ctx, a, begin, span, board.Advance, func(done time.Duration) {
		if percent := int(100 * done / span); percent/10 != last/10 || last < 0 {
			last = percent
			_, _ = write(fmt.Appendf(nil, "recorded %s of %s (%d %%)\n", done, span, percent))
		}
	})
}
