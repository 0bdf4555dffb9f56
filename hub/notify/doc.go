// Package notify tells people and programs about excursions, by e-mail and by
// webhook.
//
// # Who is told
//
// Config names contacts, schedules of who is on call, webhooks, and policies.
// The first policy that fits an excursion's severity and kind says who is told
// first, and who next when nobody has acknowledged in time. The deadlines
// themselves are kept by hub/excursion, which appends an event when one has
// passed; this package turns events into deliveries and keeps no time but that
// of its retries. Who is on call is worked out for the time of the event. An
// event that no policy fits is counted and logged: nobody is told of it.
//
// # Durability
//
// For each event, channel and recipient there is one row in the store, written
// by a consumer of events before anything is sent. A row is pending until the
// receiver has accepted it; it is tried again with growing pauses, and after
// Retry.For it has failed, which is counted, shown and can be retried by a
// person. The hub may be killed at any moment: what was accepted but not yet
// written down is sent again under the same id (Message-ID, webhook-id), by
// which the receiver can tell. Nothing is told twice otherwise.
//
// # What is told
//
// What, where, how bad, since when, what to do, and a link. No message carries
// anything of a patient: it is made of an excursion's facts, which know none.
//
// # Webhooks
//
// The body is a CloudEvents 1.0 event in structured mode, signed as in
// standardwebhooks.com 1.0: webhook-id, webhook-timestamp, and
// webhook-signature "v1," with base64 of HMAC-SHA256 over "ID.TIMESTAMP.BODY",
// one for each secret, so that secrets can be changed. Redirects are not
// followed, and addresses that are not public are refused at the moment of
// connecting, unless the webhook is configured as private.
package notify
