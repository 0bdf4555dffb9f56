package excursion

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"frostline/hub/event"
	"frostline/hub/fact"
)

// maxRefusals bounds those written into the trail of one case; further ones
// are counted only.
const maxRefusals = 100

// Proof is what a person gives to sign: the password anew, or an answer of one
// of their passkeys for this content, and the digest of what was shown
// (View.Content), so that nobody signs what they have not seen.
type Proof struct {
	Password string
	Passkey  []byte // nil: the password
	Content  string
	Comment  string
}

// anew makes sure that a person is there, for one signature.
func (c *Cases) anew(ctx context.Context, person string, p Proof) (name string, roles []string, err error) {
	if p.Passkey == nil {
		return c.signers.Reauthenticate(ctx, person, p.Password)
	}
	keys, ok := c.signers.(KeySigners)
	if !ok {
		return "", nil, invalid("passkey: signatures here take a password")
	}
	return keys.ReauthenticateByKey(ctx, person, p.Content, p.Passkey)
}

// Sign is the first signature, that the case was reviewed. The person has the
// role qa or qa_approver.
func (c *Cases) Sign(ctx context.Context, by By, p Proof) (View, error) {
	return c.sign(ctx, by, p, Sign, MeaningReview, fact.ExcursionWasSigned)
}

// Approve is the second signature, of another person with the role qa_approver.
func (c *Cases) Approve(ctx context.Context, by By, p Proof) (View, error) {
	return c.sign(ctx, by, p, Approve, MeaningApproval, fact.ExcursionWasApproved)
}

func (c *Cases) sign(ctx context.Context, by By, p Proof, step Step, meaning, typ string) (View, error) {
	if by.Why == "" {
		by.Why = meaning
	}
	if len(p.Comment) > maxText {
		return View{}, invalid("comment: %d bytes, at most %d allowed", len(p.Comment), maxText)
	}
	if err := by.check(step); err != nil {
		return View{}, c.refusal(err)
	}
	// Out of order is said first: nobody gives a password for nothing.
	k, err := c.tables.get(ctx, c.store, by.Case)
	if err != nil {
		return View{}, err
	}
	if by.ID != "" && slices.Contains(k.Done, by.ID) {
		return c.look(k)
	}
	if _, err := Next(k.State, step); err != nil {
		return View{}, c.refusal(err)
	}
	person := strings.TrimPrefix(by.Actor, "person/")
	name, roles, err := c.anew(ctx, person, p)
	if errors.Is(err, ErrPassword) {
		return View{}, c.refuse(ctx, by, step, "reauthentication", err)
	}
	if err != nil {
		c.counts.refused.Add(1)
		return View{}, err
	}
	if !slices.Contains(roles, RoleApprover) && (step == Approve || !slices.Contains(roles, RoleReviewer)) {
		return View{}, c.refuse(ctx, by, step, "role", fmt.Errorf("%w: %s of %s needs the role %s", ErrForbidden, step, by.Actor, wanted(step)))
	}
	if step == Approve {
		first, err := inForce(k, MeaningReview)
		if err == nil && first != nil && first.Person == person {
			return View{}, c.refuse(ctx, by, step, "same person", fmt.Errorf("%w: %s has signed already: the approver is another person", ErrForbidden, by.Actor))
		}
	}
	return c.take(ctx, by, step, func(k *Case, to State) (string, any, error) {
		now, err := k.Content()
		if err != nil {
			return "", nil, err
		}
		if p.Content != now {
			return "", nil, fmt.Errorf("content: %w: it is %s now: look at the case and sign what it says", ErrStale, now)
		}
		if step == Approve {
			first, err := inForce(k, MeaningReview)
			if err != nil {
				return "", nil, err
			}
			if first == nil || first.Person == person {
				return "", nil, fmt.Errorf("%w: approval needs the valid signature of another person before it", ErrForbidden)
			}
		}
		s, err := seal(fact.Signature{
			Case: k.ID, Person: person, Name: name, Meaning: meaning, At: c.now().UnixMilli(), Comment: p.Comment, Content: now,
		})
		return typ, fact.ExcursionSigned{ID: k.ID, OldState: string(k.State), State: string(to), Signature: s}, err
	})
}

func wanted(step Step) string {
	if step == Approve {
		return RoleApprover
	}
	return RoleReviewer + " or " + RoleApprover
}

// refuse writes a refused signature into the trail and gives its error.
func (c *Cases) refuse(ctx context.Context, by By, step Step, why string, cause error) error {
	c.counts.refused.Add(1)
	_, err := c.events.Command(ctx, by.Actor, func(ctx context.Context, ch event.Change) error {
		k, err := c.tables.get(ctx, ch, by.Case)
		if err != nil || k.Refusals >= maxRefusals {
			return err
		}
		_, err = ch.Append(ctx, event.New{
			Stream: fact.Ref{Kind: fact.Excursion, ID: k.ID}.String(), Expect: -1, Type: fact.SignatureWasRefused, Reason: why,
			Data: fact.SignatureRefused{ID: k.ID, Step: string(step), Why: why},
		})
		return err
	})
	if err != nil {
		c.log.Error("a refused signature could not be written down", "case", by.Case, "by", by.Actor, "why", why, "error", err)
	}
	return cause
}
