package scan

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Scan is a scan of a gateway as it stands now.
type Scan struct {
	Gateway     string
	ID          string // the gateway's
	Code        string // as it was scanned, without what is not text
	Kind        string // label, sscc or unit
	Value       string // what the code names
	Action      string // attach, detach or handover
	Target      string // KIND/ID
	From, To    string
	Role        string
	Seal        string
	Leaves      bool
	By          string    // token of who scanned
	Temperature *Measured // nil: none was read
	Position    *Position // nil: there was no fix, and NoPosition says why
	NoPosition  string
	Corrects    string // ID of another scan of the gateway
	Withdrawn   bool

	Epoch, Boot uint32
	Boottime    int64  // of the scan, ms
	Block       uint64 // that tells it, of InEpoch
	InEpoch     uint32
	Received    int64 // hub's clock, Unix ms

	// UTC of the scan by the anchors known now, Unix ms, and its uncertainty;
	// nil while it is undated or the gateway's clocks contradict one another.
	UTC         *int64
	Uncertainty int64

	// State is of the scan and those that correct it: Undated, Conflict, Ahead,
	// Invalid or Withdrawn, or, where custody was told, Due, Taken, SetAside,
	// Refused or Dropped.
	State   string
	Problem string
	// Replaced: another scan corrects it, and the state is that one's.
	Replaced   bool
	Disputed   string   // where another scan of that id is told; "" nowhere
	Statements []string // IDs of custody's, in order; the last of each part counts
}

// Measured is a temperature and what it was measured by.
type Measured struct {
	Value  int64 // milli-degrees Celsius
	Sensor string
}

// Position is where the gateway was.
type Position struct {
	Latitude, Longitude int64 // 1e-7 degrees
	Accuracy            int64 // mm
}

// Due says that custody was not told yet.
const Due = "due"

// Filter chooses scans.
type Filter struct {
	Gateway string // "" all
	State   string // of Scan; "" all
}

// MaxPage bounds what List gives.
const MaxPage = 1000

// After is what the list goes on from after a scan.
func (s Scan) After() string { return fmt.Sprintf("%d/%s/%s", s.Received, s.Gateway, s.ID) }

// List gives scans, the last received first, from after the one whose After is
// given; "" is the first page.
func (k *Keeper) List(ctx context.Context, f Filter, after string, limit int) (out []Scan, err error) {
	if limit < 1 || limit > MaxPage {
		return nil, fmt.Errorf("scans: limit %d: want 1 to %d", limit, MaxPage)
	}
	from, fromGateway, fromID := int64(math.MaxInt64), "", ""
	if after != "" {
		if from, fromGateway, fromID, err = parseCursor(after); err != nil {
			return nil, err
		}
	}
	known := map[group]*standing{}
	for len(out) < limit {
		query, args := scanColumns+`WHERE (received_ms < $1 OR received_ms = $1 AND (gateway > $2 OR gateway = $2 AND id > $3))`, []any{from, fromGateway, fromID}
		if f.Gateway != "" {
			args = append(args, f.Gateway)
			query += fmt.Sprintf(` AND gateway = $%d`, len(args))
		}
		if f.State != "" { // a few too many, left out below
			args = append(args, f.State)
			query += fmt.Sprintf(` AND (EXISTS (SELECT 1 FROM scan_group g WHERE g.gateway = scan.gateway AND g.root = scan.root AND g.state = $%[1]d)
				OR EXISTS (SELECT 1 FROM scan_line l WHERE l.gateway = scan.gateway AND l.root = scan.root AND l.state = $%[1]d))`, len(args))
		}
		rows, err := scanRows(k.o.Store.Query(ctx, query+fmt.Sprintf(` ORDER BY received_ms DESC, gateway, id LIMIT %d`, limit), args...))
		if err != nil {
			return nil, err
		}
		for i := range rows {
			r := &rows[i]
			from, fromGateway, fromID = r.received, r.gateway, r.id
			g := group{r.gateway, r.root}
			if known[g] == nil {
				if known[g], err = k.standing(ctx, g); err != nil {
					return nil, err
				}
			}
			s, err := k.shown(ctx, r, known[g])
			if err != nil {
				return nil, err
			}
			if (f.State == "" || f.State == s.State) && len(out) < limit {
				out = append(out, s)
			}
		}
		if len(rows) < limit {
			break
		}
	}
	return out, nil
}

func parseCursor(s string) (at int64, gateway, id string, err error) {
	ms, rest, ok1 := strings.Cut(s, "/")
	gateway, id, ok2 := strings.Cut(rest, "/")
	if at, err = strconv.ParseInt(ms, 10, 64); err != nil || !ok1 || !ok2 {
		return 0, "", "", fmt.Errorf("scans: %.40q: want what the page before gave as next", s)
	}
	return at, gateway, id, nil
}

