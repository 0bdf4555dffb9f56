package event

import (
	"sync"
	"time"
)

var hastened sync.Map // logs

// Hasten makes consumers wait next to nothing between attempts. It is for the
// first time before any of them runs; after that it does nothing.
func Hasten(l *Log) {
	if _, again := hastened.LoadOrStore(l, true); !again {
		l.pause = func(int) time.Duration { return time.Millisecond }
	}
}

const MaxAttempts = maxAttempts

// LookThrough has searches look through fewer events, until what it gives is called.
func LookThrough(most, once int64) func() {
	was, of := searched, atOnce
	searched, atOnce = most, once
	return func() { searched, atOnce = was, of }
}
