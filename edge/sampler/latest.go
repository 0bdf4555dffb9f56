package sampler

import (
	"sync"

	"frostline/proto/reading"
)

// State is what is known of a series at present.
type State struct {
	Sensor   string
	Model    string
	Quantity reading.Quantity
	Taken    bool            // there is a Last; else the sensor has not been due yet
	Last     reading.Reading // the latest, whatever its quality
	HasGood  bool            // there is a Good
	Good     reading.Reading // the latest of quality OK
	Error    string          // why Last has no value; empty where it has
	Failures int64           // readings that were not OK, since the process began
	Counts   [16]int64       // readings by quality, since the process began
	Late     int64           // answers that came after their tick was given up
}

// latest keeps the state of all series.
type latest struct {
	mu     sync.Mutex
	states []State // in the order of configuration
	index  map[uint32]int
}

func (l *latest) add(sensor, model string, q reading.Quantity, id uint32) {
	if l.index == nil {
		l.index = map[uint32]int{}
	}
	l.index[id] = len(l.states)
	l.states = append(l.states, State{Sensor: sensor, Model: model, Quantity: q, Last: reading.Reading{Series: id}})
}

func (l *latest) set(readings []reading.Reading, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range readings {
		s := &l.states[l.index[r.Series]]
		s.Taken, s.Last, s.Error = true, r, ""
		if int(r.Quality) < len(s.Counts) {
			s.Counts[r.Quality]++
		}
		if err != nil {
			s.Error = err.Error()
		}
		if r.Quality == reading.OK {
			s.HasGood, s.Good = true, r
		} else {
			s.Failures++
		}
	}
}

func (l *latest) late(sensor string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.states {
		if l.states[i].Sensor == sensor {
			l.states[i].Late++
		}
	}
}

// Latest gives the state of each series, in the order of configuration.
func (s *Sampler) Latest() []State {
	s.latest.mu.Lock()
	defer s.latest.mu.Unlock()
	return append([]State(nil), s.latest.states...)
}

// Stats tells what has been given out.
func (s *Sampler) Stats() Stats {
	s.gather.mu.Lock()
	defer s.gather.mu.Unlock()
	return s.gather.stats
}
