// Package learn keeps what legs and hand-overs really took, and tells from it
// what the next ones will.
//
// Of each class, legs by source of the estimate, kind of courier and hour of the
// day, hand-overs by what is done at what sort of place, the newest 200 are
// kept. What is not known yet is filled by a spread that stands for a dozen
// observations, so that the first few legs of a day do not make a rule. Quantiles
// are those of the observations, not of a distribution that they are taken to
// have: delays have a long tail on one side.
//
// An observation has an id and tells neither where nor who.
package learn
