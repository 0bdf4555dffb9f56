package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"frostline/edge/agent"
	"frostline/edge/journal"
	"frostline/proto/version"
)

func journalCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "journal",
		Short: "Verify, print and export what this gateway keeps",
		Long: `journal looks at the journal on disk, offline or beside a running agent, and
changes nothing. verify and dump read a file that export wrote as well.`,
		Example: `  frostline-edge journal verify
  frostline-edge journal dump --from 4711 | head
  frostline-edge journal export van-1.journal`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return usageError{fmt.Errorf("journal %q: want verify, dump or export", args[0])}
		},
	}
	cmd.AddCommand(verifyCommand(o), dumpCommand(o), exportCommand(o))
	return cmd
}

// journalDir is the directory of the journal, which must be there.
func (o *options) journalDir() (string, error) {
	data, err := o.dir()
	if err != nil {
		return "", err
	}
	dir := agent.JournalDir(data)
	if _, err := os.Stat(dir); err != nil {
		return "", fmt.Errorf("journal: %w: name the data directory with --data", err)
	}
	return dir, nil
}

// source gives what verify and dump are to read: a file that export wrote, or
// a directory, given as such or by --data.
func (o *options) source(args []string) (file, dir string, err error) {
	if len(args) == 0 {
		dir, err = o.journalDir()
		return "", dir, err
	}
	st, err := os.Stat(args[0])
	if err != nil {
		return "", "", fmt.Errorf("journal: %w", err)
	}
	if !st.IsDir() {
		return args[0], "", nil
	}
	if inside := agent.JournalDir(args[0]); isDir(inside) {
		return "", inside, nil
	}
	return "", args[0], nil
}

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

func exportCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "export FILE|-",
		Short: "Write the journal to a file that the hub takes in",
		Long: `export writes all blocks that this gateway keeps to a file, signed with its key,
for "frostline import-journal FILE" at the hub. It may run beside the agent, and
deletes nothing: the gateway forgets what the hub has when the hub tells it so,
on the next connection. Exporting again, and sending the same by network, is
harmless, since the hub takes each block once.

FILE appears when it is whole. The exit status is 3 when it is, and some blocks
could not be read and are not in it.`,
		Example: "  frostline-edge journal export /media/usb/van-1.journal\n  frostline-edge journal export - | ssh hub frostline import-journal -",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			log, err := logger(o.level, cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			dir, err := o.journalDir()
			if err != nil {
				return err
			}
			look, err := journal.LookAt(dir)
			if err != nil {
				return err
			}
			id, err := openIdentity(filepath.Dir(dir), time.Now, log)
			if err != nil {
				return err
			}
			signer, err := id.Signer()
			if err != nil {
				return fmt.Errorf("export: the file is to be signed with the gateway's key: %w", err)
			}
			if id.Gateway() != look.Gateway {
				return fmt.Errorf("export: the journal is of gateway %s, and the key of %s", look.Gateway, id.Gateway())
			}
			var x journal.Exported
			if args[0] == "-" {
				x, err = look.Export(cmd.OutOrStdout(), version.String(), signer)
			} else {
				err = newFile(args[0], func(w io.Writer) (err error) {
					x, err = look.Export(w, version.String(), signer)
					return err
				})
			}
			if err != nil {
				return fmt.Errorf("export: %w", err)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %d blocks with %d readings, signed with key %s\n", x.Gateway, x.Blocks, x.Readings, id.Certificate().SealKeyID)
			if x.Absent > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "%d blocks could not be read and are not in the file, which says which and why; keep the gateway's disk for examination\n", x.Absent)
				return exitCode(3)
			}
			return nil
		},
	}
}

// newFile writes a file beside its name and gives it that when it is whole and
// synced. It replaces none that is there.
func newFile(path string, write func(io.Writer) error) (err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already: name another file, or remove it", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".part-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
