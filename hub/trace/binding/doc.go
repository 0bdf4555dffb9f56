// Package binding is the EPCIS 2.0 REST binding over the hub's repository, as
// GS1's OpenAPI description has it: /capture, /events, the top-level resources
// with their events, /queries and their subscriptions, all under /epcis.
//
// A caller shows a bearer token, as everywhere in the hub. The scope
// epcis:capture lets it capture, epcis:query lets it ask and keep queries and
// subscriptions.
//
// Where the description leaves a choice:
//
//   - A capture is done when 202 is answered: what succeeded is synced to disk.
//     Its job tells what came of it. A document that cannot be read is a 400
//     and makes no job.
//   - An event that is known by its id, with the same content, is no error and
//     has no effect.
//   - Identifiers are answered as GS1 Digital Link unless GS1-EPC-Format asks
//     for another form. What came as a Digital Link stays one where the length
//     of its company prefix is not known.
//   - Identifiers in paths are percent-encoded, / and ? among them.
//   - A page has at most 1,000 events and a token holds for a day.
//   - Subscriptions are webhooks; WebSockets are answered by 501.
package binding
