// Package privacy keeps the links by which patients follow a delivery, and what
// is asked for besides: a ZIP code or a year of birth.
//
// # Secrets
//
// A link's secret is 160 random bits, given once; its SHA-256 is kept. The answer
// to what is asked besides has few possible values, so it is kept as an HMAC
// whose key lies in a file of its own (mode 0600) and not in the store: who has
// the store alone cannot try all ZIP codes. A link is bound to the answer, and a
// session to the link; neither opens anything else.
//
// # Nothing leaks
//
// A secret that nobody has, one that has ended, was revoked or locked, and a wrong
// answer give the same error after the same work. Answers are bounded in speed
// for each secret, there be such a link or not, and for each origin. After
// MostWrong wrong ones in all a link is over, and whoever made it can see so.
//
// # Durability
//
// What Make and Revoke have done is on disk when they return nil, with who did it
// in a trail that nothing changes. Wrong answers count at once and are on disk a
// moment later, so that counting takes no time that could be measured from
// outside; a hub that dies in between forgets those few.
package privacy
