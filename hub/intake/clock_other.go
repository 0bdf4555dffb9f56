//go:build !linux

package intake

import "time"

func kernelUncertainty() (time.Duration, bool) { return 0, false }
