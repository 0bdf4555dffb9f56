package world

import (
	"hash/fnv"
	"math/rand/v2"
)

// door opens and closes by chance, drawn once a step, so that its history
// depends on seed and time and not on who looks.
type door struct {
	openings Openings
	rng      *rand.Rand
	left     float64 // seconds it stays open; 0 when closed
	leftOpen bool    // by fault
}

func newDoor(seed uint64, name string, o Openings) *door {
	h := fnv.New64a()
	h.Write([]byte(name))
	return &door{openings: o, rng: rand.New(rand.NewPCG(seed, h.Sum64()))}
}

func (d *door) step(m moment) {
	chance, length := d.rng.Float64(), d.rng.Float64()
	if d.left > 0 {
		d.left = max(0, d.left-seconds)
		return
	}
	mean := d.openings.Night
	if working(m.utc) {
		mean = d.openings.Every
	}
	if mean > 0 && chance < seconds/mean.Seconds() {
		d.left = d.openings.Lasts.Seconds() * (0.5 + length)
	}
}

func (d *door) open() bool { return d.leftOpen || d.left > 0 }

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
