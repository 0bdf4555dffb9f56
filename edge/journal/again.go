package journal

import (
	"time"

	repeat "frostline/edge/outage"
)

// repeated is what fails now and then, by what the log says of it.
type repeated map[string]*repeat.Outage

// again logs what is tried again until it works: the first failure, and the
// end. what is one of few texts. j.disk is held.
func (j *Journal) again(what, works string, err error) {
	o := j.outages[what]
	if o == nil {
		if err == nil {
			return
		}
		o = &repeat.Outage{Log: j.log, Fails: what, Works: works}
		if j.outages == nil {
			j.outages = repeated{}
		}
		j.outages[what] = o
	}
	if now := time.Since(processStart).Milliseconds(); err != nil {
		o.Failed(now, "", err)
	} else {
		o.Worked(now)
	}
}

// processStart is the beginning of a time that nobody sets.
var processStart = time.Now()
