// Package workflow runs sagas: what has to follow from an excursion, step by
// step, however often the hub ends in between.
package workflow
