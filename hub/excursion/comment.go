package excursion

import (
	"context"
	"regexp"
	"strings"

	"frostline/hub/event"
	"frostline/hub/fact"
)

var sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Comment adds words, and references to documents kept elsewhere with their
// hash.
func (c *Cases) Comment(ctx context.Context, by By, text string, refs []fact.Attachment) (View, error) {
	if err := checkComment(text, refs); err != nil {
		return View{}, err
	}
	return c.comment(ctx, by, text, refs, nil)
}

func checkComment(text string, refs []fact.Attachment) error {
	if strings.TrimSpace(text) == "" || len(text) > maxText {
		return invalid("text: want 1 to %d bytes", maxText)
	}
	if len(refs) > 20 {
		return invalid("attachments: %d, at most 20 allowed", len(refs))
	}
	for i, a := range refs {
		switch {
		case a.Name == "" || len(a.Name) > 200 || a.Where == "" || len(a.Where) > 1000 || !sha256Hex.MatchString(a.SHA256):
			return invalid("attachments: number %d: want a name, where it is kept, and its SHA-256 in hex", i+1)
		case a.Where == fact.DocumentKept || a.Size != 0:
			return invalid("attachments: number %d: %q names the hub itself: give the document to it instead", i+1, a.Where)
		}
	}
	return nil
}

// comment appends a comment; keep is done in its transaction, if it is not nil.
func (c *Cases) comment(ctx context.Context, by By, text string, refs []fact.Attachment, keep func(context.Context, event.Change, *Case) error) (View, error) {
	return c.takeWith(ctx, by, Comment, keep, func(k *Case, _ State) (string, any, error) {
		return fact.ExcursionWasCommented, fact.ExcursionCommented{ID: k.ID, Text: text, Attachments: refs}, nil
	})
}
