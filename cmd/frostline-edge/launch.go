package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"frostline/edge/agent"
	"frostline/edge/clock"
	"frostline/edge/config"
	"frostline/edge/journal"
	"frostline/edge/update"
	"frostline/proto/version"
)

// The program of the package tells the program in a slot where it runs from, and
// who has started it.
const (
	slotVariable     = "FROSTLINE_SLOT"
	launcherVariable = "FROSTLINE_LAUNCHER"
)

func updateDir(data string) string { return filepath.Join(data, "update") }

// launch has the release that is to run take the place of this program, where
// this is the program of the package and there is one. It comes back where this
// program is to run itself.
func (o *options) launch(program string, log *slog.Logger) error {
	if os.Getenv(slotVariable) != "" {
		return nil
	}
	path := o.config
	if _, missing := os.Stat(packaged); path == "" && missing == nil {
		path = packaged
	}
	data, u := config.Early(path)
	if o.data != "" {
		data = o.data
	}
	if _, err := os.Stat(updateDir(data)); err != nil {
		return nil // none ever came
	}
	if err := actAsOwner(data, os.Stderr); err != nil {
		return err
	}
	system, err := clock.NewSystem()
	if err != nil {
		log.Error("the program of the package runs, as the boot is not known", "error", err)
		return nil
	}
	l := update.Launch{
		Dir: updateDir(data), Keys: u.ReleaseKeys(), Version: version.String(), BootID: system.BootID(), Now: system.Now(),
		Limits: update.Limits{Connected: u.Connected, Alone: u.Alone}, Log: log.With("part", "updates"),
	}
	for range 2 { // the release on trial, and the one before it
		s := l.Choose()
		if s.Slot == "" {
			return nil
		}
		if s.Left > 0 {
			if err := guardTrial(program, data, s); err != nil {
				log.Warn("nobody watches the release on trial from outside", "error", err)
			}
		}
		env := append(os.Environ(), slotVariable+"="+s.Slot, launcherVariable+"="+program)
		err := syscall.Exec(s.Program, os.Args, env)
		log.Error("a release could not be started", "slot", s.Slot, "error", err)
		l.Failed(s.Slot, err)
	}
	return nil
}

// launcher is the program that chooses what runs: itself is this program.
func launcher(itself string) string {
	if by := os.Getenv(launcherVariable); by != "" && os.Getenv(slotVariable) != "" {
		return by
	}
	return itself
}

// launcherEnvironment is this program's without what it was told by the one that
// chose it.
func launcherEnvironment() (env []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, slotVariable+"=") && !strings.HasPrefix(v, launcherVariable+"=") {
			env = append(env, v)
		}
	}
	return env
}

// updateOf is how this gateway gets other releases.
func updateOf(c config.Config, id update.Source, log *slog.Logger) (agent.Update, error) {
	k, err := update.Open(update.Options{
		Dir: updateDir(c.Data), Gateway: c.Gateway, Keys: c.Update.ReleaseKeys(), Version: version.String(), Slot: os.Getenv(slotVariable),
		OS: runtime.GOOS, Arch: runtime.GOARCH, Journal: journal.Format,
		Limits: update.Limits{Connected: c.Update.Connected, Alone: c.Update.Alone}, Log: log.With("part", "updates"),
	})
	return agent.Update{Keeper: k, Source: id}, err
}

// guardTrial starts the program of the package a second time, to end the release
// that is about to take this process's place if nobody else does.
func guardTrial(program, data string, s update.Start) error {
	g := exec.Command(program, "guard-trial", "--data", data, s.Slot, strconv.Itoa(os.Getpid()), s.Left.String())
	g.Stderr = os.Stderr
	g.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is not for it
	if err := g.Start(); err != nil {
		return err
	}
	return g.Process.Release()
}

// reap waits for the guard of a trial, which is this process's child without its
// knowing. The agent starts no other.
func reap(ctx context.Context) {
	if os.Getenv(slotVariable) == "" {
		return
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	go func() {
		defer signal.Stop(ended)
		for {
			for pid := 1; pid > 0; {
				pid, _ = syscall.Wait4(-1, nil, syscall.WNOHANG, nil) // there is none: that is well
			}
			select {
			case <-ended:
			case <-ctx.Done():
				return
			}
		}
	}()
}

const (
	guardLook  = 2 * time.Second
	guardGrace = 30 * time.Second // between SIGTERM and SIGKILL, at most
)

// guardTrialCommand watches a trial from outside: a release that hangs so that
// it cannot go back by itself is ended, and whoever starts the agent again has
// the release before it.
func guardTrialCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "guard-trial SLOT PID LEFT", Hidden: true, Args: cobra.ExactArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			pid, err := strconv.Atoi(args[1])
			if err != nil || pid <= 1 {
				return usageError{fmt.Errorf("pid %q: want a number above 1", args[1])}
			}
			left, err := time.ParseDuration(args[2])
			if err != nil {
				return usageError{err}
			}
			over, look := time.NewTimer(left), time.NewTicker(guardLook)
			defer over.Stop()
			defer look.Stop()
			watching := func() bool {
				s, err := update.Look(updateDir(o.data))
				return os.Getppid() == pid && (err != nil || s.OnTrial == args[0])
			}
			for waiting := true; waiting; {
				select {
				case <-over.C:
					waiting = false
				case <-look.C:
				}
				if !watching() {
					return nil
				}
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "frostline-edge: the release on trial did not go back by itself within %v: it is ended\n", left)
			if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
				return nil // it is gone
			}
			grace := time.NewTimer(min(guardGrace, left/2))
			defer grace.Stop()
			for os.Getppid() == pid {
				select {
				case <-look.C:
				case <-grace.C:
					return syscall.Kill(pid, syscall.SIGKILL)
				}
			}
			return nil
		},
	}
}
