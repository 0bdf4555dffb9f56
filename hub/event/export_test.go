package event

import "time"

// Hasten makes consumers wait next to nothing between attempts.
func Hasten(l *Log) { l.pause = func(int) time.Duration { return time.Millisecond } }

const MaxAttempts = maxAttempts
