package main

import (
	"crypto/ed25519"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"frostline/hub/view"
	"frostline/proto/release"
)

// examine reads a release file, and checks it against keys where some are given.
func examine(path string, keys []string) (m *release.Manifest, manifest []byte, err error) {
	var trusted []ed25519.PublicKey
	for _, k := range keys {
		key, err := release.ParsePublic(k)
		if err != nil {
			return nil, nil, usageError{fmt.Errorf("--trust: %w", err)}
		}
		trusted = append(trusted, key)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close() // it is only read
	err = release.Read(f, func(found *release.Manifest, text, signature []byte) error {
		m, manifest = found, text
		if len(keys) == 0 {
			return nil
		}
		_, err := release.Open(text, signature, trusted)
		return err
	}, func(p release.Program, r io.Reader) error {
		return release.Verify(r, p.Packed.Size, p.Packed.SHA256, "program for "+p.OS+"/"+p.Arch)
	})
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return m, manifest, err
}

func releaseVerifyCommand(*options) *cobra.Command {
	var keys []string
	cmd := &cobra.Command{
		Use:     "verify FILE --trust KEY",
		Short:   "Check a release file as a gateway would",
		Long:    "verify checks signature and programs of a release file against the public keys\nthat are trusted, as frostline release key prints them. It needs no hub.",
		Example: "  frostline release verify v1.4.0.release --trust frostline-release:…",
		Args:    args(1, 1, "the file"),
		RunE: func(c *cobra.Command, args []string) error {
			m, manifest, err := examine(args[0], keys)
			if err != nil {
				return err
			}
			return printRelease(c.OutOrStdout(), args[0], m, manifest)
		},
	}
	cmd.Flags().StringSliceVar(&keys, "trust", nil, "public key that is trusted; may be repeated")
	_ = cmd.MarkFlagRequired("trust")
	return cmd
}

func releasePublishCommand(o *options) *cobra.Command {
	var keys []string
	var reason string
	cmd := &cobra.Command{
		Use:     "publish FILE",
		Short:   "Give the hub a release, for gateways to fetch",
		Long:    "publish gives the hub a release file. No gateway runs it before a rollout: see\nfrostline rollout. The hub checks that programs are those of the manifest; who\nsigned it is checked by gateways, and here where --trust is given.",
		Example: "  frostline release publish v1.4.0.release --trust frostline-release:…",
		Args:    args(1, 1, "the file"),
		RunE: func(c *cobra.Command, args []string) error {
			if _, _, err := examine(args[0], keys); err != nil {
				return err
			}
			hub, err := o.hub()
			if err != nil {
				return err
			}
			f, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer f.Close() // it is only read
			r, err := hub.Publish(c.Context(), f, reason)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), r)
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s is published as %s, for %s\n", r.Version, r.ID, strings.Join(r.Platforms, ", "))
			return err
		},
	}
	cmd.Flags().StringSliceVar(&keys, "trust", nil, "public key that is trusted; may be repeated")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the trail")
	return cmd
}

func releaseListCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List what was published",
		Example: "  frostline release list",
		Args:    args(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			hub, err := o.hub()
			if err != nil {
				return err
			}
			all, err := hub.Releases(c.Context())
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(c.OutOrStdout(), all)
			}
			t := table{heads: []string{"VERSION", "PLATFORMS", "PUBLISHED", "BY", "ID"}}
			for _, r := range all {
				t.add(r.Version, strings.Join(r.Platforms, " "), view.Ago(time.Since(time.UnixMilli(r.Published)).Milliseconds()), r.Actor, r.ID)
			}
			return t.print(c.OutOrStdout())
		},
	}
}
