package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"frostline/edge/journal"
	"frostline/hub/durable"
	"frostline/proto/release"
)

func init() { more = append(more, releaseCommand) }

func releaseCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "release",
		Short: "Sign releases of the gateway agent, and give them to the hub",
		Long: `release makes what gateways are updated by. A release is signed by a key that
the hub does not have: keep it where releases are made, best on a machine without
a network. Gateways run what is signed by a key of their own configuration
(update.keys), and nothing else. key, sign and verify need no hub.`,
		Example: `  frostline release key release.key
  frostline release sign --key release.key --version v1.4.0 --out v1.4.0.release linux/arm64=frostline-edge
  frostline release publish v1.4.0.release`,
		Args: args(0, 0, "a command"),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.AddCommand(releaseKeyCommand(), releaseSignCommand(), releaseVerifyCommand(o), releasePublishCommand(o), releaseListCommand(o))
	return cmd
}

func releaseKeyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "key FILE",
		Short: "Make a release key, or print the public half of one",
		Long: `key prints the public half of a release key, as it goes into update.keys of a
gateway's configuration. Where there is no such file, it makes a key.`,
		Example: "  frostline release key release.key",
		Args:    args(1, 1, "a file"),
		RunE: func(c *cobra.Command, args []string) error {
			key, err := readKey(args[0])
			if errors.Is(err, fs.ErrNotExist) {
				var text []byte
				if _, key, err = ed25519.GenerateKey(rand.Reader); err != nil {
					return err
				}
				if text, err = release.SecretText(key); err != nil {
					return err
				}
				if err = durable.WriteFile(args[0], text, 0o600); err == nil {
					fmt.Fprintf(c.ErrOrStderr(), "%s is a new key: whoever has it can have gateways run programs\n", args[0])
				}
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), release.PublicText(key.Public().(ed25519.PublicKey)))
			return err
		},
	}
}

func readKey(path string) (ed25519.PrivateKey, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := release.ParseSecret(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// journals are the formats of journals that this version's agent reads.
var journals = release.Formats{Oldest: 1, Newest: journal.Format}

func releaseSignCommand() *cobra.Command {
	var key, version, out string
	var replaces []string
	cmd := &cobra.Command{
		Use:   "sign --key FILE --version VERSION --out FILE OS/ARCH=PROGRAM...",
		Short: "Make a signed release of programs",
		Long: `sign packs programs of frostline-edge, one for each platform, into one file and
signs it. The version is a semantic one, and the same that the programs were
built with: gateways go back from a program that says another. No gateway goes
from a version to a lower one, but for those named with --replaces.`,
		Example: "  frostline release sign --key release.key --version v1.4.0 --out v1.4.0.release linux/amd64=amd64/frostline-edge linux/arm64=arm64/frostline-edge",
		Args:    args(1, release.MaxPrograms, "one program for each platform, as linux/arm64=FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := release.CheckVersion(version); err != nil {
				return usageError{fmt.Errorf("--%w", err)}
			}
			secret, err := readKey(key)
			if err != nil {
				return fmt.Errorf("--key: %w", err)
			}
			m := &release.Manifest{Format: 1, Name: release.Name, Version: version, Created: time.Now().UnixMilli(), Journal: journals, Replaces: replaces}
			dir, err := os.MkdirTemp("", "frostline-release-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			for _, a := range args {
				p, err := packProgram(c.Context(), dir, version, a)
				if err != nil {
					return err
				}
				m.Programs = append(m.Programs, p)
			}
			manifest, signature, err := release.Sign(m, secret)
			if err != nil {
				return err
			}
			if err := writeRelease(out, manifest, signature, dir); err != nil {
				return err
			}
			return printRelease(c.OutOrStdout(), out, m, manifest)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "file of the release key")
	cmd.Flags().StringVar(&version, "version", "", "version, such as v1.4.0")
	cmd.Flags().StringVar(&out, "out", "", "file to write")
	cmd.Flags().StringSliceVar(&replaces, "replaces", nil, "newer versions that this one may take the place of")
	for _, f := range []string{"key", "version", "out"} {
		_ = cmd.MarkFlagRequired(f)
	}
	return cmd
}

// packProgram packs one program into dir, under the name of what is packed.
func packProgram(ctx context.Context, dir, version, given string) (p release.Program, err error) {
	platform, path, ok := strings.Cut(given, "=")
	goos, arch, slash := strings.Cut(platform, "/")
	if !ok || !slash {
		return p, usageError{fmt.Errorf("%q: want a platform and its program, as linux/arm64=frostline-edge", given)}
	}
	program, err := os.ReadFile(path)
	if err != nil {
		return p, err
	}
	if goos == "linux" {
		if err := release.CheckMachine(bytes.NewReader(program), arch); err != nil {
			return p, fmt.Errorf("%s: %w", path, err)
		}
	}
	if goos == runtime.GOOS && arch == runtime.GOARCH {
		if err := saysVersion(ctx, path, version); err != nil {
			return p, err
		}
	}
	var packed bytes.Buffer
	if err := release.Pack(&packed, bytes.NewReader(program)); err != nil {
		return p, err
	}
	p = release.Program{OS: goos, Arch: arch, Size: int64(len(program)), SHA256: digestOf(program),
		Packed: release.Packed{Size: int64(packed.Len()), SHA256: digestOf(packed.Bytes())}}
	return p, os.WriteFile(filepath.Join(dir, p.Packed.SHA256), packed.Bytes(), 0o600)
}

func digestOf(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// saysVersion runs a program of this machine's own kind.
func saysVersion(ctx context.Context, path, version string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	said, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return fmt.Errorf("%s --version: %w", path, err)
	}
	if !slices.Contains(strings.Fields(string(said)), version) {
		return fmt.Errorf("%s says %q, and the release is to be %s: build it with -ldflags \"-X frostline/proto/version.Version=%s\"", path, strings.TrimSpace(string(said)), version, version)
	}
	return nil
}

func writeRelease(path string, manifest, signature []byte, dir string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	err = release.Write(f, manifest, signature, func(p release.Program) (io.ReadCloser, error) { return os.Open(filepath.Join(dir, p.Packed.SHA256)) })
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

func printRelease(w io.Writer, path string, m *release.Manifest, manifest []byte) error {
	fmt.Fprintf(w, "%s: %s %s, %s\n", path, m.Name, m.Version, release.ID(manifest))
	t := table{heads: []string{"PLATFORM", "BYTES", "PACKED", "SHA-256"}, right: []bool{false, true, true}}
	for _, p := range m.Programs {
		t.add(p.OS+"/"+p.Arch, count(uint64(p.Size)), count(uint64(p.Packed.Size)), p.SHA256)
	}
	return t.print(w)
}
