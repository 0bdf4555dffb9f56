package correlate

import (
	"math/rand"

	"pgregory.net/rapid"
)

// dice draw a world. Rapid prefers little: few readings, early instants, and
// nearly no package that anybody vouches for, let alone two who do. So of most
// worlds it only draws the seed, and all is as likely as all else; the others
// it draws itself, for the odd corners.
type dice struct {
	t   *rapid.T
	rnd *rand.Rand // nil: rapid draws
}

func newDice(t *rapid.T) *dice {
	d := &dice{t: t}
	if rapid.IntRange(0, 3).Draw(t, "even") > 0 {
		d.rnd = newRand(t)
	}
	return d
}

func roll[T int | int64 | uint32](d *dice, least, most T, name string) T {
	if d.rnd != nil {
		return least + T(d.rnd.Int63n(int64(most)-int64(least)+1))
	}
	return T(rapid.Int64Range(int64(least), int64(most)).Draw(d.t, name))
}

func pick[T any](d *dice, of []T, name string) T {
	return of[roll(d, 0, len(of)-1, name)]
}
