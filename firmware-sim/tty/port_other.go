//go:build !linux

package tty

import "time"

// Port is the device's end of a pseudo-terminal.
type Port struct{}

// Open fails with ErrUnsupported.
func Open(string) (*Port, error) { return nil, ErrUnsupported }

// Device is empty.
func (*Port) Device() string { return "" }

// Link is empty.
func (*Port) Link() string { return "" }

// Send fails with ErrUnsupported.
func (*Port) Send([]byte, time.Duration) (int, error) { return 0, ErrUnsupported }

// Receive fails with ErrUnsupported.
func (*Port) Receive([]byte, time.Duration) (int, error) { return 0, ErrUnsupported }

// Close does nothing.
func (*Port) Close() error { return nil }
