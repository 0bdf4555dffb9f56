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
// # One message for one cause
//
// A cold store that warms up breaks the limit of each package in it. A person
// is told of that once: e-mail gathers the excursions of one place, profile and
// kind that began about the same time (Gather.Window) into a group. The first
// message waits for Gather.First; more of the same is told by an update in the
// thread of the first, no sooner than Gather.Update after the last message;
// what is worse than anything told before of the group waits for Gather.First
// alone. Each message counts the packages, lists the worst hundred, and says
// how many there are by now.
//
// Deadlines stay with each excursion: each is a record that a person has to
// acknowledge, and one that nobody looked at must not hide behind another that
// somebody did. Those that become overdue together are told together.
//
// # Durability
//
// For each event, channel and recipient there is one row in the store, written
// by a consumer of events before anything is sent: for a webhook what is sent,
// for e-mail a piece of news, of which the delivery is made, also in one
// transaction, when it is due. A delivery is pending until the receiver has
// accepted it; it is tried again with growing pauses, and after Retry.For it
// has failed: it is parked, counted, shown and can be retried by a person. The hub may be killed at any moment: what was accepted but not yet
// written down is sent again under the same id (Message-ID, webhook-id), by
// which the receiver can tell. Nothing is told twice otherwise.
//
// # What sagas do
//
// Notices of sagas are told too, each once, and are not gathered: Config.Sagas
// says to whom. A patient and a prescriber are told by a webhook alone, of a
// program that knows whom the order's token stands for.
//
// # What is told
//
// What, where, how bad, since when, what to do, and a link. No message carries
// anything of a patient: it is made of an excursion's facts, which know none. A
// notice for a patient or prescriber carries the opaque token of the order.
//
// # Webhooks
//
// A program is told of each event by itself, of one excursion in their order,
// at most Webhook.Rate times a second; the extension attribute sequence puts
// the events of all excursions in order. A receiver that fails is left alone for
// a pause, whatever waits for it. An event that is parked holds up no other.
//
// The body is a CloudEvents 1.0 event in structured mode, signed as in
// standardwebhooks.com 1.0: webhook-id, webhook-timestamp, and
// webhook-signature "v1," with base64 of HMAC-SHA256 over "ID.TIMESTAMP.BODY",
// one for each secret, so that secrets can be changed. Redirects are not
// followed, and addresses that are not public are refused at the moment of
// connecting, unless the webhook is configured as private.
package notify
