package catalog

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"frostline/hub/catalog/sheet"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
)

// ImportReport tells what an import did, or would do.
type ImportReport struct {
	Kind      string    `json:"kind" doc:"Kind that was imported, or all"`
	DryRun    bool      `json:"dryRun" doc:"Nothing was to be done"`
	Done      bool      `json:"done" doc:"It is done, wholly; otherwise nothing was"`
	Rows      int       `json:"rows" doc:"Records of the file that could be read"`
	Blank     int       `json:"blank,omitempty" doc:"Empty lines that were passed over"`
	Created   int       `json:"created" doc:"Records that were not there before"`
	Changed   int       `json:"changed" doc:"Records that were there and said something else"`
	Unchanged int       `json:"unchanged" doc:"Records that said the same already"`
	Placed    int       `json:"placed,omitempty" doc:"Sensors whose place was not yet known"`
	Problems  []Problem `json:"problems" doc:"What is wrong with the file: nothing of it was done"`
	More      int       `json:"more,omitempty" doc:"Problems beyond those listed"`
}

// Progress is told of an import: how far it is in a phase ("check" or
// "write"). It must return at once.
type Progress func(phase string, done, total int)

// errMoved means that the log went on while an import was planned.
var errMoved = errors.New("log has moved on")

// Import takes the records of a file: all of them in one transaction, or none
// where something is wrong with any, which the report tells. Records that are
// as they were are left alone. With dryRun nothing is done at all.
//
// The file is checked before the transaction begins. Where somebody changes
// something meanwhile it is checked again, the third time within the
// transaction. While that lasts nothing else is committed.
func (c *Catalog) Import(ctx context.Context, actor, reason string, kind fact.Kind, s *sheet.Sheet, dryRun bool, progress Progress) (ImportReport, error) {
	note, end := c.imports.begin(Underway{Kind: cmp.Or(kind.Plural(), string(kind)), Actor: actor, Started: c.o.Now().UnixMilli(), Phase: "check", Total: 2 * len(s.Rows)})
	defer end()
	if told := progress; told != nil {
		progress = func(phase string, done, total int) { note(phase, done, total); told(phase, done, total) }
	} else {
		progress = note
	}
	in := &importer{c: c, s: s, kind: kind, reason: reason, progress: progress}
	rows := slices.Clone(s.Rows)
	order := map[fact.Kind]int{}
	for i, k := range fact.RecordKinds() {
		order[k] = i
	}
	slices.SortStableFunc(rows, func(a, b sheet.Row) int {
		return cmp.Or(cmp.Compare(order[a.Record.Ref().Kind], order[b.Record.Ref().Kind]), cmp.Compare(profileVersion(a.Record), profileVersion(b.Record)))
	})
	in.rows = rows
	var report ImportReport
	var err error
	for try := 1; ; try++ {
		if report, err = in.run(ctx, actor, dryRun, try >= 3); !errors.Is(err, errMoved) {
			break
		}
	}
	if err != nil {
		return ImportReport{}, fmt.Errorf("import of %s: %w", cmp.Or(kind.Plural(), string(kind)), err)
	}
	report.DryRun, report.Done = dryRun, !dryRun && report.OK()
	return report, nil
}

// OK tells whether nothing is wrong with the file.
func (r ImportReport) OK() bool { return len(r.Problems) == 0 && r.More == 0 }

func profileVersion(r fact.Record) int {
	if p, ok := r.(fact.ProfileRecord); ok {
		return p.Profile.Version
	}
	return 0
}

type importer struct {
	c        *Catalog
	s        *sheet.Sheet
	kind     fact.Kind
	reason   string
	rows     []sheet.Row
	progress Progress

	steps  []*step // those that change something, in the order of rows
	places []fact.Attached
	report ImportReport
}

