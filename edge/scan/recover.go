package scan

import (
	"context"

	"frostline/proto/pb"
	"frostline/proto/thermal"
)

// recover makes records anew from what is left of the chain, where their own
// file was damaged. Those taken since stay as they are.
func (s *Scanner) recover(ctx context.Context) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-s.turn }()
	epoch, boot, err := s.c.Chain.Began(ctx)
	if err != nil {
		return // tried again
	}
	known := map[string]bool{}
	for _, r := range s.records {
		known[r.ID] = true
	}
	var found []*record
	err = s.c.Chain.Recent(ctx, func(at Place, in uint32, e *pb.Event) {
		m := e.GetScan()
		if m == nil || known[m.Id] {
			return
		}
		known[m.Id] = true
		r := told(m, at, in)
		if r.Epoch == epoch && r.Boot == boot {
			r.BootID = s.c.BootID
		}
		found = append(found, r)
	})
	if err != nil {
		s.chain.Failed(s.c.Now(), "", err)
		return
	}
	s.mu.Lock()
	s.records, s.unsaved = append(found, s.records...), true
	s.mu.Unlock()
	s.store.damaged = false
	s.c.Log.Warn("scans were made anew from the chain; what the hub had before is not among them", "scans", len(found))
	if s.c.Changed != nil {
		s.c.Changed()
	}
}

// told is a record as the chain tells it, in a block of a boot.
func told(m *pb.Scan, at Place, boot uint32) *record {
	r := &record{Boot: boot, Epoch: at.Epoch, Place: &at}
	if m.Boot != 0 {
		r.Boot, r.Epoch = m.Boot, m.Epoch
	}
	r.Request = Request{ID: m.Id, Code: string(m.Raw), Action: Action(m.Action), Target: m.Target, From: m.From, To: m.To, Role: m.Role,
		Leaves: m.Leaves, Seal: Seals[min(int(m.Seal), len(Seals)-1)], By: m.By, Corrects: m.Corrects, Withdrawn: m.Withdrawn}
	r.Subject, r.Boottime, r.NoPosition = Subject{Kind(m.Kind), m.Value}, m.TickMs, m.NoPosition
	if i := m.Since; i != nil {
		r.Since = &Instant{i.AtMs, i.Boot, i.Epoch}
	}
	if t := m.Temperature; t != nil {
		r.Temperature = &Measured{thermal.Temp(t.Value), t.Sensor, t.TickMs}
	}
	if p := m.Position; p != nil {
		r.Position = &Fix{p.Latitude, p.Longitude, int64(p.Accuracy), p.Sensor, p.TickMs}
	}
	return r
}
