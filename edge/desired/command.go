package desired

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"frostline/proto/mandate"
	"frostline/proto/pb"
)

var (
	// ErrRepeated is wrapped when a command was taken before, or a later one.
	ErrRepeated = errors.New("taken before, or overtaken by a later one")
	// ErrExpired is wrapped when a command comes too late, or nobody can tell
	// whether it does.
	ErrExpired = errors.New("expired")
)

const (
	maxOutcomes = 4 // that are told
	// reportFor is how long a report is told: it goes into each State.
	reportFor = 2 * time.Minute
)

// Command takes a payload of the command lane, without mandate.Prefix, and gives
// the command that is to be done. Before that its number is on disk: no command
// is done twice, also when the power is cut meanwhile. utc is the time, and
// whether it is known. An error says why there is nothing to do; it wraps
// mandate.ErrForged, mandate.ErrMalformed, ErrRepeated, ErrExpired or ErrKey, or
// is the disk's.
func (k *Keeper) Command(payload []byte, utc func() (ms int64, known bool)) (*pb.Command, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.state
	if len(s.Key) == 0 {
		return nil, fmt.Errorf("command: %w", ErrKey)
	}
	c, err := mandate.OpenCommand(k.o.Gateway, payload, s.Key)
	if err != nil {
		return nil, err
	}
	if c.Number <= s.Command {
		return nil, fmt.Errorf("command %d, %s: %w: the last is %d", c.Number, c.Kind, ErrRepeated, s.Command)
	}
	next := s.clone()
	next.Command = c.Number
	refuse := func(err error) (*pb.Command, error) {
		next.add(outcome{Number: c.Number, Kind: c.Kind, Detail: clip(err.Error())})
		k.keep(next)
		return nil, fmt.Errorf("command %d, %s: %w", c.Number, c.Kind, err)
	}
	now, known := utc()
	switch {
	case !known:
		return refuse(fmt.Errorf("%w, perhaps: this gateway does not know the time yet; send it again in a minute", ErrExpired))
	case now >= c.ExpiresUtcMs:
		return refuse(fmt.Errorf("%w: it was good until %s, and here it is %s", ErrExpired, moment(c.ExpiresUtcMs), moment(now)))
	}
	if _, err := mandate.ParseArgument(c.Kind, c.Argument); err != nil {
		return refuse(err)
	}
	next.add(outcome{Number: c.Number, Kind: c.Kind, Done: c.Kind == mandate.Restart, Detail: begun[c.Kind == mandate.Restart]})
	if err := k.save(next); err != nil {
		return nil, fmt.Errorf("command %d, %s, could not be kept and is not done: %w", c.Number, c.Kind, err)
	}
	k.state = next
	return c, nil
}

// begun is told while a command is being done, and after the agent ended
// meanwhile: a restart is done by that.
var begun = map[bool]string{false: "begun, and not ended: was the agent ended meanwhile?", true: "the agent started again"}

func moment(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05 UTC") }

// Finish keeps what came of a command. report is told for a few minutes, as long
// as the agent lives; it is cut at mandate.MaxReport.
func (k *Keeper) Finish(number uint64, detail string, report []byte, failed error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	next := k.state.clone()
	i := slices.IndexFunc(next.Done, func(o outcome) bool { return o.Number == number })
	if i < 0 {
		return
	}
	o := &next.Done[i]
	o.Done, o.Detail = failed == nil, clip(detail)
	if failed != nil {
		o.Detail = clip(failed.Error())
	}
	if len(report) > 0 {
		o.report = report[:min(len(report), mandate.MaxReport)]
		time.AfterFunc(reportFor, func() { k.forgetReport(number) })
	}
	k.keep(next)
}

func (k *Keeper) forgetReport(number uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	next := k.state.clone()
	for i := range next.Done {
		if next.Done[i].Number == number {
			next.Done[i].report = nil
		}
	}
	k.state = next
}

// Outcomes tells the hub what came of the last commands, oldest first.
func (k *Keeper) Outcomes() (all []*pb.Outcome) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, o := range k.state.Done {
		all = append(all, &pb.Outcome{Number: o.Number, Kind: o.Kind, Done: o.Done, Detail: o.Detail, Report: o.report})
	}
	return all
}

func (s *state) add(o outcome) {
	s.Done = append(s.Done, o)
	if n := len(s.Done) - maxOutcomes; n > 0 {
		s.Done = slices.Delete(s.Done, 0, n)
	}
}
