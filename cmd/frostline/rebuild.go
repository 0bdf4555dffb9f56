package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"frostline/hub/api"
	"frostline/hub/event"
	"frostline/hub/models"
	"frostline/hub/store"
)

func init() { more = append(more, rebuildCommand) }

// readModels gives those of all contexts, to rebuild them in a store that no hub
// has open.
var readModels = func() []event.Model { return models.New().All() }

func rebuildCommand(o *options) *cobra.Command {
	var req api.RebuildRequest
	var storeURL string
	cmd := &cobra.Command{
		Use:   "rebuild [MODEL…]",
		Short: "Make read models anew from the events",
		Long: `rebuild makes read models anew from the events they follow from: those named,
or all. The hub answers from the old ones until the new ones take their place,
and takes commands meanwhile. With --verify it compares what each model said
before with what it says after, and ends with status 1 if they differ: then
something other than an event had changed it, and what it says now is what the
events say.

Where no hub runs, --store names the store to work on.`,
		Example: `  frostline rebuild
  frostline rebuild packages --verify
  frostline rebuild --verify --store sqlite:/var/lib/frostline/hub/hub.db`,
		RunE: func(c *cobra.Command, args []string) error {
			req.Models = args
			show := &rebuildOutput{out: c.OutOrStdout(), progress: c.ErrOrStderr(), json: o.json}
			if storeURL != "" {
				if o.socket != "" {
					return usageError{errors.New("--store and --socket exclude each other: a store is open in one program at a time")}
				}
				return show.end(rebuildStore(c.Context(), storeURL, req, show.line))
			}
			hub, err := o.hub()
			if err != nil {
				return fmt.Errorf("%w; where no hub runs, name the store with --store", err)
			}
			return show.end(hub.Rebuild(c.Context(), req, show.line))
		},
	}
	cmd.Flags().BoolVar(&req.Verify, "verify", false, "compare what the models say before and after")
	cmd.Flags().StringVar(&storeURL, "store", "", "store of a hub that does not run: sqlite:PATH or postgres://…")
	return cmd
}

// rebuildStore does without a hub what a hub does. It refuses a store that is
// not there rather than make one.
func rebuildStore(ctx context.Context, url string, req api.RebuildRequest, line func(api.RebuildLine) error) (err error) {
	all := readModels()
	for _, name := range req.Models {
		if !slices.ContainsFunc(all, func(m event.Model) bool { return m.Name() == name }) {
			return usageError{fmt.Errorf("read model %q is not known", name)}
		}
	}
	if path, ok := sqlitePath(url); ok {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("store %s: %w", url, err)
		}
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	db, err := store.Open(ctx, url, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	events, err := event.Open(ctx, event.Options{Store: db, Models: all, Log: log})
	if err != nil {
		return err
	}
	told := time.Now()
	progress := func(done, total int64) {
		if time.Since(told) > time.Second/2 {
			told = time.Now()
			_ = line(api.RebuildLine{Done: done, Total: total})
		}
	}
	if !req.Verify {
		return events.Rebuild(ctx, req.Models, progress)
	}
	results, err := events.RebuildVerified(ctx, req.Models, progress)
	for _, r := range results {
		err = errors.Join(err, line(api.RebuildLine{Result: &r}))
	}
	return err
}

func sqlitePath(url string) (string, bool) {
	const scheme = "sqlite:"
	if len(url) <= len(scheme) || url[:len(scheme)] != scheme {
		return "", false
	}
	return url[len(scheme):], true
}

// rebuildOutput shows lines as they come: progress on one writer, results on
// the other.
type rebuildOutput struct {
	out, progress io.Writer
	json          bool
	differ        int
	verified      int
}

func (s *rebuildOutput) line(l api.RebuildLine) error {
	if l.Result != nil {
		s.verified++
		if !l.Result.Same() {
			s.differ++
		}
	}
	switch {
	case s.json:
		return json.NewEncoder(s.out).Encode(l)
	case l.Result == nil && l.Total > 0:
		_, err := fmt.Fprintf(s.progress, "%s of %s events\n", count(uint64(l.Done)), count(uint64(l.Total)))
		return err
	case l.Result == nil:
		return nil
	}
	verdict := "says the same as before"
	switch {
	case l.Result.Before == "":
		verdict = "was never built before"
	case !l.Result.Same():
		verdict = "SAYS SOMETHING ELSE THAN BEFORE"
	}
	_, err := fmt.Fprintf(s.out, "%s: rebuilt from %s events, %s\n", l.Result.Model, count(uint64(l.Result.Events)), verdict)
	return err
}

func (s *rebuildOutput) end(err error) error {
	switch {
	case err != nil:
		return err
	case s.differ > 0:
		return fmt.Errorf("%d of %d read models said something that does not follow from the events; they are right now, and whoever relied on them should be told", s.differ, s.verified)
	case s.json:
		return json.NewEncoder(s.out).Encode(api.RebuildLine{Ended: true})
	case s.verified == 0:
		_, err = fmt.Fprintln(s.out, "rebuilt")
	}
	return err
}
