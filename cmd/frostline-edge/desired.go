package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"frostline/edge/agent"
	"frostline/edge/config"
	"frostline/edge/desired"
	"frostline/edge/doctor"
	"frostline/edge/guard"
	"frostline/edge/panel"
)

func desiredDir(data string) string { return filepath.Join(data, "desired") }

// mandateOf is what the hub may have a say in on this gateway.
func mandateOf(own config.Own, level *slog.LevelVar, log *slog.Logger) (agent.Mandate, error) {
	c := own.Config()
	keeper, err := desired.Open(desired.Options{
		Dir: desiredDir(c.Data), Gateway: c.Gateway, Log: log.With("part", "desired state"),
		Check: func(document string) error { _, err := own.Over([]byte(document)); return err },
	})
	if err != nil {
		return agent.Mandate{}, err
	}
	return agent.Mandate{
		Desired: keeper, Level: level,
		Settings: func(document string) (agent.Settings, error) {
			m, err := own.Over([]byte(document))
			if err != nil {
				return agent.Settings{}, err
			}
			watches, err := agentWatches(m.Config)
			if err != nil {
				return agent.Settings{}, err
			}
			packages, err := agentPackages(m.Config)
			labels, stop := agentNames(m.Config)
			return agent.Settings{Sensors: agentSensors(m.Config), Watches: watches, Packages: packages, Labels: labels, NextStop: stop, Digest: m.Digest()}, err
		},
		Diagnose: func(ctx context.Context, w io.Writer) error {
			document, _ := keeper.Document()
			m, err := own.Over([]byte(document))
			if err != nil {
				return err
			}
			d, err := doctorConfig(m.Config, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			_, err = doctor.Run(ctx, d, w, false)
			return err
		},
	}, nil
}

func agentSensors(c config.Config) (all []agent.Sensor) {
	for _, s := range c.Sensors {
		a := agent.Sensor{Spec: s.Spec(), Interval: s.Interval, Timeout: s.Timeout}
		if c, ok := s.Calibration.Read(); ok {
			a.Calibration = &c
		}
		all = append(all, a)
	}
	return all
}

// agentWatches reads the storage profiles.
func agentWatches(c config.Config) (all []guard.Watch, err error) {
	for _, w := range c.Watches {
		p, err := w.ReadProfile()
		if err != nil {
			return nil, err
		}
		all = append(all, guard.Watch{Name: w.ID, Profile: p, Sensors: w.Sensors, UnknownAfter: w.UnknownAfter, WhenAboard: w.When == config.WatchAboard})
	}
	return all, nil
}

// agentPackages reads the storage profiles of packages.
func agentPackages(c config.Config) (all []agent.Package, err error) {
	for _, p := range c.Packages {
		profile, err := p.ReadProfile()
		if err != nil {
			return nil, err
		}
		all = append(all, agent.Package{ID: p.ID, Profile: profile})
	}
	return all, nil
}

// agentNames are what people call what is watched, and where a vehicle goes next.
func agentNames(c config.Config) (labels map[string]string, stop *panel.NextStop) {
	labels = map[string]string{}
	for _, w := range c.Watches {
		if w.Label != "" {
			labels[w.ID] = w.Label
		}
	}
	if c.NextStop.Place == "" {
		return labels, nil
	}
	stop = &panel.NextStop{Place: c.NextStop.Place}
	if due, err := time.Parse(time.RFC3339, c.NextStop.Due); err == nil {
		ms := due.UnixMilli()
		stop.DueMs = &ms
	}
	return labels, stop
}

// running is the configuration that an agent runs, or would, with what the hub
// wants laid over the gateway's own; say is told why where it is that alone.
func running(own config.Own, say io.Writer) config.Merged {
	c := own.Config()
	document, version, err := desired.Look(desiredDir(c.Data), c.Gateway)
	if err != nil {
		fmt.Fprintln(say, "assumed: nothing wanted by the hub:", err)
	}
	m, err := own.Over([]byte(document))
	if err != nil {
		fmt.Fprintf(say, "assumed: nothing wanted by the hub: version %d does not fit this gateway's own file: %v\n", version, err)
		m, _ = own.Over(nil)
	}
	return m
}

func configCommand(o *options) *cobra.Command {
	show := false
	cmd := &cobra.Command{
		Use:   "config --show",
		Short: "Show the configuration that runs, and who has given each value",
		Long: `config --show prints the configuration in use as a file: the gateway's own, with
the hub's desired state laid over it. Beside each value stands who gave it: file,
hub, found (on this gateway's buses) or default. The gateway's own file always
says who the gateway is, where it keeps things, which hub it trusts and what
hangs on which wire; the hub says how often sensors are read and with what
options, and wins there.`,
		Example: "  frostline-edge config --show --config /etc/frostline/gateway.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !show {
				return usageError{fmt.Errorf("config: want --show")}
			}
			own, err := o.read(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if err := actAsOwner(own.Config().Data, cmd.ErrOrStderr()); err != nil {
				return err
			}
			return running(own, cmd.ErrOrStderr()).Show(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&show, "show", false, "print it")
	return cmd
}
