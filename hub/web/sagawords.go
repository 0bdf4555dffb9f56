package web

import (
	"slices"
	"strings"

	"frostline/hub/policy"
	"frostline/hub/view"
	"frostline/hub/workflow"
)

// words of a step: what is to be done, what was, and what it is to undo it.
type stepWords struct{ Do, Did, Undo string }

var sagaSteps = map[string]stepWords{
	"quarantine":   {"Put the package into quarantine", "The package is in quarantine", "its hold on the package is lifted"},
	"find":         {"Look for its delivery", "Its delivery was looked up", ""},
	"stop":         {"Hold the delivery", "The delivery is held", "its stops are let go"},
	"tell":         {"Tell quality and dispatch", "Quality and dispatch are told", ""},
	"disposition":  {"Wait until quality has signed a disposition", "Quality has decided", ""},
	"lift":         {"End the quarantine of what is released", "The quarantine of what is released is ended", ""},
	"resume":       {"Let the delivery go on", "The delivery goes on", ""},
	"order":        {"Order a replacement", "A replacement is ordered", "the replacement's order is cancelled"},
	"shipment":     {"Plan the replacement's shipment", "The replacement's shipment is planned", "the replacement's shipment is cancelled"},
	"job":          {"Plan the replacement's delivery", "The replacement's delivery is planned, and waits for a route", "the replacement's job is cancelled"},
	"tell outcome": {"Tell everybody what came of it", "Everybody is told what came of it", ""},
}

// stageWords words a step as the saga does it.
func stageWords(x workflow.Saga, step string) stepWords {
	w, ok := sagaSteps[step]
	if !ok {
		return stepWords{step, step, step}
	}
	switch {
	case step == "stop" && x.Stop == workflow.StopRecall:
		return stepWords{"Call the courier back", "The courier is called back", ""}
	case step == "quarantine" && disposed(x) == workflow.Rejected, step == "stop" && disposed(x) == workflow.Rejected:
		w.Undo = ""
	}
	return w
}

// disposed is what quality has signed, "" before.
func disposed(x workflow.Saga) string {
	for _, d := range x.Steps {
		if d.Disposition != "" {
			return d.Disposition
		}
	}
	return ""
}

// sagaMark gives shape, colour and word of where a saga stands.
func sagaMark(x workflow.Saga) (view.State, string) {
	switch x.State {
	case workflow.Parked:
		return "wrong", "waits for a person"
	case workflow.Waiting:
		return "held", "waits for quality"
	case workflow.Ended:
		if x.Outcome == workflow.Released {
			return view.Live, x.Outcome
		}
		return "calm", x.Outcome
	}
	return view.Live, "runs"
}

// nowWords are those of the step that a saga is at.
func nowWords(x workflow.Saga) (view.State, string) {
	switch {
	case x.State == workflow.Parked && x.Undoing:
		return "wrong", "could not be undone"
	case x.Asks():
		return "wrong", "a person decides"
	case x.State == workflow.Parked:
		return "wrong", "could not be done"
	case x.State == workflow.Waiting:
		return "held", "waits"
	}
	return "late", "at it now"
}

var (
	// decisionWords are what was decided.
	decisionWords = map[string]string{workflow.Retry: "Tried again", workflow.Skip: "Left out", workflow.Compensate: "Ended, and undone what was done; it was at"}
	// decidedWords are what the page says after a decision. Nothing else of an
	// address comes onto the page.
	decidedWords = map[string]string{
		workflow.Retry:      "Decided: it is tried again. The saga goes on in a moment.",
		workflow.Skip:       "Decided: it is left out. The saga goes on in a moment.",
		"stop":              "The stop is as you wanted it.",
		workflow.Compensate: "Decided: what was done is undone, and the saga ends, in a moment.",
	}
	// deeds are decisions as they are told to whoever comes second.
	deeds = map[string]string{workflow.Retry: "to try it again", workflow.Skip: "to leave it out", workflow.Compensate: "to undo what was done and end it"}
)

// buttonView is one thing that a person can decide.
type buttonView struct {
	Decision, Label string
	Means           []string // sentences
}

// buttons are what can be decided about a saga now, with what comes of it.
func buttons(x workflow.Saga, way []workflow.Stage) (all []buttonView) {
	for _, c := range x.Choices {
		b := buttonView{Decision: c}
		switch c {
		case workflow.Retry:
			b.Label, b.Means = "Try again", []string{"The step is done once more: " + lower(stageWords(x, x.Step).Do) + "."}
			if x.Undoing {
				b.Means = []string{"Undoing the step is tried once more."}
			}
			if x.Asks() {
				b.Label, b.Means = "Hold the delivery", []string{"Its stops are not delivered until quality has decided."}
			}
		case workflow.Skip:
			b.Label, b.Means = "Leave it out", []string{"The saga goes on without the step.", "What it should have done is for a person to do."}
			if x.Undoing {
				b.Means = []string{"What was done stays as it is, and is for a person to undo.", "The rest is undone."}
			}
			if x.Asks() {
				b.Label, b.Means = "Let it go on", []string{"The delivery is not held.", "The package stays in quarantine for the hub."}
			}
		case workflow.Compensate:
			b.Label, b.Means = "Undo and end", undoWords(x, way)
		}
		all = append(all, b)
	}
	return all
}

// stays is what whoever compensates is told where something else holds the package.
const stays = "The package stays in quarantine: something else holds it too."

// undoWords tell what compensating comes to.
func undoWords(x workflow.Saga, way []workflow.Stage) []string {
	all := []string{"The saga ends, and what it did is undone:"}
	for _, st := range slices.Backward(way) {
		if text := stageWords(x, st.Step).Undo; st.Undo && text != "" {
			all = append(all, text+";")
		}
	}
	if n := len(all) - 1; n > 0 {
		all[n] = strings.TrimSuffix(all[n], ";") + "."
	} else {
		all[0] = "The saga ends; nothing is there to be undone."
	}
	if disposed(x) == workflow.Rejected {
		all = append(all, "What quality has rejected stays in quarantine, and its delivery held.")
	}
	return all
}

// sureWords are what whoever compensates has to say that they know.
func sureWords(x workflow.Saga) string {
	if !slices.Contains(x.Choices, workflow.Compensate) || disposed(x) != "" {
		return ""
	}
	return "I know that quality has not decided, and that ending it lifts its hold on the package (for “Undo and end” alone)"
}

// lower begins a sentence within another.
func lower(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// who is an actor as pages name one.
func who(actor string) string {
	kind, name, _ := strings.Cut(actor, "/")
	switch kind {
	case "person":
		return name
	case "system":
		return "the hub"
	}
	return actor
}

// rolesFor gives the roles that may use a route of the pages.
func rolesFor(pattern string) []string { rule, _ := policy.Page(pattern); return rule.Roles }
