package sensing

import (
	"maps"
	"slices"
)

// keys gives the keys of a map, in order.
func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// sorted gives what a map holds, in the order of its keys.
func sorted[V any](m map[string]V) (all []V) {
	for _, k := range keys(m) {
		all = append(all, m[k])
	}
	return all
}
