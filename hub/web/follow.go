package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"frostline/hub/view"
	"frostline/hub/web/tongue"
)

// take brings a commit's newest reading of each series to the open pages.
func (s *Server) take(b view.Batch) {
	newest := make(map[view.Series]view.Reading, 16)
	for _, t := range b.Readings {
		key := view.Series{Gateway: b.Gateway, Sensor: t.Sensor, Quantity: t.Quantity}
		r := t.Reading
		if r.Received == 0 {
			r.Received = b.Received
		}
		if old, ok := newest[key]; !ok || newer(r, old) {
			newest[key] = r
		}
	}
	for key, r := range newest {
		s.live.offer(key, 0, r)
	}
}

// release tells values held back by the live list when they are due.
func (s *Server) release(ctx context.Context) {
	tick := time.NewTicker(valueGap / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.live.release()
		}
	}
}

// poll asks Fleet each second while a page follows, for what no commit tells:
// links, clocks, backlogs, and readings that became dated.
func (s *Server) poll(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-tick.C:
			s.mu.Lock()
			idle := s.streams == 0
			s.mu.Unlock()
			if idle {
				continue
			}
		}
		_, err := s.fleet(ctx)
		s.mu.Lock()
		was := s.failing
		s.failing = err != nil
		s.mu.Unlock()
		switch {
		case ctx.Err() != nil:
		case err != nil && !was:
			s.log.Error("pages cannot ask for the gateways", "error", err)
		case err == nil && was:
			s.log.Info("pages can ask for the gateways again")
		}
	}
}

// fleet asks for the gateways and brings what is new in the answer to the open
// pages.
func (s *Server) fleet(ctx context.Context) ([]view.Gateway, error) {
	ctx, cancel := context.WithTimeout(ctx, pollDeadline)
	defer cancel()
	gs, err := s.cfg.Fleet.Gateways(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask for the gateways: %w", err)
	}
	now := s.now().UnixMilli()
	known := map[topicKey]bool{{}: true, boardKey: true}
	sum := sha256.New()
	for _, g := range gs {
		known[topicKey{Gateway: g.ID}] = true
		for _, sensor := range g.Sensors {
			fmt.Fprintf(sum, "%q %q\n", g.ID, sensor.Name)
			for _, c := range sensor.Channels {
				key := view.Series{Gateway: g.ID, Sensor: sensor.Name, Quantity: c.Quantity}
				known[key] = true
				fmt.Fprintf(sum, "%d %t\n", c.Quantity, c.Current)
				s.live.declare(key, c.Interval)
				if c.Latest != nil {
					s.live.offer(key, c.Interval, *c.Latest)
				}
			}
		}
		fmt.Fprintf(sum, "%q\n", g.ID)
		in := make([]string, 0, len(tongue.Languages))
		for _, lang := range tongue.Languages {
			var html bytes.Buffer
			if err := s.spoken.of(s.pages.home, lang).ExecuteTemplate(&html, "strip", stripOf(g, now)); err != nil {
				return nil, fmt.Errorf("render the status of gateway %s: %w", g.ID, err)
			}
			in = append(in, html.String())
		}
		s.live.stripIn(g.ID, in[0], in)
	}
	s.live.forget(func(k topicKey) bool { return known[k] })
	layout := hex.EncodeToString(sum.Sum(nil)[:8])
	s.mu.Lock()
	s.layout = layout
	s.mu.Unlock()
	s.live.strip("", layout)
	return gs, nil
}

// followBoard tells the pages of the dispatcher's board when the list of
// deliveries has changed.
func (s *Server) followBoard(ctx context.Context) {
	changed, stop := s.cfg.Dispatch.Watch()
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
			_, made := s.cfg.Dispatch.List()
			s.live.strip(boardKey.Gateway, strconv.FormatInt(made, 10))
		}
	}
}
