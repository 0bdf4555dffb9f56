// Package pb is the generated code of frost.proto: the messages between a
// gateway and the hub.
package pb

//go:generate protoc --go_out=. --go_opt=paths=source_relative frost.proto
