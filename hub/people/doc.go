// Package people keeps who may work with the hub: persons with their printed
// names, roles and passwords, and the tokens by which programs speak for them
// or for a partner.
//
// Nobody is removed, only disabled: signatures name them. Everything that is
// done to a person or token is added to a trail that nothing changes, in the
// same transaction.
//
// # Secrets
//
// Passwords are kept by argon2id (RFC 9106) with a salt of their own. Tokens are
// 160 random bits, so that their SHA-256 is kept as it is. There is no password
// or token that a new hub comes with: the first person is made over the hub's
// socket, by whoever may open it.
package people
