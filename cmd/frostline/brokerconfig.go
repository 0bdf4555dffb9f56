package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"frostline/hub/api"
)

func brokerConfigCommand(o *options) *cobra.Command {
	var req api.BrokerRequest
	var force bool
	cmd := &cobra.Command{
		Use:   "broker-config mosquitto|nats --dir DIR --host HOST",
		Short: "Write the configuration of an external broker",
		Long: `broker-config writes what an external Mosquitto or NATS server needs to carry
messages for this hub into a directory: its configuration with the access rules
that confine each gateway to its own topics, a certificate issued by this hub,
and the hub's authority. The broker's machine needs the directory at the same
path.`,
		Example: `  frostline broker-config mosquitto --dir /etc/frostline/broker --host broker.example
  mosquitto -c /etc/frostline/broker/mosquitto.conf
  frostline-hub serve --broker mqtts://broker.example:8886`,
		Args: func(c *cobra.Command, given []string) error {
			if err := args(1, 1, "mosquitto or nats")(c, given); err != nil {
				return err
			}
			if given[0] != "mosquitto" && given[0] != "nats" {
				return usageError{fmt.Errorf("broker %q is not known: want mosquitto or nats", given[0])}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			req.Kind = args[0]
			if req.Dir == "" || len(req.Hosts) == 0 {
				return usageError{errors.New("--dir and --host are required: where the files go, and under which name or address the broker is reached")}
			}
			dir, err := filepath.Abs(req.Dir)
			if err != nil {
				return err
			}
			req.Dir = dir
			if req.Hub == "" {
				req.Hub = map[string]string{"mosquitto": "127.0.0.1:8886", "nats": "127.0.0.1:4222"}[req.Kind]
			}
			hub, err := o.hub()
			if err != nil {
				return err
			}
			files, err := hub.BrokerConfig(c.Context(), req)
			if err != nil {
				return err
			}
			if err := writeFiles(dir, files, force); err != nil {
				return err
			}
			if o.json {
				names := []string{}
				for _, f := range files {
					names = append(names, filepath.Join(dir, f.Name))
				}
				return printJSON(c.OutOrStdout(), map[string]any{"kind": req.Kind, "files": names})
			}
			for _, f := range files {
				fmt.Fprintln(c.OutOrStdout(), filepath.Join(dir, f.Name))
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&req.Dir, "dir", "", "directory for the files, made if it is not there (required)")
	f.StringSliceVar(&req.Hosts, "host", nil, "name or address of the broker, repeatable (required)")
	f.StringVar(&req.Gateways, "gateways", "0.0.0.0:8883", "where the broker listens for gateways")
	f.StringVar(&req.Hub, "hub", "", "where it listens for the hub (default 127.0.0.1:8886, or 127.0.0.1:4222 with nats)")
	f.BoolVar(&force, "force", false, "replace files that are there")
	return cmd
}

// writeFiles writes all or, where one is there already and may not be
// replaced, none.
func writeFiles(dir string, files []api.BrokerFile, force bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, f := range files {
		if filepath.Base(f.Name) != f.Name {
			return fmt.Errorf("the hub names a file %q: want a name without a path", f.Name)
		}
		path := filepath.Join(dir, f.Name)
		if _, err := os.Lstat(path); err == nil && !force {
			return fmt.Errorf("%s is there already; choose another --dir, or replace all files with --force", path)
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		fresh := path + ".new"
		// A fresh file, so that a key never lies in one that others may read.
		if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := os.WriteFile(fresh, []byte(f.Content), fs.FileMode(f.Mode)&0o777); err != nil {
			return err
		}
		if err := os.Rename(fresh, path); err != nil {
			return err
		}
	}
	return nil
}
