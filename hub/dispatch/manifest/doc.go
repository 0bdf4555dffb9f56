// Package manifest reads files of places, couriers, jobs and routes, in CSV, JSON
// or YAML. Columns tells those of CSV; JSON and YAML are lists of records as the
// interface for programs takes them, each with its id.
//
// Of a route a CSV file has one line for each stop, one below the other in the
// order in which they are made.
package manifest
