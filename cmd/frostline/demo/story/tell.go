package story

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// Options of a Teller.
type Options struct {
	Dir    string // where it keeps what it has told, and the keys of people
	Socket string // of the hub
	Web    string // HOST:PORT of the hub's pages
	Pages  string // how links name them, such as http://localhost:8080
}

// Teller tells a hub its stories, once: what was told is not told again, and
// what was interrupted goes on.
type Teller struct {
	o       Options
	company company
	plots   []plot
	keys    map[string]key
	told    progress
	again   bool    // all was told before
	desk    *caller // over the socket
	wire    *caller // with tokens
}

// progress is what has been told, as it is kept.
type progress struct {
	Begin int64 `json:"begin"` // of the recorded hours, Unix ms; all times count from it
	Done  bool  `json:"done"`
}

// Open makes a Teller that goes on from what is in Options.Dir. It calls
// nobody yet.
func Open(o Options) (*Teller, error) {
	t := &Teller{o: o, keys: map[string]key{}}
	var err error
	if t.company, t.plots, err = load(); err != nil {
		return nil, err
	}
	if err := read(t.file(), &t.told); err != nil {
		return nil, err
	}
	if err := read(t.KeyFile(), &t.keys); err != nil {
		return nil, err
	}
	t.again = t.told.Done
	t.desk, t.wire = callers(o.Socket, o.Web)
	return t, nil
}

func (t *Teller) file() string { return filepath.Join(t.o.Dir, "story.json") }

// Begun reports whether Begin was ever called.
func (t *Teller) Begun() bool { return t.told.Begin != 0 }

// Done reports whether all was told.
func (t *Teller) Done() bool { return t.told.Done }

// Begin says when the recorded hours begin. The first time counts.
func (t *Teller) Begin(at time.Time) error {
	if t.Begun() {
		return nil
	}
	t.told.Begin = at.UnixMilli()
	return write(t.file(), t.told)
}

// Company enters what there is before any story. It can go on while gateways
// record.
func (t *Teller) Company(ctx context.Context) error {
	if err := t.enter(ctx, t.company); err != nil {
		return err
	}
	return t.steps(ctx, "company", t.company.Steps)
}

// Tell tells all stories, waits until the hub has judged each, and does what
// people did about what it found. The hub has all that was recorded.
func (t *Teller) Tell(ctx context.Context) error {
	for _, p := range t.plots {
		if err := t.steps(ctx, p.Package, p.Steps); err != nil {
			return fmt.Errorf("story %q: %w", p.Title, err)
		}
	}
	for _, p := range t.plots {
		if err := t.judged(ctx, p); err != nil {
			return fmt.Errorf("story %q: %w", p.Title, err)
		}
		for _, d := range p.Cases {
			if err := t.process(ctx, p, d); err != nil {
				return fmt.Errorf("story %q: %w", p.Title, err)
			}
		}
	}
	t.told.Done = true
	return write(t.file(), t.told)
}

// steps makes calls in their order. Each has a key of its own, so that a
// repetition after an interruption does nothing twice.
func (t *Teller) steps(ctx context.Context, name string, steps []step) error {
	begin := time.UnixMilli(t.told.Begin)
	for i, s := range steps {
		body, err := dated(s.Body, begin)
		if err != nil {
			return fmt.Errorf("%s: %w", s.Call, err)
		}
		method, path, _ := strings.Cut(s.Call, " ")
		if err := t.call(ctx, s.As, fmt.Sprintf("demo-%d-%s-%d", t.told.Begin, name, i), method, path, body, nil); err != nil {
			return fmt.Errorf("%s: %w", s.Call, err)
		}
	}
	return nil
}

// call calls as somebody of the company; "" is whoever runs the demonstration.
func (t *Teller) call(ctx context.Context, as, key, method, path string, in, out any) error {
	if as == "" {
		return t.desk.do(ctx, "", key, method, path, in, out)
	}
	k, ok := t.keys[as]
	if !ok || k.Token == "" {
		return fmt.Errorf("%s has no token in %s", as, t.KeyFile())
	}
	return t.wire.do(ctx, "Bearer "+k.Token, key, method, path, in, out)
}

// Line is a story in a line: what happened, and where to look.
type Line struct{ Title, Tells, Look string }

// Lines lists the stories.
func (t *Teller) Lines() []Line {
	var all []Line
	for _, p := range t.plots {
		tells := p.Tells
		if t.again && p.Again != "" {
			tells = p.Again
		}
		all = append(all, Line{p.Title, tells, t.o.Pages + "/view/package/" + url.PathEscape(p.Package)})
	}
	return all
}
