package carrier

import "context"

// Partner is how the exchange with a partner is doing.
type Partner struct {
	Carrier  string           `json:"carrier"`
	Party    string           `json:"party"`
	Incoming bool             `json:"incoming" doc:"It sends messages."`
	Booking  bool             `json:"booking" doc:"Jobs are booked with it."`
	Tasks    bool             `json:"tasks" doc:"It is told what becomes of tasks."`
	Messages map[string]int64 `json:"messages" doc:"By state."`
	Calls    map[string]int64 `json:"calls" doc:"By state."`
	Failing  string           `json:"failing,omitempty" doc:"Why calls or messages are held up."`
}

// Partners tells of all partners, in order.
func (d *Desk) Partners(ctx context.Context) ([]Partner, error) {
	all := []Partner{}
	for _, name := range d.names() {
		p := d.carriers[name]
		one := Partner{Carrier: name, Party: p.Party, Incoming: p.Incoming != nil, Booking: p.Booking != nil, Tasks: p.Tasks != nil, Failing: p.held[0].get()}
		if one.Failing == "" {
			one.Failing = p.held[1].get()
		}
		var err error
		if one.Messages, err = d.tally(ctx, "carrier_message", name); err != nil {
			return nil, err
		}
		if one.Calls, err = d.tally(ctx, "carrier_call", name); err != nil {
			return nil, err
		}
		if one.Failing == "" && one.Calls[Due] > 0 {
			list, err := d.Calls(ctx, name, Due, 0, 1)
			if err != nil {
				return nil, err
			}
			if len(list) > 0 {
				one.Failing = list[0].Problem
			}
		}
		all = append(all, one)
	}
	return all, nil
}

func (d *Desk) tally(ctx context.Context, table, carrier string) (map[string]int64, error) {
	rows, err := d.o.Store.Query(ctx, "SELECT state, COUNT(*) FROM "+table+" WHERE carrier = $1 GROUP BY state", carrier)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]int64{}
	for rows.Next() {
		var state string
		var n int64
		if err := rows.Scan(&state, &n); err != nil {
			return nil, err
		}
		out[state] = n
	}
	return out, rows.Err()
}

// Counts since the start.
type Counts struct{ Taken, Again, Forged, Reports, Sent, Failures uint64 }

// Counts tells how often what happened.
func (d *Desk) Counts() Counts {
	c := &d.counts
	return Counts{c.taken.Load(), c.again.Load(), c.forged.Load(), c.reports.Load(), c.sent.Load(), c.failures.Load()}
}
