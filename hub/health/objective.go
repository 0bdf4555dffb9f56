package health

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"frostline/hub/durable"
)

// Window is the time that objectives are about, in days: the running one and
// those before it.
const Window = 28

// Shares of the time in which a part is to be well.
const (
	needed = 0.999 // without it no reading is kept, judged or told of: 40 min of Window may be lost
	useful = 0.995 // everything else: 3 h 21 min
)

// core are the parts that are needed at any time.
var core = []string{"store", "broker", "events", "correlate", "excursions", "notify", "evidence log"}

// Objective is how much of the time a part is to be well, and was, over Window.
// Only time in which the hub ran and looked counts.
type Objective struct {
	Part   string
	Target float64       // of the time, 0 to 1
	Looked time.Duration // in which it was looked at
	Unwell time.Duration // of that, in which it was not well
	Budget time.Duration // that it may be unwell in Window
}

// Left is what is left of the budget; below zero it is overspent.
func (o Objective) Left() time.Duration { return o.Budget - o.Unwell }

// day counts seconds of one day, UTC.
type day struct {
	Looked map[string]float64 `json:"looked"`
	Unwell map[string]float64 `json:"unwell"`
}

// memory is what objectives are reckoned from, kept in a file.
type memory struct {
	Days map[string]day `json:"days"`

	file  string
	saved time.Time
	sick  bool // the last save failed, and was logged
}

// saveEvery is how much may be forgotten when the hub is killed.
const saveEvery = time.Minute

// Remember has the board keep what objectives are reckoned from in a file, which
// is made where there is none. It is called before Run. A file that cannot be
// read is an error, and is left as it is.
func (b *Board) Remember(file string) error {
	m := memory{Days: map[string]day{}}
	raw, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(raw, &m)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("what health remembers, %s: %w; put it away to begin anew", file, err)
	}
	if m.Days == nil {
		m.Days = map[string]day{}
	}
	m.file = file
	b.mu.Lock()
	defer b.mu.Unlock()
	b.memory = m
	return nil
}

// count adds the time since the last look to each part. A longer time than Run
// lets pass was not looked at. The mutex is held.
func (b *Board) count(was, now time.Time) {
	d := now.Sub(was)
	if was.IsZero() || d <= 0 || d > 4*Every {
		return
	}
	if b.memory.Days == nil {
		b.memory.Days = map[string]day{}
	}
	key := now.UTC().Format(time.DateOnly)
	today, ok := b.memory.Days[key]
	if !ok {
		today = day{map[string]float64{}, map[string]float64{}}
		oldest := now.UTC().AddDate(0, 0, 1-Window).Format(time.DateOnly)
		for k := range b.memory.Days {
			if k < oldest {
				delete(b.memory.Days, k)
			}
		}
	}
	for _, s := range b.seen {
		today.Looked[s.name] += d.Seconds()
		if s.Problem != "" {
			today.Unwell[s.name] += d.Seconds()
		}
	}
	b.memory.Days[key] = today
}

// save writes the memory down, now and then or at once.
func (b *Board) save(now time.Time, atOnce bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.memory.file == "" || !atOnce && now.Sub(b.memory.saved).Abs() < saveEvery {
		return
	}
	b.memory.saved = now
	raw, err := json.Marshal(b.memory)
	if err == nil {
		err = durable.WriteFile(b.memory.file, raw, 0o600)
	}
	switch {
	case err != nil && !b.memory.sick:
		b.log.Error("what health remembers could not be kept; objectives begin anew when the hub does", "file", b.memory.file, "error", err)
	case err == nil && b.memory.sick:
		b.log.Info("what health remembers is kept again", "file", b.memory.file)
	}
	b.memory.sick = err != nil
}

// Objectives gives that of each part, the least left of its budget first.
func (b *Board) Objectives() (out []Objective) {
	b.mu.Lock()
	defer b.mu.Unlock()
	oldest := b.now().UTC().AddDate(0, 0, 1-Window).Format(time.DateOnly)
	for _, p := range b.parts {
		o := Objective{Part: p.Name, Target: useful}
		if slices.Contains(core, p.Name) {
			o.Target = needed
		}
		o.Budget = time.Duration((1 - o.Target) * Window * 24 * float64(time.Hour)).Round(time.Second)
		for k, d := range b.memory.Days {
			if k >= oldest {
				o.Looked += time.Duration(d.Looked[p.Name] * float64(time.Second))
				o.Unwell += time.Duration(d.Unwell[p.Name] * float64(time.Second))
			}
		}
		out = append(out, o)
	}
	slices.SortStableFunc(out, func(a, b Objective) int {
		return cmp.Compare(float64(a.Left())/float64(a.Budget), float64(b.Left())/float64(b.Budget))
	})
	return out
}
