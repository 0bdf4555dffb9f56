// Package dossier puts together what the contexts know of a shipment and its
// packages: where each package was and who had it, what was measured, what that
// means, and what people decided. Pages and reports show a dossier and nothing
// else, so that their words and numbers come from one place.
//
// A dossier has no time of its own making: it says as of which event it was put
// together, and is the same whenever it is put together again as of that event.
package dossier
