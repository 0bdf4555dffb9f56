package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"frostline/edge/agent"
	"frostline/edge/config"
	"frostline/edge/identity"
	"frostline/edge/journal"
	"frostline/edge/panel"
	"frostline/proto/version"
)

// options are the flags that all commands share.
type options struct {
	config string
	data   string
	level  string
}

// read reads the gateway's own configuration, or finds one out where there is
// no file. It says on w what it assumed.
func (o *options) read(w io.Writer) (config.Own, error) {
	if _, missing := os.Stat(packaged); o.config == "" && missing == nil {
		o.config = packaged
		fmt.Fprintln(w, "assumed: configuration", packaged)
	}
	own, assumed, err := config.Read(o.config, config.ThisHost())
	if err != nil {
		return own, usageError{err}
	}
	for _, a := range assumed {
		if o.data != "" && a == "data in "+own.Config().Data {
			continue // the flag says otherwise
		}
		fmt.Fprintln(w, "assumed:", a)
	}
	if o.data != "" {
		own = own.WithData(o.data)
	}
	return own, nil
}

// load is read, with defaults and without what the hub wants.
func (o *options) load(w io.Writer) (config.Config, error) {
	own, err := o.read(w)
	return own.Config(), err
}

// act is load for commands that work on the agent's files: root goes on as
// their owner.
func (o *options) act(w io.Writer) (config.Config, error) {
	c, err := o.load(w)
	if err != nil {
		return c, err
	}
	return c, actAsOwner(c.Data, w)
}

// dir is the data directory for commands that need nothing else of the
// configuration.
func (o *options) dir() (string, error) {
	if o.data != "" {
		return o.data, nil
	}
	c, err := o.load(io.Discard)
	return c.Data, err
}

func identityDir(data string) string { return filepath.Join(data, "identity") }

func openIdentity(data string, now func() time.Time, log *slog.Logger) (*identity.Identity, error) {
	return identity.Open(identity.Options{Dir: identityDir(data), Now: now, Log: log.With("part", "identity")})
}

// agentConfig is the configuration as the agent takes it.
func agentConfig(c config.Config, log *slog.Logger) (agent.Config, error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return agent.Config{}, fmt.Errorf("data directory: %w: choose another with --data, or run as its owner", err)
	}
	a := agent.Config{
		Gateway: c.Gateway, Data: c.Data, Version: version.String(), W1Root: c.W1Root, Hub: c.Hub.Address,
		Panel: c.Panel.Listen, ConfigVersion: c.Digest(), Log: log,
		Journal: journal.Options{
			MaxBytes: int64(c.Journal.MaxSize), SegmentBytes: int64(c.Journal.SegmentSize),
			HeldBytes: int(c.Journal.Memory), GroupWait: c.Journal.GroupWait, KeepAcknowledged: c.Journal.KeepAcknowledged,
		},
	}
	if a.Panel == "off" {
		a.Panel = ""
	}
	zone, err := time.LoadLocation(c.Panel.TimeZone)
	if err != nil {
		return a, fmt.Errorf("panel.time-zone: %w", err)
	}
	a.Pages = panel.Settings{Kind: c.Panel.Kind, Language: c.Panel.Language, Zone: zone}
	a.Labels, a.NextStop = agentNames(c)
	a.Sensors = agentSensors(c)
	for _, i := range c.Indicators {
		a.Indicators = append(a.Indicators, agent.Indicator{Line: i.Line, Buzzer: i.Kind == "buzzer", ActiveLow: i.Active == "low"})
	}
	if a.Watches, err = agentWatches(c); err != nil {
		return a, err
	}
	a.Packages, err = agentPackages(c)
	return a, err
}