// run does the import once. inside: the file is checked in the transaction.
func (in *importer) run(ctx context.Context, actor string, dryRun, inside bool) (ImportReport, error) {
	last := in.c.o.Log.Last()
	if !inside || dryRun {
		err := in.c.o.Store.Snapshot(ctx, func(ctx context.Context, tx *store.Tx) error { return in.plan(ctx, tx) })
		if err != nil || dryRun || !in.report.OK() || len(in.steps)+len(in.places) == 0 {
			return in.report, err
		}
		inside = len(in.steps) == 0 // nothing would show that the log has moved on
	}
	_, err := in.c.o.Log.Command(ctx, actor, func(ctx context.Context, ch event.Change) error {
		if inside {
			if err := in.plan(ctx, ch); err != nil || !in.report.OK() {
				return err
			}
		}
		return in.write(ctx, ch, last, inside)
	})
	return in.report, err
}

// write appends what was planned.
func (in *importer) write(ctx context.Context, ch event.Change, last int64, inside bool) error {
	total := len(in.steps) + len(in.places)
	for i := 0; i < len(in.steps); i += atOnce {
		in.progress("write", i, total)
		var news []event.New
		for _, s := range in.steps[i:min(i+atOnce, len(in.steps))] {
			news = append(news, s.event(in.reason))
		}
		events, err := ch.AppendAll(ctx, news)
		if err != nil {
			return err
		}
		if i == 0 && !inside && events[0].Position != last+1 {
			return errMoved
		}
	}
	in.report.Placed = 0
	for i := 0; i < len(in.places); i += atOnce {
		in.progress("write", len(in.steps)+i, total)
		stated, err := in.c.o.Attacher.AttachAll(ctx, ch, in.reason, in.places[i:min(i+atOnce, len(in.places))])
		if err != nil {
			return fmt.Errorf("places of sensors: %w", err)
		}
		in.report.Placed += stated
	}
	in.progress("write", total, total)
	return nil
}

// atOnce is how many records are written together.
const atOnce = 1000

