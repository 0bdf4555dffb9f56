// Package tty offers a serial line on a pseudo-terminal, reachable at a stable
// path as a serial port is.
//
// What real serial hardware does with data that nobody reads is done here too:
// it is lost, oldest first. Before each Send, whatever of the earlier ones is
// still unread is discarded, so that a reader who comes late gets the present
// and never a row of stale sentences (whose timestamps would mislead a clock).
// A reader may then see the tail of a line whose head he had, as after a UART
// overrun; sentences carry checksums for that.
package tty

import "errors"

// ErrUnsupported says that this operating system has no pseudo-terminals that
// the simulator can use.
var ErrUnsupported = errors.New("pseudo-terminals are supported on linux alone")
