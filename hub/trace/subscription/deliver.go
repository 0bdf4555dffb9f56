package subscription

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"frostline/hub/trace/epcis"
	"frostline/hub/trace/form"
	"frostline/hub/trace/repository"
)

const (
	batch      = 100     // events of a delivery
	stride     = 200_000 // events that one run looks at
	firstPause = time.Second
	mostPause  = 15 * time.Minute
	giveUp     = 72 * time.Hour
	saveEvery  = 10_000 // events passed over before that is written down
	troubled   = 5 * time.Second
	saveWithin = 10 * time.Second
)

// follow runs a subscription until it is ended or given up.
func (d *Desk) follow(ctx context.Context, s *Subscription) {
	wake, stop := d.repository.Watch()
	defer stop()
	size := batch
	logged := false
	for ctx.Err() == nil && !s.Failed {
		now := d.now()
		if wait := time.UnixMilli(s.Due).Sub(now); wait > 0 {
			pause(ctx, wait, nil)
			continue
		}
		if s.times == nil && s.Cursor >= d.repository.Last() {
			pause(ctx, time.Minute, wake)
			continue
		}
		select {
		case d.atOnce <- struct{}{}:
		case <-ctx.Done():
			return
		}
		err := d.run(ctx, s, &size)
		<-d.atOnce
		if ctx.Err() != nil {
			return
		}
		// What is wrong here lies in the hub, not in the receiver.
		if err != nil && !logged {
			d.log.Error("a subscription is held up", "subscription", s.ID, "query", s.Query, "error", err)
		} else if err == nil && logged {
			d.log.Info("the subscription goes on", "subscription", s.ID)
		}
		if logged = err != nil; logged {
			pause(ctx, troubled, nil)
		}
	}
}

// pause waits for a time, or to be woken.
func pause(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	t := time.NewTimer(min(d, time.Minute)) // a clock may be set
	defer t.Stop()
	select {
	case <-t.C:
	case <-wake:
	case <-ctx.Done():
	}
}

// run delivers what there is, or makes one attempt that fails.
func (d *Desk) run(ctx context.Context, s *Subscription, size *int) error {
	def, err := d.Query(ctx, s.Query)
	if errors.Is(err, ErrNotFound) {
		s.Failed = true // it was deleted, and the subscription with it
		return nil
	}
	if err != nil {
		return err
	}
	q, err := def.Parsed()
	if err != nil {
		return err
	}
	upto, begun, told := d.repository.Last(), d.now(), false
	saved := s.Cursor
	q.ByRecord, q.Descending = true, false
	for s.Cursor < upto {
		q.AfterSeq, q.UptoSeq = s.Cursor, min(upto, s.Cursor+stride)
		rows, more, err := d.repository.Fetch(ctx, q, nil, *size)
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			if ok, err := d.tell(ctx, s, rows, size); err != nil || !ok {
				return err
			}
			told = true
			s.Cursor = rows[len(rows)-1].Seq
		}
		if more == nil {
			s.Cursor = q.UptoSeq
		}
		if len(rows) > 0 || s.Cursor-saved >= saveEvery {
			if err := d.save(ctx, s); err != nil {
				return err
			}
			saved = s.Cursor
		}
	}
	if s.times == nil {
		return nil
	}
	if !told && s.ReportIfEmpty {
		if ok, err := d.tell(ctx, s, nil, size); err != nil || !ok {
			return err
		}
	}
	s.Asked = begun.UnixMilli()
	s.Due = s.times.next(d.now()).UnixMilli()
	return d.save(ctx, s)
}

// tell makes one delivery. ok is false where the receiver did not accept it;
// when to try again is noted then.
func (d *Desk) tell(ctx context.Context, s *Subscription, rows []repository.Row, size *int) (ok bool, err error) {
	f := s.Form
	if f == "" {
		f = form.DigitalLink
	}
	events, err := form.Events(rows, f, d.urn)
	if err != nil {
		return false, err
	}
	var body bytes.Buffer
	now := d.now()
	doc := &epcis.Document{Type: epcis.QueryDocument, SchemaVersion: "2.0", Created: now.UTC(), QueryName: s.Query, Subscription: s.ID, Events: events}
	if err := epcis.EncodeJSON(&body, doc); err != nil {
		return false, fmt.Errorf("write events: %w", err)
	}
	id := fmt.Sprintf("%s-%d", s.ID, s.Due)
	if len(rows) > 0 {
		id = fmt.Sprintf("%s-%d-%d", s.ID, rows[0].Seq, rows[len(rows)-1].Seq)
	}
	err = d.sender.Send(ctx, Message{URL: s.Dest, Secret: []byte(s.SignatureToken), ID: id, Body: body.Bytes(), Header: http.Header{
		"Content-Type": {"application/ld+json"}, "Gs1-Epcis-Version": {"2.0.0"}, "Gs1-Cbv-Version": {"2.0.0"},
	}})
	if err == nil {
		if s.Failing > 0 {
			d.log.Info("a subscriber accepts events again", "subscription", s.ID, "query", s.Query, "attempts", s.Attempts+1)
		}
		s.Told, s.Failing, s.Attempts, s.Error = d.now().UnixMilli(), 0, 0, ""
		*size = min(*size*2, batch)
		return true, nil
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	d.refused(s, err, size)
	return false, d.save(ctx, s)
}

// refused notes an attempt that failed.
func (d *Desk) refused(s *Subscription, err error, size *int) {
	now := d.now()
	if s.Failing == 0 {
		s.Failing = now.UnixMilli()
		d.log.Warn("a subscriber does not accept events; it is tried again", "subscription", s.ID, "query", s.Query, "error", err)
	}
	s.Attempts++
	s.Error = err.Error()
	wait := mostPause
	if s.Attempts < 12 {
		wait = min(firstPause<<(s.Attempts-1), mostPause)
	}
	wait -= time.Duration(rand.Int64N(int64(wait)/2 + 1))
	var later interface{ After() time.Duration }
	if errors.As(err, &later) {
		wait = max(wait, min(later.After(), mostPause))
	}
	s.Due = now.Add(wait).UnixMilli()
	var status interface{ Status() int }
	code := 0
	if errors.As(err, &status) {
		code = status.Status()
	}
	if code == http.StatusRequestEntityTooLarge && *size > 1 {
		*size, s.Due = *size/2, now.UnixMilli() // as the binding has it: smaller, then
	}
	if code == http.StatusGone || now.Sub(time.UnixMilli(s.Failing)) > giveUp {
		s.Failed = true
		d.log.Error("a subscription was given up: its subscriber is told no more", "subscription", s.ID, "query", s.Query, "attempts", s.Attempts, "error", err)
	}
}
