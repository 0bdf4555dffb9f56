package scan

import (
	"regexp"
	"slices"
	"strings"

	"frostline/proto/token"
)

var (
	plainID   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}$`) // of what the hub keeps
	requestID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{7,39}$`)
	// homes are the kinds of thing that a package can be in, and a unit.
	homes = map[Kind][]string{Label: {"compartment", "zone", "tote"}, SSCC: {"compartment", "zone", "tote"}, Unit: {"package"}}
)

// check completes a request and says what it is about, or what is wrong.
// corrected is the scan that it corrects.
func check(q *Request, corrected *record) (Subject, *Problem) {
	bad := func(word, field, why string) (Subject, *Problem) {
		return Subject{}, &Problem{Code: word, Field: field, Why: why}
	}
	if q.Withdrawn && corrected != nil { // it says again what it takes back
		by := q.By
		*q = Request{ID: q.ID, Corrects: q.Corrects, Withdrawn: true, Code: corrected.Code, Action: corrected.Action, Target: corrected.Target,
			From: corrected.From, To: corrected.To, Role: corrected.Role, Leaves: corrected.Leaves, Seal: corrected.Seal, By: by}
	}
	if q.Seal == "" {
		q.Seal = Seals[0]
	}
	subject, p := read(q.Code)
	if p != nil {
		return subject, p
	}
	switch {
	case actionWords[q.Action] == "":
		return bad(BadAction, "action", "want attach, detach or handover")
	case !slices.Contains(Seals, q.Seal):
		return bad(BadSeal, "seal", "want one of "+strings.Join(Seals, ", "))
	case q.Withdrawn && q.Corrects == "":
		return bad(BadCorrection, "corrects", "it is missing: say which scan is withdrawn")
	}
	if q.By != "" && token.Check("by", q.By) != nil {
		return bad(BadToken, "by", "it is no opaque token: leave it out, or send 8 to 64 letters, digits, _ and - that mean nothing elsewhere")
	}
	if p := checkTarget(q, subject); p != nil {
		return subject, p
	}
	if p := checkParties(q, subject); p != nil {
		return subject, p
	}
	if corrected == nil {
		return subject, nil
	}
	switch {
	case subject != corrected.Subject:
		return bad(BadCorrection, "corrects", "that scan is about "+corrected.Subject.Value+": withdraw it, and scan this one anew")
	case q.Action != corrected.Action, q.moves() != corrected.moves():
		return bad(BadCorrection, "corrects", "that scan said something else than this one, "+corrected.Action.String()+": withdraw it, and scan anew")
	}
	return subject, nil
}

// moves says that it tells where something is, or that it is nowhere.
func (q *Request) moves() bool { return q.Action != HandOver || q.Target != "" || q.Leaves }

func checkTarget(q *Request, subject Subject) *Problem {
	bad := func(why string) *Problem { return &Problem{Code: BadTarget, Field: "target", Why: why} }
	switch {
	case q.Target == "" && q.Action == Attach:
		return bad("it is missing: say which compartment the package goes into")
	case q.Target == "":
		if q.Leaves && q.Action != HandOver {
			return &Problem{Code: BadAction, Field: "leaves", Why: "it is for a hand-over: want detach for what comes out of a compartment"}
		}
		return nil
	case q.Action == Detach:
		return bad("a package that is taken out is in nothing: leave it out, or attach it elsewhere")
	case q.Leaves:
		return bad("it cannot leave and go into something at once: leave one of the two out")
	}
	kind, id, ok := strings.Cut(q.Target, "/")
	if !ok {
		kind, id = "compartment", q.Target
	}
	switch {
	case subject.Kind == Unit && kind != "package":
		return &Problem{Code: CodeUnit, Field: "code", Why: "it names one saleable unit: scan the label of the package that it is in"}
	case !slices.Contains(homes[subject.Kind], kind):
		return bad("want KIND/ID, KIND one of " + strings.Join(homes[subject.Kind], ", "))
	case !plainID.MatchString(id):
		return bad("want an id of 1 to 64 letters, digits, '.', '_', ':', '+' and '-', the first a letter or digit")
	}
	q.Target = kind + "/" + id
	return nil
}

func checkParties(q *Request, subject Subject) *Problem {
	if q.Action != HandOver {
		if q.From != "" || q.To != "" || q.Role != "" {
			return &Problem{Code: BadAction, Field: "action", Why: "from, to and role are for handover: leave them out"}
		}
		return nil
	}
	switch {
	case subject.Kind == Unit:
		return &Problem{Code: CodeUnit, Field: "code", Why: "it names one saleable unit: scan the label of the package that is handed over"}
	case !slices.Contains(Roles, q.Role):
		return &Problem{Code: BadRole, Field: "role", Why: "say what the one is who takes it: one of " + strings.Join(Roles, ", ")}
	case q.Role == "patient" && token.Check("to", q.To) != nil:
		return &Problem{Code: BadPatient, Field: "to", Why: "a patient is an opaque token of 8 to 64 letters, digits, _ and -, never a name, a birthday or a number of a telephone: take it from the order"}
	case !plainID.MatchString(q.To):
		return &Problem{Code: BadParty, Field: "to", Why: "say who takes it: want a party's id of 1 to 64 letters, digits, '.', '_', ':', '+' and '-'"}
	case q.From != "" && !plainID.MatchString(q.From):
		return &Problem{Code: BadParty, Field: "from", Why: "want a party's id, or leave it out for the first custodian"}
	}
	return nil
}