// standing is how a group stands.
type standing struct {
	state, problem string
	last           string // id of the scan that counts
	facts          []string
}

func (k *Keeper) standing(ctx context.Context, g group) (*standing, error) {
	s := &standing{state: Undated}
	rows, err := k.o.Store.Query(ctx, `SELECT state, problem FROM scan_group WHERE gateway = $1 AND root = $2`, g.gateway, g.root)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		if err := rows.Scan(&s.state, &s.problem); err != nil {
			rows.Close()
			return nil, err
		}
	}
	if err := cmp.Or(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	if s.state == fresh {
		s.state = Due
	}
	lines, err := k.lines(ctx, g)
	if err != nil {
		return nil, err
	}
	stated := s.state == Stated
	if stated {
		s.state = Due
	}
	worst := -1
	for _, part := range []string{place, custody} {
		all := lines[part]
		for _, l := range all {
			s.facts = append(s.facts, l.fact)
		}
		if n := len(all); n > 0 && stated && ranks[all[n-1].state] > worst {
			worst, s.state, s.problem = ranks[all[n-1].state], all[n-1].state, all[n-1].problem
		}
	}
	scans, err := scanRows(k.o.Store.Query(ctx, scanColumns+`WHERE gateway = $1 AND root = $2`, g.gateway, g.root))
	if err != nil || len(scans) == 0 {
		return s, err
	}
	s.last = counting(scans).id
	return s, nil
}

// ranks orders outcomes by how much they want a person.
var ranks = map[string]int{Taken: 0, Due: 1, SetAside: 2, Dropped: 3, Refused: 4}

func (k *Keeper) shown(ctx context.Context, r *stored, g *standing) (Scan, error) {
	m := r.m
	s := Scan{
		Gateway: r.gateway, ID: r.id, Code: printable(string(m.Raw)), Kind: kinds[m.Kind], Value: printable(m.Value), Action: actions[m.Action], Target: printable(m.Target),
		From: printable(m.From), To: printable(m.To), Role: printable(m.Role), Leaves: m.Leaves, By: printable(m.By), NoPosition: printable(m.NoPosition),
		Corrects: m.Corrects, Withdrawn: m.Withdrawn, Epoch: r.when.epoch, Boot: r.when.boot, Boottime: r.when.at, Block: r.block, InEpoch: r.inEpoch, Received: r.received,
		State: g.state, Problem: g.problem, Replaced: g.last != r.id, Disputed: r.disputed, Statements: g.facts,
	}
	if int(m.Seal) < len(seals) {
		s.Seal = seals[m.Seal]
	}
	if t := m.Temperature; t != nil {
		s.Temperature = &Measured{t.Value, printable(t.Sensor)}
	}
	if p := m.Position; p != nil {
		s.Position = &Position{p.Latitude, p.Longitude, int64(min(p.Accuracy, 1<<40))}
	}
	t, err := k.o.Times.Timeline(ctx, r.gateway, r.when.epoch, r.when.boot)
	if err != nil {
		return s, err
	}
	if at, ok := t.Resolve(r.when.at); ok && !at.Conflict {
		s.UTC, s.Uncertainty = &at.UTC, at.Uncertainty
	}
	return s, nil
}

// printable is a text of the wire without what a terminal or page would obey.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '·'
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
}

// Counts are of groups of a scan and those that correct it, but for Disputed and
// Strange.
type Counts struct {
	Scans    int64            // rows
	Groups   map[string]int64 // by State as in reconcile
	Lines    map[string]int64 // statements by outcome
	Failing  string           // why they are not worked in now; "" where they are
	Disputed int64            // scans whose id was used for another
	Strange  int64            // events that could not be told from others, since the start
}

// Count counts what there is.
func (k *Keeper) Count(ctx context.Context) (c Counts, err error) {
	c = Counts{Groups: map[string]int64{}, Lines: map[string]int64{}, Strange: k.strange.Load()}
	if why := k.failing.Load(); why != nil {
		c.Failing = *why
	}
	by := func(into map[string]int64, query string) error {
		rows, err := k.o.Store.Query(ctx, query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var state string
			var n int64
			if err := rows.Scan(&state, &n); err != nil {
				return err
			}
			into[state] = n
		}
		return rows.Err()
	}
	if err = by(c.Groups, `SELECT state, COUNT(*) FROM scan_group GROUP BY state`); err != nil {
		return c, err
	}
	if err = by(c.Lines, `SELECT state, COUNT(*) FROM scan_line GROUP BY state`); err != nil {
		return c, err
	}
	all := map[string]int64{}
	if err = by(all, `SELECT CASE WHEN disputed = '' THEN 'plain' ELSE 'disputed' END, COUNT(*) FROM scan GROUP BY 1`); err != nil {
		return c, err
	}
	c.Scans, c.Disputed = all["plain"]+all["disputed"], all["disputed"]
	return c, nil
}
