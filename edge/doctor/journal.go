package doctor

import (
	"context"
	"fmt"
	"strings"

	"frostline/edge/panel"
)

// setAsideRemedy is what to do with files that the journal did not wipe.
const setAsideRemedy = "Copy them for examination, have the disk checked, then remove them."

// journal reads all that is kept and checks its chain. A running agent has the
// files open, so it is asked what it knows.
func (b *bench) journal(context.Context) Result {
	switch {
	case b.unwell != nil:
		return hung()
	case b.running != nil:
		return askedJournal(b.running.Journal)
	}
	r, err := b.verify(b.Journal)
	if isAbsent(err) {
		return skipped("there is none yet; the agent makes it")
	}
	if err != nil {
		return fail("Run the doctor as the agent's user, and look at dmesg for errors of the disk.", "%v", err)
	}
	var blocks, readings uint64
	for _, e := range r.Epochs {
		blocks, readings = blocks+e.Blocks, readings+e.Readings
	}
	found := fmt.Sprintf("%d readings in %d blocks on disk", readings, blocks)
	switch {
	case r.Gateway != "" && r.Gateway != b.Gateway:
		return fail("Give this gateway a data directory of its own, or correct its name in the configuration file.", "the journal is of gateway %q, the configuration says %q", r.Gateway, b.Gateway)
	case r.Fault != nil:
		return warn("Start the agent: it takes in what is whole, sets the rest aside and declares what is lost; then have the disk checked.", "%s; %s", found, r.Fault)
	case len(r.Damaged) > 0:
		return warn(setAsideRemedy, "%s, whole and in chain; set aside as damaged: %s", found, strings.Join(r.Damaged, ", "))
	}
	return ok("%s, whole and in chain", found)
}

// journalFull is the share of its limit, percent, at which the journal warns.
const journalFull = 70

func askedJournal(j panel.Journal) Result {
	found := fmt.Sprintf("the agent, which has it, keeps %d readings, of which the hub lacks %d", j.Readings, j.PendingReadings)
	switch {
	case j.Error != "":
		return fail("See space and sync above.", "%s; the disk takes none: %s", found, j.Error)
	case j.MemoryBlocks > 0:
		return fail("See space and sync above.", "%s; %d wait in memory for the disk", found, j.MemoryReadings)
	case j.FullPercent >= journalFull:
		left := ""
		if j.HoursLeft != nil {
			left = fmt.Sprintf(", with room for %.0f hours at the present rate", *j.HoursLeft)
		}
		return warn("Restore the link, allow the journal more space (journal.max-size), or bring it to the hub by frostline-edge journal export.",
			"%s; it is %d %% full of that%s", found, j.FullPercent, left)
	case j.DamagedSegments > 0:
		return warn(setAsideRemedy, "%s; %d files are set aside as damaged", found, j.DamagedSegments)
	}
	return ok("%s", found)
}
