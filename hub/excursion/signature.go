package excursion

import "frostline/hub/fact"

// Meanings of signatures, as they are shown.
const (
	MeaningReview   = "I have reviewed this excursion and determined the disposition"
	MeaningApproval = "I approve this disposition"
)

// Roles of those who sign.
const (
	RoleReviewer = "qa"          // may sign first
	RoleApprover = "qa_approver" // may sign first or second
)

// content is what is signed.
type content struct {
	Case         string              `json:"case"`
	Facts        fact.ExcursionFacts `json:"facts"`
	Dispositions []fact.Disposition  `json:"dispositions"`
	Assessment   *fact.Assessment    `json:"assessment,omitempty"`
}

// Content is the SHA-256, hex, of the canonical JSON of what a signature of
// the case would bind to now: {"case", "facts", "dispositions"}, and
// "assessment" where there is one.
func (c *Case) Content() (string, error) {
	d := c.Proposal
	if d == nil {
		d = []fact.Disposition{}
	}
	return fact.Digest(content{c.ID, c.Facts, d, c.Assessment})
}

// seal gives a signature its Record.
func seal(s fact.Signature) (fact.Signature, error) {
	s.Record = ""
	var err error
	s.Record, err = fact.Digest(s)
	return s, err
}

// Standing says what a signature is worth now.
type Standing struct {
	fact.Signature
	// Standing: "valid"; "no longer matches", where what was signed has changed
	// since; "altered", where the signature itself is not as it was made.
	Standing string `json:"standing"`
	Now      string `json:"now"` // digest that it would bind to now
}

// standings verifies the signatures of a case.
func standings(c *Case) ([]Standing, error) {
	now, err := c.Content()
	if err != nil {
		return nil, err
	}
	all := []Standing{}
	for _, s := range c.Signatures {
		as := Standing{Signature: s, Standing: "valid", Now: now}
		again, err := seal(s)
		if err != nil {
			return nil, err
		}
		switch {
		case again.Record != s.Record || s.Case != c.ID:
			as.Standing = "altered"
		case s.Content != now:
			as.Standing = "no longer matches"
		}
		all = append(all, as)
	}
	return all, nil
}

// inForce gives the last signature of a meaning that is valid, nil if none is.
func inForce(c *Case, meaning string) (*fact.Signature, error) {
	all, err := standings(c)
	if err != nil {
		return nil, err
	}
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Meaning == meaning && all[i].Standing == "valid" {
			return &all[i].Signature, nil
		}
	}
	return nil, nil
}