// plan checks all rows against the catalog and one another.
func (in *importer) plan(ctx context.Context, q store.Querier) error {
	in.steps, in.places = nil, nil
	in.report = ImportReport{Kind: cmp.Or(in.kind.Plural(), string(in.kind)), Rows: len(in.rows), Blank: in.s.Blank}
	problems := sheet.Mistakes{List: slices.Clone(in.s.Problems.List), More: in.s.Problems.More}
	v := in.c.view(q)
	placed, err := in.look(ctx, v)
	if err != nil {
		return err
	}
	lines := map[string]int{}
	steps := make([]*step, len(in.rows))
	total := 2 * len(in.rows)
	for i, row := range in.rows {
		if i%100 == 0 {
			in.progress("check", i, total)
		}
		id := row.Record.Ref().String()
		first, again := lines[id]
		s, err := v.prepare(ctx, row.Record, Any)
		if err == nil && again && !s.same && profileVersion(row.Record) == 0 {
			err = &Invalid{[]Problem{{Field: "id", Value: row.Record.Ref().ID, What: fmt.Sprintf("is on line %d too, with something else", first), Remedy: "keep one of the two lines"}}}
		}
		if !again {
			lines[id] = row.Line
		}
		if err != nil {
			if err = in.note(&problems, row, err); err != nil {
				return err
			}
			continue
		}
		v.take(s)
		steps[i] = s
	}
	for i, row := range in.rows {
		if i%100 == 0 {
			in.progress("check", len(in.rows)+i, total)
		}
		if steps[i] == nil {
			continue
		}
		wrong, err := v.relations(ctx, steps[i])
		if err != nil {
			return err
		}
		p, err := in.place(ctx, v, row, placed)
		if err != nil {
			return err
		}
		if p != nil {
			wrong = append(wrong, *p)
		}
		if wrong != nil {
			_ = in.note(&problems, row, &Invalid{wrong})
			continue
		}
		in.count(steps[i])
	}
	in.progress("check", total, total)
	in.report.Placed = len(in.places)
	slices.SortStableFunc(problems.List, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	in.report.Problems, in.report.More = problems.List, problems.More
	if in.report.Problems == nil {
		in.report.Problems = []Problem{}
	}
	return nil
}

func (in *importer) count(s *step) {
	switch {
	case s.same:
		in.report.Unchanged++
		return
	case s.before == nil:
		in.report.Created++
	default:
		in.report.Changed++
	}
	in.steps = append(in.steps, s)
}

// note turns an error about a row into problems; what is no such error it
// gives back.
func (in *importer) note(problems *sheet.Mistakes, row sheet.Row, err error) error {
	ref := row.Record.Ref()
	var found []Problem
	if invalid := (*Invalid)(nil); errors.As(err, &invalid) {
		found = invalid.Problems
	} else if errors.Is(err, ErrRetired) {
		found = []Problem{{Field: "id", Value: ref.ID, What: "is " + err.Error(), Remedy: "take the line out, or take the record into use again first"}}
	} else {
		return err
	}
	for _, p := range found {
		p.Line, p.ID, p.Field = row.Line, sheet.Clip(ref.ID), in.s.Column(ref.Kind, p.Field)
		problems.Add(p)
	}
	return nil
}

// look reads at once what the rows say something about or refer to, and tells
// of which sensors anything was ever said.
func (in *importer) look(ctx context.Context, v *view) (placed map[string]int64, err error) {
	seen := map[string]bool{}
	var ids, sensors []string
	want := func(id string) {
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	for _, row := range in.rows {
		want(row.Record.Ref().String())
		for _, r := range references(row.Record) {
			want(r.ref.String())
		}
		if row.In != nil {
			want(row.In.String())
			sensors = append(sensors, row.Record.Ref().String())
		}
	}
	if err := v.look(ctx, ids); err != nil {
		return nil, err
	}
	return event.StreamVersions(ctx, v.q, sensors)
}

// place plans the statement of where a sensor is; placed are the streams that
// there are.
func (in *importer) place(ctx context.Context, v *view, row sheet.Row, placed map[string]int64) (*Problem, error) {
	if row.In == nil {
		return nil, nil
	}
	if in.c.o.Attacher == nil {
		return &Problem{Field: "in", Value: row.In.String(), What: "this hub does not take places of sensors with an import", Remedy: "leave in and from out, and state places by attachments"}, nil
	}
	home, err := v.get(ctx, row.In.String())
	if err != nil {
		return nil, err
	}
	if home == nil || home.Retired {
		return &Problem{Field: "in", Value: row.In.String(), What: "is not in the catalog, or retired", Remedy: "enter it first"}, nil
	}
	subject := row.Record.Ref()
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d", subject, row.In, row.From))
	a := fact.Attached{
		ID: "import-" + hex.EncodeToString(sum[:16]), Subject: subject, In: row.In, At: row.From,
		Via: "statement", Made: v.c.o.Now().UnixMilli(), Note: "by import",
	}
	if placed[subject.String()] > 0 {
		if stated, err := v.stated(ctx, a); stated || err != nil {
			return nil, err
		}
	}
	in.places = append(in.places, a)
	return nil, nil
}

// stated tells whether an earlier import has made the same statement: what
// became of it since is not for this one to say.
func (v *view) stated(ctx context.Context, a fact.Attached) (bool, error) {
	const page = 1000
	for version := int64(0); ; {
		events, err := event.ReadStream(ctx, v.q, a.Subject.String(), version, page)
		if err != nil {
			return false, err
		}
		for _, e := range events {
			version = e.Version
			if e.Type != fact.WasAttached {
				continue
			}
			was, err := fact.Decode(e.Type, e.Data)
			if err != nil {
				return false, err
			}
			if was.(*fact.Attached).ID == a.ID {
				return true, nil
			}
		}
		if len(events) < page {
			return false, nil
		}
	}
}
