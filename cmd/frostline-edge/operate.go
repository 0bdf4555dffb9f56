package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"frostline/edge/agent"
	"frostline/edge/clock"
	"frostline/edge/config"
	"frostline/edge/doctor"
	"frostline/edge/panel"
	"frostline/edge/update"
)

func enrolCommand(o *options) *cobra.Command {
	var hub, code string
	cmd := &cobra.Command{
		Use:   "enrol",
		Short: "Get this gateway its certificate, by a one-time code",
		Long: `enrol makes this gateway's keys and has the hub sign them. The code comes from
"frostline enrol GATEWAY" at the hub; it names the hub's authority too, so that
no other hub can take its place. An agent that runs already takes the
certificate up by itself.`,
		Example: "  frostline-edge enrol --hub hub.example:8884 --code FL-...",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := logger(o.level, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			c, err := o.act(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if hub == "" {
				hub = c.Hub.Enrol
			}
			if hub == "" {
				return usageError{errors.New("the hub is not known: give --hub HOST:8884, or set hub.enrol in the configuration")}
			}
			if err := os.MkdirAll(c.Data, 0o700); err != nil {
				return fmt.Errorf("data directory: %w", err)
			}
			id, err := openIdentity(c.Data, time.Now, log)
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			if err := id.Enrol(ctx, c.Gateway, hub, code); err != nil {
				return err
			}
			i := id.Certificate()
			fmt.Fprintf(cmd.OutOrStdout(), "%s is enrolled; its certificate is good until %s and renews by itself\n", c.Gateway, i.NotAfter.UTC().Format("2006-01-02 15:04 MST"))
			return nil
		},
	}
	cmd.Flags().StringVar(&hub, "hub", "", "the hub's enrolment listener, HOST or HOST:PORT")
	cmd.Flags().StringVar(&code, "code", "", "one-time code from the hub")
	_ = cmd.MarkFlagRequired("code")
	return cmd
}

func doctorCommand(o *options) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Examine buses, clock, disk, certificate and hub, and say what to do",
		Long: `doctor examines the gateway in the order in which a reading goes, and says of
each part what it found and what to do about it. It changes nothing and disturbs
no running agent. The exit status is 1 when something failed.`,
		Example: "  frostline-edge doctor --config /etc/frostline/gateway.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := logger("error", cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			own, err := o.read(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if err := actAsOwner(own.Config().Data, cmd.ErrOrStderr()); err != nil {
				return err
			}
			c := running(own, cmd.ErrOrStderr()).Config
			d, err := doctorConfig(c, log)
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			exit, err := doctor.Run(ctx, d, cmd.OutOrStdout(), asJSON)
			if err != nil {
				return err
			}
			if exit != 0 {
				return exitCode(exit)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return cmd
}

// doctorConfig says what to examine of a gateway.
func doctorConfig(c config.Config, log *slog.Logger) (doctor.Config, error) {
	system, err := clock.NewSystem()
	if err != nil {
		return doctor.Config{}, err
	}
	d := doctor.Config{
		Gateway: c.Gateway, DataDir: c.Data, Journal: agent.JournalDir(c.Data), W1Root: c.W1Root, Clock: system, Hub: c.Hub.Address,
		Identity: func() (doctor.Identity, error) { return openIdentity(c.Data, time.Now, log) },
		Updates:  func() (update.Standing, error) { return update.Look(updateDir(c.Data)) },
		KeyFiles: []string{filepath.Join(identityDir(c.Data), "identity.json")},
	}
	for _, s := range c.Sensors {
		d.Sensors = append(d.Sensors, s.Spec())
		if of, ok := s.Calibration.Read(); ok {
			d.Certificates = append(d.Certificates, doctor.Certificate{Sensor: s.ID, Certificate: of})
		}
	}
	return d, nil
}

func statusCommand(o *options) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "Show what the running agent is doing",
		Long:    "status asks the running agent for its last readings, journal, uplink and clock.\nThe exit status is 1 when no agent runs.",
		Example: "  frostline-edge status --data /var/lib/frostline-edge",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := o.dir()
			if err != nil {
				return err
			}
			s, err := panel.NewClient(dir).Status(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(s)
			}
			return panel.WriteText(cmd.OutOrStdout(), s)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func linkCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "link up|down",
		Short: "Pull this gateway's link to the hub, or restore it",
		Long: `link down closes the connection to the hub and keeps it closed; readings are
kept here meanwhile. link up restores it. A restart of the agent restores it too.`,
		Example:   "  frostline-edge link down --data .demo/van-1\n  frostline-edge link up --data .demo/van-1",
		ValidArgs: []string{"up", "down"},
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := o.dir()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 10*time.Second)
			defer cancel()
			if err := panel.NewClient(dir).SetLink(ctx, args[0] == "up"); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "link is %s\n", args[0])
			return nil
		},
	}
}

func checkCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:     "check",
		Short:   "Check the configuration and say what is wrong with it",
		Example: "  frostline-edge check --config /etc/frostline/gateway.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := o.load(cmd.OutOrStdout())
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "gateway %s with %d sensors: the configuration is sound\n", c.Gateway, len(c.Sensors))
			for _, s := range c.Sensors {
				fmt.Fprintf(cmd.OutOrStdout(), "  %-20s %-8s every %s, waits %s, lead %s\n", s.ID, s.Driver, s.Interval, s.Timeout, s.Spec().Lead())
			}
			return nil
		},
	}
}
