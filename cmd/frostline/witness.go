package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"frostline/hub/durable"
	"frostline/hub/evidence/witness"
)

func init() { more = append(more, witnessCommand) }

// witnessFlags are what a witness is told.
type witnessFlags struct {
	listen, data, key, name string
	cert, certKey           string
	logs                    []string
}

func witnessCommand(o *options) *cobra.Command {
	var f witnessFlags
	cmd := &cobra.Command{
		Use:   "witness",
		Short: "Witness the evidence log of a hub, as a second party",
		Long: `witness cosigns the checkpoints of the logs it is told of, each only after a
proof that the log has kept all that was in it before. A hub that changed or
forgot anything gets no signature. It speaks c2sp.org/tlog-witness.

It is for somebody other than the hub's operator, on another machine. What it
has cosigned is kept in --data, and its key too unless --key names a file: losing
either is losing its memory. Its verifier key, printed at start, goes into the
hub's configuration and to those who verify.`,
		Example: `  frostline witness --listen :8444 --data /var/lib/frostline-witness --name witness.example.com \
    --log 'frostline/3f…+1c2d3e4f+AQ…' --cert cert.pem --cert-key key.pem`,
		Args: args(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			if (f.cert == "") != (f.certKey == "") {
				return usageError{errors.New("--cert and --cert-key go together")}
			}
			if len(f.logs) == 0 {
				return usageError{errors.New("--log: give the key of the log to witness; frostline evidence key prints it at the hub")}
			}
			return f.serve(c)
		},
	}
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:8444", "address to answer on")
	cmd.Flags().StringVar(&f.data, "data", "frostline-data/witness", "directory of what was cosigned")
	cmd.Flags().StringVar(&f.key, "key", "", "file with the signer key; made at first use (default witness.key in --data)")
	cmd.Flags().StringVar(&f.name, "name", "", "name of the witness, for a key that is made: a host name that is yours (default this machine's)")
	cmd.Flags().StringArrayVar(&f.logs, "log", nil, "verifier key of a log; may be given more than once")
	cmd.Flags().StringVar(&f.cert, "cert", "", "TLS certificate, PEM; without it HTTP is spoken, for behind a proxy")
	cmd.Flags().StringVar(&f.certKey, "cert-key", "", "its key, PEM")
	return cmd
}

// signer reads the key, or makes it.
func (f *witnessFlags) signer() (string, error) {
	if f.key == "" {
		f.key = filepath.Join(f.data, "witness.key")
	}
	b, err := os.ReadFile(f.key)
	if !errors.Is(err, fs.ErrNotExist) {
		return string(b), err
	}
	if f.name == "" {
		if f.name, err = os.Hostname(); err != nil {
			return "", fmt.Errorf("--name: %w", err)
		}
	}
	private, _, err := note.GenerateKey(rand.Reader, f.name)
	if err != nil {
		return "", usageError{fmt.Errorf("--name %q: %w", f.name, err)}
	}
	return private, durable.WriteFile(f.key, []byte(private+"\n"), 0o600)
}

func (f *witnessFlags) serve(c *cobra.Command) error {
	if err := os.MkdirAll(f.data, 0o700); err != nil {
		return err
	}
	signer, err := f.signer()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(c.ErrOrStderr(), nil))
	s, err := witness.NewServer(witness.Config{Dir: f.data, Signer: signer, Logs: f.logs, Log: log})
	if err != nil {
		return usageError{err}
	}
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 15 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	ln, err := net.Listen("tcp", f.listen)
	if err != nil {
		return err
	}
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.certKey)
		if err != nil {
			return errors.Join(fmt.Errorf("--cert: %w", err), ln.Close())
		}
		ln = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
	}
	fmt.Fprintln(c.OutOrStdout(), s.Key())
	log.Info("witness is ready", "listen", ln.Addr().String(), "logs", len(f.logs))
	ctx := c.Context()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(ln) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer done()
	return server.Shutdown(drain)
}
